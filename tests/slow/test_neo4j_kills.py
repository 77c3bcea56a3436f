"""Kills of the loader and of Neo4j itself, at random moments: the load, run again, ends as one that was never disturbed."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from neo4j import GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError

from loaders.synthetic import Sizes, write_synthetic
from tests.commands import run, start
from tests.neo4j.emptying import clear
from tests.neo4j.server import Neo4jServer

pytestmark = [pytest.mark.slow, pytest.mark.neo4j]

ROUNDS = 3
VICTIMS = ("loader", "loader", "server", "loader", "loader", "server", "loader")
"""Who is killed in a round, one after the other, while one load is going on."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Neo4jServer]:
    server = Neo4jServer(tmp_path / "neo4j", heap_mb=512, pagecache_mb=128)
    monkeypatch.setenv("NEO4J_USERNAME", server.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", server.auth[1])
    monkeypatch.setenv("TASTEGRAPH_NEO4J_RETRY_TIMEOUT_S", "60")
    monkeypatch.setenv("TASTEGRAPH_LOAD_BATCH_ROWS", "300")
    monkeypatch.setenv("TASTEGRAPH_LOAD_WRITERS", "3")
    with server:
        yield server


class Watch:
    """Asks the server how many batches are done."""

    def __init__(self, server: Neo4jServer) -> None:
        self._server = server

    def batches(self) -> int:
        with GraphDatabase.driver(self._server.uri, auth=self._server.auth) as driver, driver.session() as session:
            try:
                query = "MATCH (b:TastegraphBatch) RETURN count(b) AS batches"
                return session.run(query).single(strict=True)["batches"]
            except (DriverError, Neo4jError):
                return 0

    def until(self, process: subprocess.Popen[bytes], batches: int) -> None:
        """Returns when so many are done, or the process has ended."""
        while process.poll() is None and self.batches() < batches:
            time.sleep(0.005)


def test_kills_of_the_loader_and_of_neo4j_change_nothing(
    server: Neo4jServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    write_synthetic(data, Sizes(users=1_500, pins=3_000, boards=2_000, interactions=40_000, interests=10), seed=3)
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "undisturbed"))
    undisturbed = run(capsys, "load", data, "--store", server.uri, "--json").result
    watch = Watch(server)
    total = watch.batches()
    assert total > 100
    moments = random.Random(2026)
    kills, amid = 0, 0
    for number in range(ROUNDS):
        with GraphDatabase.driver(server.uri, auth=server.auth) as driver:
            clear(driver)
        monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / f"home-{number}"))
        process = start("load", data, "--store", server.uri, "--json")
        for place, victim in enumerate(VICTIMS):
            if process.poll() is not None:
                process = start("load", data, "--store", server.uri, "--json")
            watch.until(process, round(total * (place + moments.random()) / (len(VICTIMS) + 1)))
            time.sleep(moments.random() * 0.05)
            if victim == "loader":
                process.kill()
                process.communicate()
            else:
                server.kill()
                time.sleep(moments.random())
                server.start()
            kills += 1
            amid += 0 < watch.batches() < total
        if process.poll() is None:
            process.kill()
            process.communicate()
        ended = run(capsys, "load", data, "--store", server.uri, "--json").result
        same = ("load_id", "read", "written", "unchanged", "duplicates", "conflicts", "edges_written", "content_hash")
        assert {name: ended[name] for name in same} == {name: undisturbed[name] for name in same}
        assert run(capsys, "doctor", "--store", server.uri, "--json").code == 0
    assert kills >= 20
    assert amid >= kills * 2 / 3, "the kills must fall into the writing"
