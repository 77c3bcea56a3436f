"""A load that is killed or interrupted, at any moment, and run again ends as one that never was."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

import tastegraph
from graph.errors import StoreUnavailableError
from graph.ports import Checkpoint, EventBatch, Outcome
from graph.stores import open_store
from graph.stores.sqlite.store import SqliteStore
from loaders.synthetic import Sizes, write_synthetic
from tests.commands import run, start

BATCH_ROWS = "500"
KILLS = 3
TIMING = ("seconds", "rows_per_s", "store")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    write_synthetic(folder, Sizes(users=400, pins=800, boards=500, interactions=12_000, interests=10), seed=3)
    with (folder / "interactions.csv").open("a") as file:
        file.write("u1,p1,,SAVE,tomorrow\n" * 20)
    return folder


def batches_done(store: Path) -> int:
    if not store.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM load_batch").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def indexes(store: Path) -> set[str]:
    with closing(sqlite3.connect(store)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}


def timeless(summary: dict[str, Any]) -> dict[str, Any]:
    quarantine = Path(summary["quarantine_file"]).name
    return {name: value for name, value in summary.items() if name not in TIMING} | {"quarantine_file": quarantine}


def test_a_killed_load_run_again_ends_as_an_undisturbed_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_LOAD_BATCH_ROWS", BATCH_ROWS)
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "undisturbed"))
    undisturbed = run(capsys, "load", data, "--json").result
    total = batches_done(tmp_path / "undisturbed" / "store.db")
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "killed"))
    store = tmp_path / "killed" / "store.db"
    moments = random.Random(7)
    stopped_at: list[int] = []
    for kill in range(KILLS):
        process = start("load", data, "--json")
        upto = round(total * (kill + moments.random()) / KILLS)
        while process.poll() is None and batches_done(store) < upto:
            time.sleep(0.002)
        time.sleep(moments.random() * 0.01)
        process.kill()
        process.communicate()
        stopped_at.append(batches_done(store))
    assert len({done for done in stopped_at if 0 < done < total}) >= 2, "the kills must fall into the writing"
    ended = run(capsys, "load", data, "--json").result
    assert timeless(ended) == timeless(undisturbed)
    with closing(open_store(f"sqlite:///{store}")) as opened:
        assert opened.content_hash() == undisturbed["content_hash"]
        assert opened.unfinished_loads() == []
    assert indexes(store) == indexes(tmp_path / "undisturbed" / "store.db")
    assert not list((tmp_path / "killed" / "checkpoints").glob(".tmp-*"))


@pytest.mark.parametrize(
    ("fault", "code"), [(KeyboardInterrupt(), 130), (StoreUnavailableError("the disk is full"), 4)]
)
def test_an_interrupted_load_gives_the_store_back_and_goes_on_later(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: BaseException,
    code: int,
) -> None:
    monkeypatch.setenv("TASTEGRAPH_LOAD_BATCH_ROWS", "3000")
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path))
    writes, write_events = [0], SqliteStore.write_events

    def failing(
        self: SqliteStore, batch: EventBatch, checkpoint: Checkpoint | None = None, log_offset: int | None = None
    ) -> Outcome:
        writes[0] += 1
        if writes[0] == 3:
            raise fault
        return write_events(self, batch, checkpoint, log_offset)

    with monkeypatch.context() as patched:
        patched.setattr(SqliteStore, "write_events", failing)
        done = run(capsys, "load", data)
    assert (done.code, len(done.said) > 0) == (code, True)
    assert not list((tmp_path / "checkpoints").iterdir())
    with closing(open_store(f"sqlite:///{tmp_path}/store.db")) as other:
        (unfinished,) = other.unfinished_loads()
        other.begin_load("another", "elsewhere")
        other.release_load("another")
    summary = run(capsys, "load", data, "--json").result
    assert summary["load_id"] == unfinished
    assert summary["written"] + summary["duplicates"] + summary["quarantined"] == summary["read"]


def test_a_load_does_not_start_while_another_is_running(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path))
    with closing(open_store(f"sqlite:///{tmp_path}/store.db")) as other:
        other.migrate()
        other.begin_load("another", "elsewhere")
        done = run(capsys, "load", data)
        assert (done.code, "load another is running" in done.said) == (1, True)
        other.release_load("another")
    assert tastegraph.run(["load", str(data)]) == 0


def test_a_file_that_changes_while_it_is_read_stops_the_load(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from loaders import load

    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "users.csv").write_bytes((data / "users.csv").read_bytes())
    decode = load.decode

    def decode_while_written(*arguments: Any) -> None:
        decode(*arguments)
        with (folder / "users.csv").open("a") as file:
            file.write("late\n")

    monkeypatch.setattr(load, "decode", decode_while_written)
    done = run(capsys, "load", folder)
    assert (done.code, "was changed while it was read" in done.said) == (1, True)
    with closing(open_store(f"sqlite:///{tmp_path}/home/store.db")) as store:
        assert sum(store.counts().nodes.values()) == 0


def test_a_quarantine_file_is_whole_json(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path))
    summary = run(capsys, "load", data, "--json").result
    rows = [orjson.loads(line) for line in Path(summary["quarantine_file"]).read_bytes().splitlines()]
    assert [row["reason"] for row in rows] == ["at is not an ISO 8601 time or integer milliseconds"] * 20
