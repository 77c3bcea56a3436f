"""Neo4j's own importer, on the real jars: the same database, property for property, as an incremental load makes."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase

from graph.stores.neo4j import offline
from loaders.synthetic import Sizes, write_synthetic
from tests.commands import Done, run
from tests.jvm.maven import java
from tests.neo4j.emptying import clear
from tests.neo4j.jars import jar_folder
from tests.neo4j.server import Neo4jServer

pytestmark = pytest.mark.neo4j

ADMIN = "org.neo4j.server.startup.Neo4jAdminCommand"
HEX_ID = "0123456789abcdef" * 2
NODES = """
MATCH (n) WHERE none(label IN labels(n) WHERE label STARTS WITH 'Tastegraph')
RETURN labels(n) AS labels, properties(n) AS properties
"""
EDGES = "MATCH (a)-[r]->(b) RETURN a.id AS source, type(r) AS type, b.id AS target, properties(r) AS properties"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Neo4jServer]:
    """One of its own, started and stopped by whoever the command asks to."""
    server = Neo4jServer(tmp_path / "neo4j", heap_mb=512, pagecache_mb=128)
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NEO4J_USERNAME", server.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", server.auth[1])
    monkeypatch.setenv("NEO4J_HOME", str(server.home))
    monkeypatch.setenv("NEO4J_CONF", str(server.home / "conf"))
    monkeypatch.setenv("TASTEGRAPH_NEO4J_ADMIN", f"{java()} -XX:TieredStopAtLevel=1 -cp {jar_folder()}/* {ADMIN}")
    with server:
        yield server


@pytest.fixture
def asked(server: Neo4jServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command asked of whoever runs it, who does it."""
    requests: list[str] = []

    def obey(request: str) -> None:
        requests.append(request)
        server.start() if "start" in request else server.stop()

    monkeypatch.setattr(offline, "say", obey)
    return requests


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Every table, with what is hard to carry in CSV, and with rows that compete."""
    folder = tmp_path / "data"
    write_synthetic(folder, Sizes(users=100, pins=150, boards=100, interactions=2_000, interests=8), seed=5)
    with (folder / "users.csv").open("a") as file:
        file.write('"quoted "" and, comma",,\n ü;é ,2020-01-01,DE\n')
    with (folder / "pins.csv").open("a") as file:
        file.write(
            'odd1,"two\nlines",\nodd2,"say ""hi"", \\ then",\nodd3,"",2021-01-01\nodd4,,\np1,another p1,\np1,a third p1,\n'
        )
    (folder / "entities.csv").write_text("id,name\ne1,Rome\ne2,\n")
    (folder / "pin_entities.csv").write_text("pin_id,entity_id\np1,e1\np1,e1\np2,e3\n")
    (folder / "relations.csv").write_text("head_id,predicate,tail_id\ne1,part_of,e2\ne2,near,e4\n")
    (folder / "dataset.json").write_text('{"exported_at": "2024-01-01"}')
    with (folder / "interactions.csv").open("a") as file:  # user, pin, board, kind, at: the columns of the set
        file.write("stranger,unheard-of,,UNSAVE,\n" * 2 + "u1,p1,nowhere,SAVE,1\n")
    lines = (folder / "interactions.csv").read_text().splitlines()
    rows = [f"{line},,," for line in lines[1:]]
    rows += [
        "u1,p1,,VIEW,5,2.5,,g1",
        "u1,p1,,VIEW,5,3,,",
        "u2,p2,,CLICK,6,0.1,mine,",
        "u3,p3,,SAVE,7,,mine,",
        f"u4,p4,,SAVE,8,,{HEX_ID},",
    ]
    (folder / "interactions.csv").write_text("\n".join([f"{lines[0]},weight,event_id,group_id", *rows]) + "\n")
    return folder


def newer(folder: Path) -> Path:
    later = folder.parent / "later"
    later.mkdir()
    (later / "pins.csv").write_text("id,title\np1,a newer title\nbrand-new,\n")
    (later / "interactions.csv").write_text(
        f"user_id,pin_id,board_id,kind,at,event_id\nu1,brand-new,,SAVE,9,\nu9,p9,,SAVE,9,{HEX_ID}\n"
    )
    (later / "dataset.json").write_text('{"exported_at": "2025-01-01"}')
    return later


def dump(driver: Driver) -> tuple[list[str], list[str]]:
    """All that the database holds of the graph, in an order of its own."""
    found: list[list[str]] = []
    for query in (NODES, EDGES):
        records = [record.data() for record in driver.execute_query(query).records]
        found.append(sorted(repr({**each, "properties": sorted(each["properties"].items())}) for each in records))
    return found[0], found[1]


def bulk(capsys: pytest.CaptureFixture[str], folder: Path, server: Neo4jServer) -> Done:
    return run(capsys, "load", folder, "--bulk", "--store", server.uri, "--json")


def test_a_bulk_load_is_an_incremental_one_and_is_gone_on_from(
    data: Path, server: Neo4jServer, asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embedded = f"sqlite:///{tmp_path}/store.db"
    expected = run(capsys, "load", data, "--store", embedded, "--json").result
    result = bulk(capsys, data, server).result
    same = ("read", "written", "duplicates", "conflicts", "quarantined", "edges_written", "content_hash", "load_id")
    assert {name: result[name] for name in same} == {name: expected[name] for name in same}
    assert [request.split()[0] for request in asked] == ["stop", "imported;"]
    assert not list((tmp_path / "home" / "checkpoints").glob(".tmp-*")), "the CSV files are gone"

    proven = run(capsys, "load", data, "--store", server.uri, "--json").result
    assert (proven["proven"], proven["content_hash"]) == (True, result["content_hash"])
    again = bulk(capsys, data, server)
    assert (again.code, "is not empty" in again.said, "without --bulk" in again.said) == (1, True, True)
    assert run(capsys, "doctor", "--store", server.uri).code == 0

    with GraphDatabase.driver(server.uri, auth=server.auth) as driver:
        imported = dump(driver)
        later = newer(data)
        expected = run(capsys, "load", later, "--store", embedded, "--json").result
        assert (
            run(capsys, "load", later, "--store", server.uri, "--json").result["content_hash"]
            == expected["content_hash"]
        )
        clear(driver)
        run(capsys, "load", data, "--store", server.uri, "--json")
        for bulked, written in zip(imported, dump(driver), strict=True):
            assert bulked == written


def test_what_can_not_be_imported_into_is_told_in_one_line(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    done = run(capsys, "load", data, "--bulk", "--store", f"sqlite:///{tmp_path}/store.db")
    assert (done.code, "without --bulk" in done.said) == (2, True)
    monkeypatch.setenv("TASTEGRAPH_NEO4J_ADMIN", "no-such-neo4j-admin")
    done = run(capsys, "load", data, "--bulk", "--store", "bolt://127.0.0.1:1")
    assert (done.code, "TASTEGRAPH_NEO4J_ADMIN" in done.said) == (2, True)
    monkeypatch.setenv("TASTEGRAPH_NEO4J_ADMIN", "sh -c 'echo Error: the disk is full >&2; exit 3'")
    done = run(capsys, "load", data, "--bulk", "--store", "bolt://127.0.0.1:1")
    assert (done.code, "the disk is full" in done.said) == (1, True)
    assert not list((tmp_path / "home" / "checkpoints").iterdir())
