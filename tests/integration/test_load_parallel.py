"""Several writers on one Neo4j: no deadlock on the worst of graphs, and the same graph as one writer makes."""

from __future__ import annotations

import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from neo4j import Driver, GraphDatabase

from graph.stores.neo4j.driver import Database
from tests.commands import run
from tests.conftest import Neo4jEndpoint
from tests.neo4j.emptying import clear

pytestmark = pytest.mark.neo4j

USERS, PINS, BOARDS, ROWS = 40, 30, 25, 12_000
"""Everybody saves everything to every board: each node is a hub of hundreds of edges."""


@pytest.fixture
def hubs(tmp_path: Path) -> Path:
    draw = random.Random(11)
    folder = tmp_path / "hubs"
    folder.mkdir()
    (folder / "users.csv").write_text("id\n" + "".join(f"u{n}\n" for n in range(USERS)))
    (folder / "boards.csv").write_text("id,owner_id\n" + "".join(f"b{n},u{n % 3}\n" for n in range(BOARDS)))
    with (folder / "interactions.csv").open("w") as file:
        file.write("user_id,pin_id,board_id,kind,at,weight,event_id\n")
        for row in range(ROWS):
            user, pin, board, at = (
                draw.randrange(USERS),
                draw.randrange(PINS),
                draw.randrange(BOARDS),
                draw.randrange(10**6),
            )
            kind = draw.choice(["SAVE", "SAVE", "SAVE", "UNSAVE", "VIEW"])
            on = "" if kind == "VIEW" else f"b{board}"
            weight = draw.choice([1, 2]) if kind == "VIEW" else ""
            event_id = f"given-{draw.randrange(ROWS)}" if row % 50 == 0 else ""
            file.write(f"u{user},p{pin},{on},{kind},{at},{weight},{event_id}\n")
    with (folder / "follows.csv").open("w") as file:
        file.write("user_id,target_kind,target_id,at\n")
        for _ in range(4_500):
            file.write(f"u{draw.randrange(USERS)},USER,u{draw.randrange(USERS)},{draw.randrange(10**6)}\n")
    return folder


@pytest.fixture
def driver(cleared_neo4j: Neo4jEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Driver]:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NEO4J_USERNAME", cleared_neo4j.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", cleared_neo4j.auth[1])
    monkeypatch.setenv("TASTEGRAPH_LOAD_BATCH_ROWS", "500")
    with GraphDatabase.driver(cleared_neo4j.uri, auth=cleared_neo4j.auth) as driver:
        yield driver


class AtOnce:
    """Counts writing transactions, and how many of them were open at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = self.most = self.made = 0
        write = Database.write

        def counted(database: Database, work: Any) -> Any:
            self.open += 1
            self.made += 1
            self.most = max(self.most, self.open)
            try:
                return write(database, work)
            finally:
                self.open -= 1

        monkeypatch.setattr(Database, "write", counted)


def test_four_writers_on_hubs_never_deadlock_and_end_as_one_does(
    hubs: Path,
    cleared_neo4j: Neo4jEndpoint,
    driver: Driver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The driver warns of each transaction that it begins again: there must be none."""
    ends: dict[int, dict[str, Any]] = {}
    for writers in (4, 1):
        clear(driver)
        for proof in (hubs.parent / "home" / "checkpoints").glob("*.json"):
            proof.unlink()
        monkeypatch.setenv("TASTEGRAPH_LOAD_WRITERS", str(writers))
        with caplog.at_level("WARNING", logger="neo4j"), monkeypatch.context() as patched:
            counted = AtOnce(patched)
            ends[writers] = run(capsys, "load", hubs, "--store", cleared_neo4j.uri, "--json").result
        assert counted.most == writers
        assert counted.made > 40
    assert [record.getMessage() for record in caplog.records] == []
    same = (
        "load_id",
        "read",
        "written",
        "unchanged",
        "duplicates",
        "conflicts",
        "content_hash",
        "tables",
    )
    assert {name: ends[4][name] for name in same} == {name: ends[1][name] for name in same}
    embedded = run(capsys, "load", hubs, "--store", f"sqlite:///{hubs.parent}/store.db", "--json").result
    assert embedded["content_hash"] == ends[4]["content_hash"]
    assert ends[4]["conflicts"] > 0, "given ids are claimed twice, so that what is there is looked for in parallel too"
