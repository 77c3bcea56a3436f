"""The SQLite store: the ports of `graph.ports`, each call one transaction. What happens within one is in the modules beside."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Sequence, Sized
from contextlib import contextmanager
from pathlib import Path

from graph.model import (
    FOLLOW_EVENTS,
    FOLLOWABLE,
    PIN_EVENTS,
    EdgeKind,
    EdgeRow,
    Event,
    EventKind,
    Id,
    Node,
    NodeKind,
    NodeRow,
    TimeMs,
)
from graph.ports import (
    BATCH_ROWS_MAX,
    Check,
    Checkpoint,
    EdgeExport,
    EventBatch,
    EventExport,
    LoadState,
    NodeExport,
    Outcome,
    StoreCounts,
)
from graph.stores.lease import Holder
from graph.stores.sqlite import edges, events, exporter, health, loads, migrate, nodes, reader
from graph.stores.sqlite.connection import Database
from graph.stores.sqlite.keys import NodeKeys


class SqliteStore:
    """`graph.ports.GraphStore` in one file. Opening touches nothing; `migrate()` makes the file, readable by its owner only.

    Errors: NotFoundError where there is no store, InvalidInputError for a file that is not ours, is newer or can't be written,
    CorruptFileError for a damaged one, StoreUnavailableError when it is kept busy for 30 s or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = Database(path)
        self._holder = Holder()
        self._keys = NodeKeys()
        self._checked = False

    @property
    def url(self) -> str:
        """sqlite:///PATH."""
        return f"sqlite:///{self._path}"

    @property
    def parallel(self) -> bool:
        """A file has one writer."""
        return False

    def close(self) -> None:
        """Closes the file; a load that was begun stays begun."""
        self._keys.forget()
        self._database.close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        try:
            with self._database.writing() as connection:
                self._check_schema(connection)
                self._keys.refresh(connection)
                yield connection
        except BaseException:
            self._keys.forget()  # it may know nodes that were rolled back
            raise

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._database.reading() as connection:
            self._check_schema(connection)
            yield connection

    def _check_schema(self, connection: sqlite3.Connection) -> None:
        if not self._checked:
            migrate.check_schema(connection, self._database)
            self._checked = True

    @contextmanager
    def _batch(
        self, rows: Sized, checkpoint: Checkpoint | None
    ) -> Generator[tuple[sqlite3.Connection, Outcome | None]]:
        """A write's transaction, with what the batch amounted to if it was done before."""
        if len(rows) > BATCH_ROWS_MAX:
            raise ValueError(f"{len(rows)} rows in one call; at most {BATCH_ROWS_MAX}")
        with self._writing() as connection:
            yield connection, loads.recorded(connection, self._holder, checkpoint)

    # graph.ports.GraphWriter

    def migrate(self) -> list[str]:
        return migrate.migrate(self._database)

    def begin_load(self, load_id: str, source: str) -> LoadState:
        with self._writing() as connection:
            return loads.begin(connection, self._holder, load_id, source)

    def renew_load(self, load_id: str) -> None:
        with self._writing() as connection:
            loads.renew(connection, self._holder, load_id)

    def finish_load(self, load_id: str, summary: str) -> None:
        with self._writing() as connection:
            loads.finish(connection, self._holder, load_id, summary)

    def release_load(self, load_id: str) -> None:
        with self._writing() as connection:
            loads.release(connection, self._holder, load_id)

    def unfinished_loads(self) -> list[str]:
        with self._reading() as connection:
            return loads.unfinished(connection)

    def loads_begun(self) -> int:
        with self._reading() as connection:
            return loads.begun(connection)

    def abandon_load(self, load_id: str) -> None:
        with self._writing() as connection:
            loads.abandon(connection, self._holder, load_id)

    def missing(self, kind: NodeKind, ids: Sequence[Id]) -> set[Id]:
        with self._reading() as connection:
            return nodes.missing(connection, kind, ids)

    def ensure_nodes(self, kind: NodeKind, ids: Sequence[Id], checkpoint: Checkpoint | None = None) -> int:
        with self._batch(ids, checkpoint) as (connection, done):
            if done is not None:
                return done.written
            outcome = nodes.ensure(connection, kind, ids)
            loads.record(connection, checkpoint, outcome)
            return outcome.written

    def write_nodes(self, kind: NodeKind, rows: Sequence[NodeRow], checkpoint: Checkpoint | None = None) -> Outcome:
        with self._batch(rows, checkpoint) as (connection, done):
            if done is not None:
                return done
            outcome = nodes.write(connection, self._keys, kind, rows)
            loads.record(connection, checkpoint, outcome)
            return outcome

    def write_edges(self, kind: EdgeKind, rows: Sequence[EdgeRow], checkpoint: Checkpoint | None = None) -> Outcome:
        with self._batch(rows, checkpoint) as (connection, done):
            if done is not None:
                return done
            outcome = edges.write(connection, self._keys, kind, rows)
            loads.record(connection, checkpoint, outcome)
            return outcome

    def write_events(
        self, batch: EventBatch, checkpoint: Checkpoint | None = None, log_offset: int | None = None
    ) -> Outcome:
        with self._batch(batch, checkpoint) as (connection, done):
            if done is not None:
                return done
            outcome = events.write(connection, self._keys, batch)
            events.project(connection, log_offset)
            loads.record(connection, checkpoint, outcome)
            return outcome

    # graph.ports.GraphReader

    def counts(self) -> StoreCounts:
        with self._reading() as connection:
            return reader.counts(connection)

    def content_hash(self) -> str:
        with self._reading() as connection:
            return reader.content_hash(connection)

    def checks(self) -> Iterator[Check]:
        with self._database.reading() as connection:
            yield from health.checks(connection, self._database)

    def log_offset(self) -> int:
        with self._reading() as connection:
            return reader.log_offset(connection)

    def node(self, kind: NodeKind, id: Id) -> Node | None:
        with self._reading() as connection:
            return reader.node(connection, kind, id)

    def saves(self, user: Id, first: int) -> list[tuple[Id, Id | None, TimeMs | None]]:
        with self._reading() as connection:
            return reader.saves(connection, user, first)

    def events(self, user: Id, first: int) -> list[Event]:
        with self._reading() as connection:
            return reader.events(connection, user, first)

    # graph.ports.GraphExporter

    def export_nodes(self, kind: NodeKind) -> Iterator[NodeExport]:
        with self._reading() as connection:
            yield from exporter.nodes(connection, kind)

    def export_events(self, up_to_offset: int) -> Iterator[EventExport]:
        with self._reading() as connection:
            for kind in EventKind:
                for target_kind in _targets(kind):
                    yield from exporter.events(connection, kind, target_kind, up_to_offset)

    def export_edges(self, kind: EdgeKind) -> Iterator[EdgeExport]:
        with self._reading() as connection:
            yield from exporter.edges(connection, kind)


def _targets(kind: EventKind) -> tuple[NodeKind, ...]:
    if kind in PIN_EVENTS:
        return (NodeKind.PIN,)
    return tuple(sorted(FOLLOWABLE)) if kind in FOLLOW_EVENTS else (NodeKind.INTEREST,)
