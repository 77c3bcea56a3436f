"""`tastegraph doctor` on a real Neo4j: each fault made by Cypher behind the store's back, and mended as it says."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from neo4j import Driver, GraphDatabase

from graph.model import EventKind
from graph.ports import EventBatch, GraphStore
from graph.stores import open_store
from graph.stores.neo4j.cypher import health, loads
from loaders.synthetic import Sizes, write_synthetic
from tests import graphs
from tests.commands import run, start
from tests.conftest import Neo4jEndpoint

pytestmark = pytest.mark.neo4j

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"
ONE_HELD = "MATCH (b:Board {id: 'bo-kitchen'})-[h:HOLDS]->(p:Pin {id: 'soup'}) "


@pytest.fixture
def endpoint(cleared_neo4j: Neo4jEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Neo4jEndpoint:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TASTEGRAPH_STORE", cleared_neo4j.uri)
    monkeypatch.setenv("NEO4J_USERNAME", cleared_neo4j.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", cleared_neo4j.auth[1])
    return cleared_neo4j


@pytest.fixture
def store(endpoint: Neo4jEndpoint) -> Generator[GraphStore]:
    with closing(open_store(endpoint.uri)) as store:
        store.migrate()
        yield store


@pytest.fixture
def filled(store: GraphStore) -> GraphStore:
    """The graph of `tests.graphs`, and no load that says what it left."""
    graphs.fill(store)
    return store


@pytest.fixture
def driver(endpoint: Neo4jEndpoint) -> Generator[Driver]:
    with GraphDatabase.driver(endpoint.uri, auth=endpoint.auth) as driver:
        yield driver


def doctor(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    """What the doctor found wrong, by the name of the check."""
    done = run(capsys, "doctor", "--json")
    report = orjson.loads(done.out)
    wrong = {check["name"]: check for check in report["checks"] if not check["ok"]}
    assert (report["ok"], done.code) == ((False, 1) if wrong else (True, 0))
    assert all(check["mend"] for check in wrong.values())
    return wrong


def half_saves_mended(driver: Driver) -> None:
    """What docs/operations.md says to do about half-saves, done."""
    section = DOCS.read_text().partition("### Half-saves")[2]
    block = re.search(r"```cypher\n(.*?)```", section, re.DOTALL)
    assert block is not None
    with driver.session() as session:
        for statement in block[1].split(";\n"):
            if statement.strip():
                session.run(statement).consume()  # type: ignore[arg-type]


class TestAllIsWell:
    def test_and_each_check_is_in_the_docs(self, filled: GraphStore, capsys: pytest.CaptureFixture[str]) -> None:
        checks = run(capsys, "doctor", "--json").result["checks"]
        assert [check["name"] for check in checks if f"| `{check['name']}`" not in DOCS.read_text()] == []
        (counts,) = [check["found"] for check in checks if check["name"] == "counts"]
        assert "User 5, Pin 8" in counts

    def test_an_empty_database_has_no_store(self, endpoint: Neo4jEndpoint, capsys: pytest.CaptureFixture[str]) -> None:
        wrong = doctor(capsys)
        assert list(wrong) == ["store"]
        assert "tastegraph load" in wrong["store"]["mend"]


class TestTheServer:
    def test_nobody_answers(
        self, endpoint: Neo4jEndpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("TASTEGRAPH_STORE", "bolt://127.0.0.1:1")
        wrong = doctor(capsys)
        assert list(wrong) == ["store"]
        assert "no Neo4j answers" in wrong["store"]["found"]
        assert "start it" in wrong["store"]["mend"]

    def test_a_wrong_password(
        self, endpoint: Neo4jEndpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("NEO4J_PASSWORD", "not-the-password")
        wrong = doctor(capsys)
        assert list(wrong) == ["store"]
        assert "NEO4J_PASSWORD" in wrong["store"]["mend"]


class TestTheSchema:
    def test_a_newer_one(self, filled: GraphStore, driver: Driver, capsys: pytest.CaptureFixture[str]) -> None:
        driver.execute_query("CREATE (:TastegraphMigration {version: 9999, name: 'later'})")
        wrong = doctor(capsys)
        assert list(wrong) == ["schema"]
        assert "newer tastegraph" in wrong["schema"]["mend"]

    @pytest.mark.parametrize(("what", "name"), [("CONSTRAINT", "pin_id"), ("INDEX", "saved_event_key")])
    def test_what_was_dropped_is_made_again_by_the_statement_that_is_shown(
        self, filled: GraphStore, driver: Driver, capsys: pytest.CaptureFixture[str], what: str, name: str
    ) -> None:
        driver.execute_query(f"DROP {what} {name}")  # type: ignore[arg-type]
        wrong = doctor(capsys)
        assert list(wrong) == ["indexes"]
        assert wrong["indexes"]["found"] == f"{name} is missing"
        driver.execute_query(wrong["indexes"]["mend"].removeprefix("in the database: "))
        driver.execute_query("CALL db.awaitIndexes(60)")
        assert doctor(capsys) == {}

    def test_an_index_in_the_place_of_a_constraint(
        self, filled: GraphStore, driver: Driver, capsys: pytest.CaptureFixture[str]
    ) -> None:
        driver.execute_query("DROP CONSTRAINT pin_id")
        driver.execute_query("CREATE INDEX pin_id FOR (n:Pin) ON (n.id)")
        try:
            assert doctor(capsys)["indexes"]["found"] == "pin_id is missing"
        finally:
            driver.execute_query("DROP INDEX pin_id")
            driver.execute_query("CREATE CONSTRAINT pin_id FOR (n:Pin) REQUIRE n.id IS UNIQUE")


class TestEdges:
    @pytest.mark.parametrize(
        ("statement", "found"),
        [
            (ONE_HELD + "DELETE h", "SAVED without HOLDS 1: bo/soup/bo-kitchen"),
            ("MATCH (:User {id: 'bo'})-[s:SAVED]->(:Pin {id: 'soup'}) DELETE s", "HOLDS without SAVED 1: bo/soup/bo-kitchen"),
            (ONE_HELD + "SET h.at = h.at + 1", "SAVED without HOLDS 1: bo/soup/bo-kitchen; HOLDS without SAVED 1: bo/soup"),
            (ONE_HELD + "CREATE (b)-[t:HOLDS]->(p) SET t = properties(h)", "HOLDS twice 1"),
            ("MATCH ()-[d:DROPPED]->() DELETE d", "UNSAVED without DROPPED 1: cem/rose/cem-home"),
            ("MATCH ()-[h:HOLDS]->() DELETE h", "SAVED without HOLDS 12: "),
        ],
    )  # fmt: skip
    def test_half_a_save_is_named_and_mended_as_the_docs_say(
        self, filled: GraphStore, driver: Driver, capsys: pytest.CaptureFixture[str], statement: str, found: str
    ) -> None:
        driver.execute_query(statement)  # type: ignore[arg-type]
        wrong = doctor(capsys)
        assert list(wrong) == ["half_saves"]
        assert wrong["half_saves"]["found"].startswith(found)
        assert "docs/operations.md" in wrong["half_saves"]["mend"]
        half_saves_mended(driver)
        assert doctor(capsys) == {}

    @pytest.mark.parametrize(
        ("statement", "found"),
        [
            ("MATCH (p:Pin {id: 'pie'}) REMOVE p:Pin", "SAVED 3"),
            ("MATCH (u:User {id: 'ada'}) REMOVE u:User", "OWNS 2"),
            ("MATCH (i:Interest {id: 'weddings'}) REMOVE i:Interest", "MUTED 1"),
            ("MATCH (u:User {id: 'ada'}) REMOVE u:User", "FOLLOWS 2"),
            ("MATCH (:User {id: 'ada'})-[o:OWNS]->() DELETE o", "board without an owner 2"),
        ],
    )
    def test_ends_that_are_not_what_they_were(
        self, filled: GraphStore, driver: Driver, capsys: pytest.CaptureFixture[str], statement: str, found: str
    ) -> None:
        driver.execute_query(statement)  # type: ignore[arg-type]
        assert found in doctor(capsys)["dangling_edges"]["found"]

    def test_nothing_is_believed_that_was_seen_while_somebody_wrote(self, filled: GraphStore, driver: Driver) -> None:
        driver.execute_query(ONE_HELD + "DELETE h")
        found = {check.name: check for check in filled.checks()}
        assert not found["half_saves"].ok
        checks = filled.checks()
        for check in checks:
            if check.name == "counts":
                filled.write_events(EventBatch.of([graphs.event(EventKind.VIEW, "bo", "soup", graphs.day(9))]))
            if check.name == "half_saves":
                assert check.ok
                assert "written to meanwhile" in check.found


def test_a_killed_load_is_told_given_up_and_made_good_by_the_next(
    store: GraphStore, driver: Driver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    write_synthetic(data, Sizes(users=50, pins=60, boards=40, interactions=1_000, interests=8), seed=5)
    process = start("load", data, TASTEGRAPH_LOAD_BATCH_ROWS="50")
    while process.poll() is None and not driver.execute_query("MATCH (b:TastegraphBatch) RETURN b LIMIT 1").records:
        time.sleep(0.001)
    process.kill()
    process.communicate()
    (load_id,) = store.unfinished_loads()
    wrong = doctor(capsys)
    assert list(wrong) == ["interrupted_loads", "lease", "leftovers"]
    assert "is dead" in wrong["lease"]["found"]
    assert run(capsys, "doctor", "--abandon", load_id).code == 0
    assert list(doctor(capsys)) == ["leftovers"]
    assert run(capsys, "load", data, "--json").result["content_hash"] == store.content_hash()
    assert doctor(capsys) == {}


def test_what_is_asked_goes_by_indexes_and_counters(store: GraphStore, driver: Driver) -> None:
    seeks = {"NodeUniqueIndexSeek", "NodeUniqueIndexSeek(Locking)", "NodeUniqueIndexSeekByRange"}
    counters = {"RelationshipCountFromCountStore", "NodeCountFromCountStore"}
    expected = {
        health.ENDS: counters,
        loads.LEASE: seeks,
        loads.ABANDON: seeks,
        **dict.fromkeys(health.DEGREES.values(), seeks),
        **dict.fromkeys(health.HELD.values(), seeks),
    }
    for query, sources in expected.items():
        parameters = {"ids": [], "null": 0, "after": "", "limit": 1, "load_id": "", "summary": ""}
        with driver.session() as session:
            plan = session.run("EXPLAIN " + query, parameters).consume().plan  # type: ignore[operator]
        leaves = operators(plan)
        assert leaves & sources, query
        assert not leaves & {"NodeByLabelScan", "AllNodesScan", "DirectedRelationshipTypeScan"}, query


def operators(plan: Any) -> set[str]:
    return {plan["operatorType"].partition("@")[0]}.union(*(operators(child) for child in plan.get("children", ())))
