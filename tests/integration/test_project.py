"""`tastegraph project` as a process: it follows the log, is one of its home, stops on a signal, and survives being killed."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graph.eventlog import open_log
from graph.eventlog.envelope import encode
from graph.eventlog.events import envelope_of
from graph.model import Event, EventKind, NodeKind
from graph.ports import EventBatch
from graph.settings import Home
from graph.stores.sqlite.store import SqliteStore
from tests.commands import run, start
from tests.graphs import day, event, tiny_store

NOW = int(time.time() * 1000)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


def views(count: int, start_at: int = 0) -> list[Event]:
    return [
        event(
            EventKind.VIEW, f"user-{number % 97}", f"pin-{number % 89}", day(number / 1000), event_id=f"event-{number}"
        )
        for number in range(start_at, start_at + count)
    ]


def append(home: Home, events: list[Event]) -> None:
    async def work() -> None:
        log = open_log(f"sqlite:///{home.log_db}")
        await log.append([encode(envelope_of(said, "admin", NOW)) for said in events])
        await log.close()

    asyncio.run(work())


@contextmanager
def projecting(*options: str) -> Generator[subprocess.Popen[bytes]]:
    process = start("project", *options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def offset(home: Home) -> int:
    """Where the projector is; -1 where there is no store yet."""
    if not home.store_db.exists():
        return -1
    try:
        return SqliteStore(home.store_db).log_offset()
    except Exception:
        return -1  # the store is being made


def wait_for(home: Home, wanted: int, process: subprocess.Popen[bytes]) -> None:
    while offset(home) < wanted:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def expected(tmp_path: Path, events: list[Event]) -> str:
    """The content of a store that was given the events at once."""
    store = SqliteStore(tmp_path / "expected.db")
    store.migrate()
    store.ensure_nodes(NodeKind.USER, sorted({said.user for said in events}))
    store.ensure_nodes(NodeKind.PIN, sorted({said.target for said in events}))
    for start_at in range(0, len(events), 50_000):
        store.write_events(EventBatch.of(events[start_at : start_at + 50_000]))
    return store.content_hash()


def test_what_is_there_is_projected_once(home: Home, capsys: pytest.CaptureFixture[str]):
    append(home, views(10))
    assert run(capsys, "project", "--once", "--json").result == {
        "records": 10,
        "written": 10,
        "unchanged": 0,
        "duplicates": 0,
        "conflicts": 0,
        "passed_over": 0,
        "dead_letters": 0,
        "log_offset": 9,
    }
    assert run(capsys, "project", "--once", "--json").result["records"] == 0


def test_an_empty_log_makes_no_store(home: Home, capsys: pytest.CaptureFixture[str]):
    assert run(capsys, "project", "--once", "--json").result["log_offset"] == -1
    assert not home.store_db.exists()


def test_it_follows_the_log_alone_and_stops_on_a_signal(home: Home, capsys: pytest.CaptureFixture[str]):
    append(home, views(10))
    with projecting("--json") as process:
        wait_for(home, 9, process)
        append(home, views(5, 10))
        wait_for(home, 14, process)
        refused = run(capsys, "project", "--once")
        assert refused.code == 1
        assert refused.said == (
            f"tastegraph: a projector of this home runs already (process {process.pid}); one a home is enough"
        )
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert b'"records":15' in out
    assert run(capsys, "project", "--once").code == 0, "its lock went with it"


def test_the_log_alone_brings_a_store_to_where_the_live_one_is(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Replayed from its start over the same batch loads: whatever was loaded between, and in whichever order."""
    stream = [
        event(EventKind.SAVE, "ada", "soup", day(9), board="ada-garden", event_id="late"),
        event(EventKind.UNSAVE, "ada", "fern", day(8), board="ada-garden"),
        event(EventKind.SAVE, "ada", "fern", day(0.5), board="ada-garden", event_id="older-than-the-load"),
        event(EventKind.VIEW, "newcomer", "new-pin", day(9), weight=2.0),
        event(EventKind.VIEW, "newcomer", "new-pin", day(9), weight=3.0, event_id="late"),  # one id, two payloads
    ]
    home.path.mkdir()
    live = tiny_store(home.store_db)
    append(home, stream[:3])
    assert run(capsys, "project", "--once", "--json").result["records"] == 3
    loaded = views(50)
    for store in (live, replayed := tiny_store(tmp_path / "replayed.db")):
        store.ensure_nodes(NodeKind.USER, sorted({said.user for said in loaded}))
        store.ensure_nodes(NodeKind.PIN, sorted({said.target for said in loaded}))
        store.write_events(EventBatch.of(loaded))
    append(home, stream[3:])
    assert run(capsys, "project", "--once", "--json").result["conflicts"] == 1
    result = run(capsys, "project", "--once", "--json", "--store", replayed.url).result
    assert (result["records"], result["dead_letters"]) == (5, 0)
    assert replayed.content_hash() == live.content_hash()
    live.close()
    replayed.close()


def kill_often(home: Home, tmp_path: Path, kills: int) -> None:
    """Projectors that are killed at random moments, under a log that grows: in the end the store is as if none had been."""
    moments = random.Random(7)
    events: list[Event] = []
    for _ in range(kills):
        more = views(12_000, len(events))
        append(home, more)
        events += more
        with projecting() as process:
            wait_for(home, offset(home) + 1, process)  # it is at work
            time.sleep(moments.random() * 0.3)
            process.send_signal(signal.SIGKILL)
            process.wait()
        store = SqliteStore(home.store_db)
        known = sum(store.counts().events.values())
        assert known == store.log_offset() + 1, "the position and the effect are of one transaction"
    with projecting() as process:
        wait_for(home, len(events) - 1, process)
    assert SqliteStore(home.store_db).content_hash() == expected(tmp_path, events)


def test_killed_a_few_times(home: Home, tmp_path: Path):
    kill_often(home, tmp_path, kills=4)


@pytest.mark.slow
def test_killed_many_times(home: Home, tmp_path: Path):
    kill_often(home, tmp_path, kills=20)
