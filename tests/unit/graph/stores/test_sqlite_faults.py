"""What is said, and what is kept, when the file, the disk or the process is not as it should be."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.errors import (
    CorruptFileError,
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
)
from graph.model import EventKind, Id, NodeKind
from graph.ports import EventBatch
from graph.stores.sqlite import connection as connection_module
from graph.stores.sqlite.store import SqliteStore
from tests.graphs import event, tiny_store
from tests.unit.graph.stores.store_files import CALLS, one_line, raw

AS_ROOT = os.geteuid() == 0


class TestBadFile:
    @pytest.mark.parametrize("call", [SqliteStore.migrate, *CALLS])
    @pytest.mark.parametrize(
        "content", [b"not a database, " * 100, b"\0" * 4096, b"SQLite format 3\0" + b"\xff" * 5000]
    )
    def test_no_database(self, path: Path, content: bytes, call: Callable[[SqliteStore], object]) -> None:
        path.write_bytes(content)
        with pytest.raises((CorruptFileError, InvalidInputError)) as raised:
            call(SqliteStore(path))
        one_line(raised.value, path)
        assert path.read_bytes() == content

    @pytest.mark.parametrize("call", CALLS)
    def test_an_empty_file_is_an_empty_store(self, path: Path, call: Callable[[SqliteStore], object]) -> None:
        path.touch()
        with pytest.raises(NotFoundError, match="empty"):
            call(SqliteStore(path))

    def test_pages_that_were_overwritten(self, path: Path) -> None:
        tiny_store(path).close()
        data = bytearray(path.read_bytes())
        data[4096 : len(data)] = os.urandom(len(data) - 4096)
        path.write_bytes(data)
        store = SqliteStore(path)
        for call in (store.counts, store.content_hash):
            with pytest.raises(CorruptFileError) as raised:
                call()
            one_line(raised.value, path)
        store.close()

    def test_cut_short(self, path: Path) -> None:
        tiny_store(path).close()
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        store = SqliteStore(path)
        with pytest.raises(CorruptFileError) as raised:
            store.content_hash()
        one_line(raised.value, path)
        store.close()

    @pytest.mark.parametrize("call", [SqliteStore.migrate, SqliteStore.counts])
    def test_a_folder(self, path: Path, call: Callable[[SqliteStore], object]) -> None:
        path.mkdir()
        with pytest.raises((InvalidInputError, NotFoundError)) as raised:
            call(SqliteStore(path))
        one_line(raised.value, path)

    def test_under_a_file(self, path: Path) -> None:
        path.touch()
        below = path / "store.db"
        with pytest.raises(InvalidInputError) as raised:
            SqliteStore(below).migrate()
        one_line(raised.value, below)


@pytest.mark.skipif(AS_ROOT and not shutil.which("setpriv"), reason="root may write anywhere, and setpriv is not there")
@pytest.mark.parametrize("what", ["folder", "file"])
def test_read_only(tmp_path: Path, what: str) -> None:
    home = tmp_path / "home"
    path = home / "store.db"
    store = tiny_store(path)
    hash_before = store.content_hash()
    store.close()
    (path if what == "file" else home).chmod(0o444 if what == "file" else 0o555)
    code = """
        import sys
        from pathlib import Path
        from graph.errors import TastegraphError
        from graph.model import NodeKind
        from graph.stores.sqlite.store import SqliteStore
        try:
            SqliteStore(Path(sys.argv[1])).ensure_nodes(NodeKind.PIN, ["p"])
        except TastegraphError as error:
            print(type(error).__name__, error)
    """
    if AS_ROOT:
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_mode & 0o001 == 0:
                folder.chmod(folder.stat().st_mode | 0o011)
        path.chmod(0o444)
        home.chmod(0o555)
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    if AS_ROOT:
        command = ["setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", *command]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    home.chmod(0o755)
    path.chmod(0o600)
    assert said.stdout.startswith("InvalidInputError"), said
    assert said.stdout.count("\n") == 1
    assert "permissions" in said.stdout
    store = SqliteStore(path)
    assert store.content_hash() == hash_before
    store.close()


def test_full_disk(tmp_path: Path) -> None:
    """A disk that is full in the middle of a batch: one line, nothing of the batch, and it goes on with more room."""
    path = tmp_path / "store.db"
    store = SqliteStore(path)
    store.migrate()
    store.ensure_nodes(NodeKind.USER, [Id("u")])
    store.ensure_nodes(NodeKind.PIN, [Id(f"p{number}") for number in range(5_000)])
    before = store.content_hash()
    store.close()
    batch = "EventBatch.of([event(EventKind.SAVE, 'u', f'p{number}') for number in range(5_000)])"
    code = f"""
        import resource, sys
        from pathlib import Path
        from graph.errors import TastegraphError
        from graph.model import EventKind
        from graph.ports import EventBatch
        from graph.stores.sqlite.store import SqliteStore
        from tests.graphs import event
        store = SqliteStore(Path(sys.argv[1]))
        batch = {batch}
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        try:
            store.write_events(batch)
        except TastegraphError as error:
            print(type(error).__name__, error.exit_code, error)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)], capture_output=True, text=True, check=False
    )
    assert said.stdout.startswith("StoreUnavailableError 4"), said
    assert said.stdout.count("\n") == 1
    assert "disk space" in said.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    store = SqliteStore(path)
    assert store.content_hash() == before
    batch_of = EventBatch.of([event(EventKind.SAVE, "u", f"p{number}") for number in range(5_000)])
    assert store.write_events(batch_of).written == 5_000
    store.close()


def test_kept_busy_by_another_process(store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_BUSY_TIMEOUT_S", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = SqliteStore(path)
    try:
        with pytest.raises(StoreUnavailableError, match="try again") as raised:
            waiting.ensure_nodes(NodeKind.PIN, [Id("p")])
        one_line(raised.value, path)
        assert waiting.counts().nodes[NodeKind.PIN] == 0  # reading goes on
    finally:
        other.close()
        waiting.close()
    assert store.ensure_nodes(NodeKind.PIN, [Id("p")]) == 1


def test_a_write_killed_at_any_moment_is_whole_or_not_there(path: Path) -> None:
    """Kills a process that writes batches of a save and its end, one a transaction, and counts both kinds."""
    store = SqliteStore(path)
    store.migrate()
    store.ensure_nodes(NodeKind.USER, [Id("u")])
    store.ensure_nodes(NodeKind.PIN, [Id("p")])
    code = """
        import itertools, sys
        from pathlib import Path
        from graph.model import EventKind
        from graph.ports import EventBatch
        from graph.stores.sqlite.store import SqliteStore
        from tests.graphs import event
        store = SqliteStore(Path(sys.argv[1]))
        for number in itertools.count():
            both = [event(kind, "u", "p", number) for kind in (EventKind.SAVE, EventKind.UNSAVE)]
            store.write_events(EventBatch.of(both), log_offset=number)
            print(number, flush=True)
    """
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        acknowledged = int(writer.stdout.readline())
        time.sleep(0.05)
        writer.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, writer.stdout.read().split()[:-1])])
        writer.stdout.close()
        writer.wait()
        counts = store.counts().events
        assert counts[EventKind.SAVE] == counts[EventKind.UNSAVE]
        assert store.log_offset() >= acknowledged
        assert counts[EventKind.SAVE] >= acknowledged + 1
    assert raw(path, "PRAGMA integrity_check") == [("ok",)]
    store.close()
