"""What a store promises: one writer, one reader, one exporter, the same for SQLite and Neo4j.

Everything here is synchronous: batch jobs and the projector call it, never a request. Order, where one is stated, is by the
UTF-8 bytes of ids and is made by us, not by the store's collation. A missing id gives None or an empty list, never an error.

A write is one transaction a call: all of a batch or none of it, its counts and its checkpoint included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from graph.errors import TastegraphError
from graph.model import EdgeKind, EdgeRow, Event, EventKind, Id, Node, NodeKind, NodeRow, TimeMs
from graph.rules import event_digest

BATCH_ROWS_MAX = 100_000
"""Rows a write call takes at most; more is a programming error (ValueError)."""

NULL_TIME = np.iinfo(np.int64).min
"""How a missing time is written in an int64 column: it sorts before any other."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rows of one call: each row is in exactly one of the first four.

    written: it changed the store. unchanged: the store held it, or something newer. duplicates: the same batch held it
    already. conflicts: the same identity with another payload, whichever of them won. `edges_written` counts edges of the
    property graph (`graph.model.edges_of`), replaced ones included.
    """

    written: int = 0
    unchanged: int = 0
    duplicates: int = 0
    conflicts: int = 0
    edges_written: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def rows(self) -> int:
        """Rows that the call was given."""
        return self.written + self.unchanged + self.duplicates + self.conflicts


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events as columns of one length, for the loaders' speed; `digest` is `rules.payload_digest` of each row.

    `log_offset` is -1 for events that did not come through the event log.
    """

    event_id: Sequence[str]
    kind: Sequence[str]
    user: Sequence[str]
    target_kind: Sequence[str]
    target: Sequence[str]
    board: Sequence[str | None]
    at: Sequence[int | None]
    weight: Sequence[float | None]
    group_id: Sequence[str | None]
    digest: Sequence[bytes]
    log_offset: Sequence[int]
    apart: bool = False
    """Whether the caller vouches that no other batch of the same load holds one of these ids: if the load began on a store
    without events, and nobody else wrote any, none of those that were derived is there."""

    @classmethod
    def of(cls, events: Sequence[Event], log_offsets: Sequence[int] | None = None) -> EventBatch:
        """The columns of some events."""
        return cls(
            event_id=[e.event_id for e in events],
            kind=[e.kind.value for e in events],
            user=[e.user for e in events],
            target_kind=[e.target_kind.value for e in events],
            target=[e.target for e in events],
            board=[e.board for e in events],
            at=[e.at for e in events],
            weight=[e.weight for e in events],
            group_id=[e.group_id for e in events],
            digest=[event_digest(e) for e in events],
            log_offset=list(log_offsets) if log_offsets is not None else [-1] * len(events),
        )

    def __len__(self) -> int:
        return len(self.event_id)


class Checkpoint(NamedTuple):
    """Names one batch of one load; recorded in the transaction that writes the batch."""

    load_id: str
    batch: str
    """Unique within the load and the same each time the load is run, such as `interactions/0003/0007`."""


@dataclass(frozen=True, slots=True)
class LoadState:
    """What a store knows of a load: which batches are done, and what they amounted to."""

    load_id: str
    finished: bool
    batches: dict[str, Outcome] = field(default_factory=dict[str, Outcome])


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """Rows in a store: nodes (hidden and bare ones included), distinct events, plain edges."""

    nodes: dict[NodeKind, int]
    events: dict[EventKind, int]
    edges: dict[EdgeKind, int]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `tastegraph doctor` looked at: what it found and, where that is not well, how to mend it."""

    name: str
    found: str
    mend: str | None = None
    """None when all is well."""

    @property
    def ok(self) -> bool:
        return self.mend is None

    @classmethod
    def failed(cls, name: str, error: TastegraphError) -> Check:
        """A check that ended in an error: its message says what happened and, after a semicolon, what to do."""
        found, _, mend = str(error).partition("; ")
        return cls(name, found, mend or "see what was found")


@dataclass(frozen=True, slots=True)
class NodeExport:
    """A run of nodes for a snapshot: parallel lists. `keys` are the store's own, used by `EventExport` and `EdgeExport`.

    Hidden nodes (deleted_at set) come too, marked: their edges are dropped with them. Bare ones have default properties.
    """

    kind: NodeKind
    keys: NDArray[np.int64]
    nodes: list[Node]
    hidden: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EventExport:
    """A run of events of one kind and one target kind, as columns of one length.

    user, target, board: keys (board is -1 for none). at: int64 milliseconds, NULL_TIME for none. weight: float64, 1 where the
    kind has none.
    """

    kind: EventKind
    target_kind: NodeKind
    user: NDArray[np.int64]
    target: NDArray[np.int64]
    board: NDArray[np.int64]
    at: NDArray[np.int64]
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EdgeExport:
    """A run of plain edges of one kind: source and target keys, score (float32, NaN for none), predicates for RELATES.

    OWNS and CHILD_OF are not exported as edges: they are in the nodes (`Board.owner`, `Interest.parent`).
    """

    kind: EdgeKind
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    score: NDArray[np.float32]
    predicate: list[str]


class GraphWriter(Protocol):
    """Writes the record. One load at a time holds the store."""

    @property
    def parallel(self) -> bool:
        """Whether threads that write at once are quicker than one; batches that share a node may wait for each other."""
        ...

    def migrate(self) -> list[str]:
        """Brings the schema up to date; safe to call from two processes at once. Returns the migrations applied now."""
        ...

    def begin_load(self, load_id: str, source: str) -> LoadState:
        """Takes the store for a load, or takes up one that was interrupted.

        Raises ConflictError while another live process is loading. A load that was interrupted and is not this one stays
        recorded as interrupted; it doesn't block.
        """
        ...

    def renew_load(self, load_id: str) -> None:
        """Says that the load is still alive; call it at least every 10 s, between batches if need be."""
        ...

    def finish_load(self, load_id: str, summary: str) -> None:
        """Marks the load as done, keeps its summary (JSON), and gives the store back."""
        ...

    def release_load(self, load_id: str) -> None:
        """Gives the store back without finishing, so that the same load can go on later."""
        ...

    def unfinished_loads(self) -> list[str]:
        """Loads that began and did not finish, oldest first."""
        ...

    def loads_begun(self) -> int:
        """How many loads have begun, ever: whoever reads for a while can tell that one ran meanwhile."""
        ...

    def abandon_load(self, load_id: str) -> None:
        """Gives an interrupted load up: it counts as unfinished no more. What it wrote, whole batches, stays.

        The same load, run again, begins anew and finds that `unchanged`. Raises NotFoundError when there is no such load, or
        it has finished, ConflictError while another live process holds it. Giving up twice is giving up.
        """
        ...

    def missing(self, kind: NodeKind, ids: Sequence[Id]) -> set[Id]:
        """Those of the ids that the store has no node for."""
        ...

    def ensure_nodes(self, kind: NodeKind, ids: Sequence[Id], checkpoint: Checkpoint | None = None) -> int:
        """Creates bare nodes (`BARE_KINDS` only) where there is none; returns how many it made."""
        ...

    def write_nodes(self, kind: NodeKind, rows: Sequence[NodeRow], checkpoint: Checkpoint | None = None) -> Outcome:
        """Writes node rows of one kind; a Board's owner and an Interest's parent must be there, or come in the same call."""
        ...

    def write_edges(self, kind: EdgeKind, rows: Sequence[EdgeRow], checkpoint: Checkpoint | None = None) -> Outcome:
        """Writes plain edges of one kind (ABOUT, IS, RELATES); both ends must be there."""
        ...

    def write_events(
        self, batch: EventBatch, checkpoint: Checkpoint | None = None, log_offset: int | None = None
    ) -> Outcome:
        """Writes events, all edges of each; every node that they name must be there.

        Raises NotFoundError, and writes nothing, when a node is missing. `log_offset` is recorded in the same transaction
        as the projector's position.
        """
        ...


class GraphReader(Protocol):
    """Answers about the record, for commands and tests."""

    def counts(self) -> StoreCounts: ...

    def content_hash(self) -> str:
        """32 hex digits over all nodes, plain edges and events, versions aside: the same for the same content, whatever the
        order of arrival and the store. Streams the whole store, in bounded memory (`graph.contenthash`).
        """
        ...

    def checks(self) -> Iterator[Check]:
        """What is well in the store and what is not: its schema, counts, edges, loads. Changes nothing; reads all of it, in
        at most 40 bytes of memory an event. An older or newer schema is a check that failed, and then the only one.
        """
        ...

    def log_offset(self) -> int:
        """The last offset of the event log that the projector wrote; -1 for none."""
        ...

    def node(self, kind: NodeKind, id: Id) -> Node | None:
        """A node that is not hidden."""
        ...

    def saves(self, user: Id, first: int) -> list[tuple[Id, Id | None, TimeMs | None]]:
        """What the user holds now, as (pin, board, at): newest first, without a time last, then by pin, then by board."""
        ...

    def events(self, user: Id, first: int) -> list[Event]:
        """Every event of a user: newest first, without a time last, then by event id."""
        ...


class GraphExporter(Protocol):
    """Streams the record for a snapshot, in bounded memory, in any order."""

    def export_nodes(self, kind: NodeKind) -> Iterator[NodeExport]: ...

    def export_events(self, up_to_offset: int) -> Iterator[EventExport]:
        """Events of batch loads, and those of the log up to an offset."""
        ...

    def export_edges(self, kind: EdgeKind) -> Iterator[EdgeExport]: ...


class SnapshotSource(GraphExporter, Protocol):
    """All that a snapshot is made from; every store is one."""

    def log_offset(self) -> int:
        """As `GraphReader.log_offset`."""
        ...

    def loads_begun(self) -> int:
        """As `GraphWriter.loads_begun`."""
        ...

    def unfinished_loads(self) -> list[str]:
        """As `GraphWriter.unfinished_loads`."""
        ...


class GraphStore(GraphWriter, GraphReader, GraphExporter, Protocol):
    """A store that was opened by URL (`graph.stores.open_store`)."""

    @property
    def url(self) -> str:
        """Where it is, without credentials."""
        ...

    def close(self) -> None: ...
