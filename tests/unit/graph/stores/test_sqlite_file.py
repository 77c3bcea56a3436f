"""The SQLite store as a file: its mode, its schema, and leases that lapse."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from graph.model import EventKind, Id, NodeKind
from graph.ports import EventBatch
from graph.stores import open_store
from graph.stores.sqlite.migrate import migrations
from graph.stores.sqlite.store import SqliteStore
from tests.graphs import event, tiny_store
from tests.unit.graph.stores.store_files import CALLS, one_line, raw


class TestNewFile:
    def test_opening_makes_nothing(self, path: Path) -> None:
        SqliteStore(path).close()
        assert not path.exists()

    @pytest.mark.parametrize("call", CALLS)
    def test_asking_where_there_is_none_makes_nothing(self, path: Path, call: Callable[[SqliteStore], object]) -> None:
        with pytest.raises(NotFoundError) as raised:
            call(SqliteStore(path))
        one_line(raised.value, path)
        assert not path.exists()

    def test_is_readable_by_its_owner_only(self, tmp_path: Path) -> None:
        old = os.umask(0)
        try:
            store = tiny_store(tmp_path / "home" / "new" / "store.db")
        finally:
            os.umask(old)
        files = list((tmp_path / "home" / "new").iterdir())
        assert {file.name for file in files} >= {"store.db", "store.db-wal"}
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        store.close()

    def test_is_durable_in_wal_mode(self, store: SqliteStore, path: Path) -> None:
        assert raw(path, "PRAGMA journal_mode") == [("wal",)]
        with store._database.writing() as connection:
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
            assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)

    def test_url_opens_it_again(self, store: SqliteStore) -> None:
        again = open_store(store.url)
        assert again.url == store.url
        assert again.counts() == store.counts()
        again.close()

    def test_closing_twice_and_going_on_is_fine(self, store: SqliteStore) -> None:
        store.ensure_nodes(NodeKind.PIN, [Id("p")])
        store.close()
        store.close()
        assert store.ensure_nodes(NodeKind.PIN, [Id("p"), Id("q")]) == 1


class TestSchema:
    def test_is_numbered_without_gaps(self) -> None:
        assert list(migrations()) == list(range(1, len(migrations()) + 1))

    def test_says_when_each_step_was_applied(self, store: SqliteStore, path: Path) -> None:
        rows = raw(path, "SELECT version, name, applied_at FROM schema_version")
        assert [(version, name) for version, name, _ in rows] == [(v, name) for v, (name, _) in migrations().items()]
        assert store.migrate() == []

    @pytest.mark.parametrize("call", [SqliteStore.migrate, *CALLS])
    def test_a_newer_one_is_refused(
        self, store: SqliteStore, path: Path, call: Callable[[SqliteStore], object]
    ) -> None:
        store.close()
        raw(path, "INSERT INTO schema_version VALUES (999, '0999_future', 0)")
        with pytest.raises(InvalidInputError, match="newer") as raised:
            call(SqliteStore(path))
        one_line(raised.value, path)
        assert raw(path, "SELECT count(*) FROM node") == [(0,)]

    def test_a_step_that_fails_leaves_nothing(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from graph.stores.sqlite import migrate

        broken = {1: ("0001_broken", "CREATE TABLE one (x);\nCREATE TABLE one (x);")}
        monkeypatch.setattr(migrate, "migrations", lambda: broken)
        with pytest.raises(sqlite3.OperationalError):
            SqliteStore(path).migrate()
        monkeypatch.undo()
        store = SqliteStore(path)
        assert store.migrate() == [name for name, _ in migrations().values()]
        store.close()

    @pytest.mark.parametrize("call", [SqliteStore.migrate, *CALLS])
    def test_somebody_elses_database_is_left_alone(self, path: Path, call: Callable[[SqliteStore], object]) -> None:
        raw(path, "CREATE TABLE theirs (x)")
        before = path.read_bytes()
        with pytest.raises(InvalidInputError, match="no tastegraph store") as raised:
            call(SqliteStore(path))
        one_line(raised.value, path)
        assert raw(path, "SELECT name FROM sqlite_schema") == [("theirs",)]
        assert len(path.read_bytes()) == len(before)

    def test_many_processes_at_once_apply_it_once(self, path: Path) -> None:
        with multiprocessing.get_context("fork").Pool(4) as pool:
            applied = pool.map(_migrate, [str(path)] * 4)
        assert sorted(map(len, applied)) == [0, 0, 0, len(migrations())]


def _migrate(path: str) -> list[str]:
    store = SqliteStore(Path(path))
    try:
        return store.migrate()
    finally:
        store.close()


def test_a_node_that_another_process_took_away_is_not_remembered(store: SqliteStore, path: Path) -> None:
    """Keys of ids are remembered between batches, but not beyond what somebody else writes."""
    store.ensure_nodes(NodeKind.USER, [Id("u")])
    store.ensure_nodes(NodeKind.PIN, [Id("p")])
    save = EventBatch.of([event(EventKind.SAVE, "u", "p")])
    assert store.write_events(save).written == 1
    raw(path, "DELETE FROM event")
    raw(path, "DELETE FROM node WHERE id = 'p'")
    with pytest.raises(NotFoundError, match="'p'"):
        store.write_events(save)


class TestLease:
    def test_lapses_when_it_was_not_renewed_for_half_a_minute(self, store: SqliteStore, path: Path) -> None:
        store.begin_load("slow", "folder")
        other = SqliteStore(path)
        raw(path, "UPDATE lease SET renewed_at = renewed_at - 29000")
        with pytest.raises(ConflictError, match="29 s ago"):
            other.begin_load("next", "folder")
        store.renew_load("slow")
        raw(path, "UPDATE lease SET renewed_at = renewed_at - 29000")
        with pytest.raises(ConflictError):
            other.begin_load("next", "folder")
        raw(path, "UPDATE lease SET renewed_at = renewed_at - 1500")
        other.begin_load("next", "folder")
        with pytest.raises(ConflictError, match="any more"):
            store.renew_load("slow")
        other.close()

    def test_of_another_machine_is_waited_for(self, store: SqliteStore, path: Path) -> None:
        store.begin_load("theirs", "folder")
        raw(path, "UPDATE lease SET host = 'elsewhere', pid = 999999999")
        other = SqliteStore(path)
        with pytest.raises(ConflictError, match="elsewhere"):
            other.begin_load("next", "folder")
        other.close()
