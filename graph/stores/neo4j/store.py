"""The Neo4j store: the ports of `graph.ports`, each call one transaction. What happens within one is in the modules beside.

Calls may come from several threads at once; writes of batches that share no node don't wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized

from neo4j import ManagedTransaction

from graph.model import EdgeKind, EdgeRow, Event, Id, Node, NodeKind, NodeRow, TimeMs
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
from graph.settings import GraphSettings
from graph.stores.neo4j import edges, events, exporter, health, loads, nodes, reader
from graph.stores.neo4j import migrate as schema
from graph.stores.neo4j.cypher import reading
from graph.stores.neo4j.driver import Database, scalar
from graph.stores.neo4j.inflight import InFlight


class Neo4jStore:
    """`graph.ports.GraphStore` in a database of Neo4j 5.26 or later.

    Errors: NotFoundError where there is no store, InvalidInputError for a URL, a server or a schema that can't be used,
    StoreUnavailableError when the server can't be reached, refuses us, or did not answer in time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loads = loads.Loads(database)
        self._in_flight = InFlight()
        self._checked = False

    @classmethod
    def connect(cls, url: str, settings: GraphSettings) -> Neo4jStore:
        """The store behind bolt://HOST:PORT or neo4j://HOST:PORT, with the settings' credentials; tries the connection."""
        return cls(Database.connect(url, settings))

    @property
    def url(self) -> str:
        """As it was given; there are never credentials in it."""
        return self._database.url

    @property
    def parallel(self) -> bool:
        """A server has cores of its own."""
        return True

    def close(self) -> None:
        """Closes the connections; a load that was begun stays begun."""
        self._database.close()

    def _open(self) -> Database:
        """The database, its schema known to be ours."""
        if not self._checked:
            schema.check_schema(self._database)
            self._checked = True
        return self._database

    def _write_batch(
        self, rows: Sized, checkpoint: Checkpoint | None, write: Callable[[ManagedTransaction], Outcome]
    ) -> Outcome:
        """One batch in one transaction, or what it amounted to if it was done before."""
        if len(rows) > BATCH_ROWS_MAX:
            raise ValueError(f"{len(rows)} rows in one call; at most {BATCH_ROWS_MAX}")

        def work(tx: ManagedTransaction) -> Outcome:
            if (done := self._loads.recorded(tx, checkpoint)) is not None:
                return done
            outcome = write(tx)
            self._loads.record(tx, checkpoint, outcome)
            return outcome

        database = self._open()
        self._loads.keep_alive(checkpoint)
        return database.write(work)

    # graph.ports.GraphWriter

    def migrate(self) -> list[str]:
        return schema.migrate(self._database)

    def begin_load(self, load_id: str, source: str) -> LoadState:
        self._open()
        return self._loads.begin(load_id, source)

    def renew_load(self, load_id: str) -> None:
        self._open()
        self._loads.renew(load_id)

    def finish_load(self, load_id: str, summary: str) -> None:
        self._open()
        self._loads.finish(load_id, summary)

    def release_load(self, load_id: str) -> None:
        self._open()
        self._loads.release(load_id)

    def unfinished_loads(self) -> list[str]:
        self._open()
        return self._loads.unfinished()

    def loads_begun(self) -> int:
        self._open()
        return self._loads.begun()

    def abandon_load(self, load_id: str) -> None:
        self._open()
        self._loads.abandon(load_id)

    def missing(self, kind: NodeKind, ids: Sequence[Id]) -> set[Id]:
        return self._open().read(lambda tx: nodes.missing(tx, kind, ids))

    def ensure_nodes(self, kind: NodeKind, ids: Sequence[Id], checkpoint: Checkpoint | None = None) -> int:
        return self._write_batch(ids, checkpoint, lambda tx: nodes.ensure(tx, kind, ids)).written

    def write_nodes(self, kind: NodeKind, rows: Sequence[NodeRow], checkpoint: Checkpoint | None = None) -> Outcome:
        return self._write_batch(rows, checkpoint, lambda tx: nodes.write(tx, kind, rows))

    def write_edges(self, kind: EdgeKind, rows: Sequence[EdgeRow], checkpoint: Checkpoint | None = None) -> Outcome:
        return self._write_batch(rows, checkpoint, lambda tx: edges.write(tx, kind, rows))

    def write_events(
        self, batch: EventBatch, checkpoint: Checkpoint | None = None, log_offset: int | None = None
    ) -> Outcome:
        def write(tx: ManagedTransaction) -> Outcome:
            if checkpoint is None:
                loads.write_beside(tx)
            outcome = events.write(tx, batch, of_load=checkpoint is not None)
            loads.project(tx, log_offset)
            return outcome

        with self._in_flight.holding(batch.event_id):
            return self._write_batch(batch, checkpoint, write)

    # graph.ports.GraphReader

    def counts(self) -> StoreCounts:
        return self._open().read(reader.counts)

    def content_hash(self) -> str:
        return reader.content_hash(self._open())

    def checks(self) -> Iterator[Check]:
        return health.checks(self._database)

    def is_empty(self) -> bool:
        """Whether nobody has written anything to the database, us included; its schema need not be there."""
        return self._database.read(lambda tx: scalar(tx, reading.IS_EMPTY))

    def log_offset(self) -> int:
        return self._open().read(loads.projected)

    def node(self, kind: NodeKind, id: Id) -> Node | None:
        return self._open().read(lambda tx: reader.node(tx, kind, id))

    def saves(self, user: Id, first: int) -> list[tuple[Id, Id | None, TimeMs | None]]:
        return self._open().read(lambda tx: reader.saves(tx, user, first))

    def events(self, user: Id, first: int) -> list[Event]:
        return self._open().read(lambda tx: reader.events(tx, user, first))

    # graph.ports.GraphExporter

    def export_nodes(self, kind: NodeKind) -> Iterator[NodeExport]:
        return exporter.nodes(self._open(), kind)

    def export_events(self, up_to_offset: int) -> Iterator[EventExport]:
        return exporter.events(self._open(), up_to_offset)

    def export_edges(self, kind: EdgeKind) -> Iterator[EdgeExport]:
        return exporter.edges(self._open(), kind)
