"""A load whose way to Neo4j fails: what passes is waited for, what does not ends it with what was done so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from pathlib import Path
from threading import Event, Thread

import pytest
from neo4j import GraphDatabase

from loaders.synthetic import Sizes, write_synthetic
from tests.commands import Done, run, start
from tests.conftest import Neo4jEndpoint
from tests.neo4j.proxy import Proxy

pytestmark = [pytest.mark.neo4j, pytest.mark.slow]

RETRY_S = 6


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    write_synthetic(folder, Sizes(users=200, pins=400, boards=200, interactions=3_000, interests=8), seed=3)
    return folder


@pytest.fixture
def expected(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, object]:
    """What an undisturbed load ends in."""
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    return run(capsys, "load", data, "--store", f"sqlite:///{tmp_path}/store.db", "--json").result


@pytest.fixture
def proxy(cleared_neo4j: Neo4jEndpoint, monkeypatch: pytest.MonkeyPatch) -> Generator[Proxy]:
    monkeypatch.setenv("NEO4J_USERNAME", cleared_neo4j.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", cleared_neo4j.auth[1])
    monkeypatch.setenv("TASTEGRAPH_LOAD_BATCH_ROWS", "100")
    monkeypatch.setenv("TASTEGRAPH_NEO4J_RETRY_TIMEOUT_S", str(RETRY_S))
    monkeypatch.setenv("TASTEGRAPH_NEO4J_ACQUIRE_TIMEOUT_S", "3")
    with Proxy(cleared_neo4j.uri) as proxy:
        yield proxy


class Midway:
    """Does something once the load has written some batches. A context manager."""

    def __init__(self, endpoint: Neo4jEndpoint, fault: Callable[[], None], batches: int = 8) -> None:
        self._endpoint, self._fault, self._batches = endpoint, fault, batches
        self._over = Event()
        self.happened = False
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Midway:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        with GraphDatabase.driver(self._endpoint.uri, auth=self._endpoint.auth) as driver, driver.session() as session:
            while not self._over.is_set():
                count = session.run("MATCH (b:TastegraphBatch) RETURN count(b) AS count").single(strict=True)["count"]
                if count >= self._batches:
                    self.happened = True
                    self._fault()
                    return
                time.sleep(0.01)


def load(capsys: pytest.CaptureFixture[str], data: Path, proxy: Proxy) -> Done:
    return run(capsys, "load", data, "--store", proxy.uri, "--json")


def test_what_passes_is_waited_for(
    data: Path,
    proxy: Proxy,
    cleared_neo4j: Neo4jEndpoint,
    expected: dict[str, object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Connections are reset again and again, then refused for a while; and all of it is slow."""

    def fault() -> None:
        for _ in range(5):
            proxy.cut()
            time.sleep(0.1)
        proxy.refuse()
        time.sleep(RETRY_S / 4)
        proxy.accept()

    proxy.delay_s = 0.002
    with Midway(cleared_neo4j, fault) as midway:
        done = load(capsys, data, proxy).result
    assert midway.happened
    same = ("read", "written", "unchanged", "duplicates", "conflicts", "edges_written", "content_hash")
    assert {name: done[name] for name in same} == {name: expected[name] for name in same}


@pytest.mark.parametrize("silent", [False, True])
def test_what_does_not_pass_ends_the_load_with_what_was_done(
    data: Path,
    proxy: Proxy,
    cleared_neo4j: Neo4jEndpoint,
    expected: dict[str, object],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    silent: bool,
) -> None:
    monkeypatch.setenv("TASTEGRAPH_NEO4J_RETRY_TIMEOUT_S", "2")
    monkeypatch.setenv("TASTEGRAPH_NEO4J_QUERY_TIMEOUT_S", "4")
    with Midway(cleared_neo4j, proxy.fall_silent if silent else proxy.refuse):
        process = start("load", data, "--store", proxy.uri, "--json")  # in a process of its own: its lease ends with it
        out, said = process.communicate(timeout=120)
    assert (process.returncode, out, said.count(b"\n")) == (4, b"", 1)
    assert b"rows are done: run the same load again" in said
    proxy.talk() if silent else proxy.accept()
    monkeypatch.setenv("TASTEGRAPH_NEO4J_QUERY_TIMEOUT_S", "60")
    again = load(capsys, data, proxy).result
    assert (again["content_hash"], again["written"]) == (expected["content_hash"], expected["written"])
    assert again["load_id"] == expected["load_id"]
