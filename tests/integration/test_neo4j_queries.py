"""Every query of the Neo4j store finds what it reads by the index that its comment names, and scans nothing.

The comments are read from the source, so that what stands above a query is what it does.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, LiteralString, cast

import pytest
from neo4j import Driver, GraphDatabase, NotificationMinimumSeverity

import graph.stores.neo4j.cypher as package
from graph.settings import GraphSettings
from graph.stores.neo4j.cypher.names import EDGE_TYPES, LABELS, PAIRED, TYPES
from graph.stores.neo4j.store import Neo4jStore
from tests import graphs
from tests.conftest import Neo4jEndpoint

pytestmark = pytest.mark.neo4j

ANY_OF = {
    **{placeholder: list(LABELS.values()) for placeholder in ("LABEL", "SOURCE", "TARGET")},
    "TYPE": [*TYPES.values(), *EDGE_TYPES.values()],
    "PAIRED": list(PAIRED.values()),
}
"""What the placeholders of a query that is made for several names stand for."""
INDEXES = re.compile(r"\w+\([\w, ]+\)(?: or \w+\([\w, ]+\))*")
SCANS = re.compile(r"(AllNodes|NodeByLabel|NodeByLabels|AllRelationships|RelationshipTypes?)Scan")


@dataclass(frozen=True)
class Query:
    """One query, and what is said above it."""

    name: str
    text: LiteralString
    indexes: tuple[tuple[str, ...], ...]
    """All of these, each one of several."""
    rows: str

    def __str__(self) -> str:
        return self.name


def comments(source: str) -> dict[int, str]:
    """By the line after them: blocks of comments that begin with `index:`, each as one line."""
    lines = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and token.start[1] == 0
    }
    found: dict[int, str] = {}
    for number in sorted(lines):
        if number - 1 not in lines:
            block = [lines[number]]
            while number + len(block) in lines:
                block.append(lines[number + len(block)])
            if block[0].startswith("index: "):
                found[number + len(block)] = " ".join(block)
    return found


def said_of(tree: ast.Module, above: dict[int, str]) -> dict[str, str]:
    """What is said of each constant: above it, or above the private one that it is made from."""
    said: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            made_from = [each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)]
            texts = [above.get(node.lineno), *(said.get(name) for name in made_from)]
            if text := next(filter(None, texts), None):
                said[node.target.id] = text
    return said


def texts(value: Any) -> Iterator[tuple[str, LiteralString]]:
    """The queries of a constant: itself, or all in it, each with where it is."""
    if isinstance(value, str):
        yield "", cast("LiteralString", value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            parts = key if isinstance(key, tuple) else (key,)
            for rest, text in texts(inner):
                yield f"[{', '.join(map(str, parts))}]{rest}", text
    elif isinstance(value, tuple):
        for place, inner in enumerate(value):
            for rest, text in texts(inner):
                yield f"[{place}]{rest}", text


def all_queries() -> list[Query]:
    found: list[Query] = []
    for info in iter_modules(package.__path__):
        if info.name == "names":
            continue
        module = import_module(f"{package.__name__}.{info.name}")
        source = Path(module.__file__ or "").read_text("utf-8")
        said = said_of(ast.parse(source), comments(source))
        for name, value in vars(module).items():
            if not name.isupper() or name.startswith("_") or getattr(import_module(names_module), name, None) is value:
                continue
            for place, text in texts(value):
                if not isinstance(value, dict) or re.search(r"\b(MATCH|RETURN|CREATE|MERGE)\b", text):
                    assert name in said, f"{info.name}.{name} says neither by which index it reads nor how many rows"
                    index, _, rows = said[name].removeprefix("index: ").partition("; rows: ")
                    indexes = tuple(tuple(each.split(" or ")) for each in INDEXES.findall(index))
                    found.append(Query(f"{info.name}.{name}{place}", text, indexes, rows))
    return found


names_module = f"{package.__name__}.names"
QUERIES = all_queries()


def matches(named: str, used: str) -> bool:
    name, _, properties = named.partition("(")
    used_name, _, used_properties = used.partition("(")
    return properties == used_properties and used_name in ANY_OF.get(name, [name])


@pytest.fixture(scope="module")
def explaining(neo4j_server: Neo4jEndpoint) -> Iterator[Driver]:
    with GraphDatabase.driver(
        neo4j_server.uri, auth=neo4j_server.auth, notifications_min_severity=NotificationMinimumSeverity.OFF
    ) as driver:
        yield driver


@pytest.fixture
def _schema(cleared_neo4j: Neo4jEndpoint, explaining: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_USERNAME", cleared_neo4j.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", cleared_neo4j.auth[1])
    store = Neo4jStore.connect(cleared_neo4j.uri, GraphSettings())
    store.migrate()
    graphs.fill(store)
    store.close()
    # Plans of earlier tests may have been made before an index was filled.
    explaining.execute_query("CALL db.clearQueryCaches()")


def operators(driver: Driver, query: LiteralString) -> list[tuple[str, str]]:
    """Every operator of a query's plan, with its details."""

    def walk(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
        yield plan["operatorType"].partition("@")[0], plan["args"].get("Details", "")
        for child in plan.get("children", []):
            yield from walk(child)

    with driver.session() as session:
        plan = session.run(cast("LiteralString", f"EXPLAIN {query}")).consume().plan
    assert plan is not None
    return list(walk(plan))


@pytest.mark.usefixtures("_schema")
def test_every_query_uses_the_index_that_it_names(explaining: Driver) -> None:
    assert len(QUERIES) > 100
    wrong: list[str] = []
    for query in QUERIES:
        plan = operators(explaining, query.text)
        used = {
            index for name, details in plan if "Seek" in name for index in re.findall(r":(\w+\([\w, ]+\))", details)
        }
        lacking = [
            " or ".join(some)
            for some in query.indexes
            if not any(matches(named, index) for named in some for index in used)
        ]
        if lacking:
            wrong.append(
                f"{query}: no {', '.join(lacking)} in {'; '.join(f'{name} {details}' for name, details in plan)}"
            )
        scans = [f"{name} {details}" for name, details in plan if SCANS.search(name)]
        if scans and query.indexes:
            wrong.append(f"{query}: {'; '.join(scans)}")
    assert not wrong, "\n".join(wrong)


def test_every_query_says_how_many_rows_it_returns() -> None:
    assert [query.name for query in QUERIES if not query.rows] == []
