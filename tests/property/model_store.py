"""The record as a few dictionaries: what a store promises, written as plainly as the promises are worded.

The other side of the stateful tests. It shares no code with the stores but `graph.rules`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

from graph.contenthash import ContentHash
from graph.errors import ConflictError, NotFoundError
from graph.model import (
    About,
    Board,
    EdgeKind,
    EdgeRow,
    Entity,
    Event,
    EventKind,
    Id,
    Interest,
    Is,
    Node,
    NodeKind,
    NodeRow,
    Pin,
    TimeMs,
    User,
    edges_of,
)
from graph.ports import Checkpoint, LoadState, Outcome, StoreCounts
from graph.rules import edge_digest, edge_key, event_digest, holds, later_of, node_digest
from tests.property.worlds import seen_events

Version = tuple[TimeMs | None, bytes]
Row = tuple[Hashable, Version]
"""An identity and what is said of it."""
EventRow = tuple[Event, int]
"""An event and its offset in the log, -1 for none."""

_BARE: dict[NodeKind, type[User | Pin | Entity]] = {NodeKind.USER: User, NodeKind.PIN: Pin, NodeKind.ENTITY: Entity}


def _best(versions: Sequence[Version]) -> Version:
    """The latest version, then the smallest digest."""
    latest = max(later_of(version) for version, _ in versions)
    return min((each for each in versions if later_of(each[0]) == latest), key=lambda each: each[1])


def _judge(
    rows: list[tuple[Hashable, Version]], held: dict[Hashable, Version]
) -> tuple[set[tuple[Hashable, Version]], Outcome]:
    """Which rows a call writes, and how it counts them all."""
    distinct = set(rows)
    written: set[tuple[Hashable, Version]] = set()
    counts: Counter[str] = Counter(duplicates=len(rows) - len(distinct))
    for key, mine in distinct:
        before = held.get(key)
        winner = _best([version for k, version in distinct if k == key] + ([before] if before else []))
        if mine == winner != before:
            written.add((key, mine))
        if mine == before or mine[0] != winner[0]:
            counts["unchanged"] += 1
        elif mine == winner and (before is None or before[0] != mine[0]):
            counts["written"] += 1
        else:
            counts["conflicts"] += 1
    return written, Outcome(**counts)


@dataclass
class ModelStore:
    """One opened store and all that it holds; nobody else opens it."""

    nodes: dict[tuple[NodeKind, Id], NodeRow] = field(default_factory=dict)
    bare: set[tuple[NodeKind, Id]] = field(default_factory=set)
    edges: dict[tuple[str, ...], EdgeRow] = field(default_factory=dict)
    happened: dict[str, EventRow] = field(default_factory=dict)
    position: int = -1
    loads: dict[str, bool] = field(default_factory=dict)
    """Load id → whether it finished, in the order they began."""
    batches: dict[Checkpoint, Outcome] = field(default_factory=dict)
    holds_load: str | None = None

    def _need(self, kind: NodeKind, *ids: Id) -> None:
        for id_ in ids:
            if (kind, id_) not in self.nodes:
                raise NotFoundError(id_)

    def _done(self, checkpoint: Checkpoint | None) -> Outcome | None:
        if checkpoint is None:
            return None
        if checkpoint.load_id != self.holds_load:
            raise ConflictError(checkpoint.load_id)
        return self.batches.get(checkpoint)

    def _record(self, checkpoint: Checkpoint | None, outcome: Outcome) -> Outcome:
        if checkpoint is not None:
            self.batches[checkpoint] = outcome
        return outcome

    # Loads

    def begin_load(self, load_id: str, source: str) -> LoadState:
        if self.holds_load not in (None, load_id):
            raise ConflictError(load_id)
        self.holds_load = load_id
        finished = self.loads.setdefault(load_id, False)
        return LoadState(load_id, finished, {c.batch: o for c, o in self.batches.items() if c.load_id == load_id})

    def renew_load(self, load_id: str) -> None:
        if self.holds_load != load_id:
            raise ConflictError(load_id)

    def finish_load(self, load_id: str, summary: str) -> None:
        self.renew_load(load_id)
        self.loads[load_id] = True
        self.holds_load = None

    def release_load(self, load_id: str) -> None:
        if self.holds_load == load_id:
            self.holds_load = None

    def unfinished_loads(self) -> list[str]:
        return [load_id for load_id, finished in self.loads.items() if not finished]

    # Writing

    def missing(self, kind: NodeKind, ids: Sequence[Id]) -> set[Id]:
        return {id_ for id_ in ids if (kind, id_) not in self.nodes}

    def ensure_nodes(self, kind: NodeKind, ids: Sequence[Id], checkpoint: Checkpoint | None = None) -> int:
        if (done := self._done(checkpoint)) is not None:
            return done.written
        made = self.missing(kind, ids)
        for id_ in made:
            self.nodes[kind, id_] = NodeRow(_BARE[kind](id_))
            self.bare.add((kind, id_))
        distinct = len(set(ids))
        self._record(checkpoint, Outcome(len(made), distinct - len(made), len(ids) - distinct))
        return len(made)

    def write_nodes(self, kind: NodeKind, rows: Sequence[NodeRow], checkpoint: Checkpoint | None = None) -> Outcome:
        if (done := self._done(checkpoint)) is not None:
            return done
        coming = {row.node.id for row in rows}
        for row in rows:
            if isinstance(row.node, Board):
                self._need(NodeKind.USER, row.node.owner)
            if isinstance(row.node, Interest) and row.node.parent is not None and row.node.parent not in coming:
                self._need(NodeKind.INTEREST, row.node.parent)

        def version(row: NodeRow) -> Version:
            return row.version_at, node_digest(row.node, row.deleted_at)

        held: dict[Hashable, Version] = {
            id_: version(row) for (k, id_), row in self.nodes.items() if k is kind and (k, id_) not in self.bare
        }
        written, outcome = _judge([(row.node.id, version(row)) for row in rows], held)
        chosen = {row.node.id: row for row in rows if (row.node.id, version(row)) in written}
        for id_, row in chosen.items():
            self.nodes[kind, id_] = row
            self.bare.discard((kind, id_))
        return self._record(
            checkpoint, replace(outcome, edges_written=sum(_carried(row.node) for row in chosen.values()))
        )

    def write_edges(self, kind: EdgeKind, rows: Sequence[EdgeRow], checkpoint: Checkpoint | None = None) -> Outcome:
        if (done := self._done(checkpoint)) is not None:
            return done
        for row in rows:
            edge = row.edge
            if isinstance(edge, About):
                self._need(NodeKind.PIN, edge.pin)
                self._need(NodeKind.INTEREST, edge.interest)
            elif isinstance(edge, Is):
                self._need(NodeKind.PIN, edge.pin)
                self._need(NodeKind.ENTITY, edge.entity)
            else:
                self._need(NodeKind.ENTITY, edge.head, edge.tail)

        def version(row: EdgeRow) -> Version:
            return row.version_at, edge_digest(row.edge)

        held: dict[Hashable, Version] = {key: version(row) for key, row in self.edges.items()}
        written, outcome = _judge([(edge_key(row.edge), version(row)) for row in rows], held)
        self.edges |= {edge_key(row.edge): row for row in rows if (edge_key(row.edge), version(row)) in written}
        return self._record(checkpoint, replace(outcome, edges_written=len(written)))

    def write_events(
        self, rows: Sequence[EventRow], checkpoint: Checkpoint | None = None, log_offset: int | None = None
    ) -> Outcome:
        if (done := self._done(checkpoint)) is not None:
            return done
        for each, _ in rows:
            self._need(NodeKind.USER, each.user)
            self._need(each.target_kind, each.target)
            if each.board is not None:
                self._need(NodeKind.BOARD, each.board)
        before = dict(self.happened)
        for each, offset in rows:
            self._take(each, offset)
        changed = [each for id_, (each, _) in self.happened.items() if id_ not in before or before[id_][0] != each]
        if log_offset is not None:
            self.position = log_offset
        return self._record(checkpoint, self._counted([each for each, _ in rows], before, changed))

    def _take(self, each: Event, offset: int) -> None:
        held = self.happened.get(each.event_id)
        if held is None or event_digest(each) < event_digest(held[0]):
            self.happened[each.event_id] = each, offset
        elif each == held[0]:
            self.happened[each.event_id] = each, min(offset, held[1])

    def _counted(self, rows: list[Event], before: dict[str, EventRow], changed: list[Event]) -> Outcome:
        written = unchanged = conflicts = 0
        for each in set(rows):
            held = before.get(each.event_id)
            if held is not None:
                unchanged += held[0] == each
                conflicts += held[0] != each
            elif each in changed:
                written += 1
            else:
                conflicts += 1
        edges = sum(edges_of(each.kind, board=each.board is not None) for each in changed)
        return Outcome(written, unchanged, len(rows) - len(set(rows)), conflicts, edges)

    # Reading

    def counts(self) -> StoreCounts:
        nodes = Counter(kind for kind, _ in self.nodes)
        events = Counter(each.kind for each, _ in self.happened.values())
        edges = Counter(EdgeKind(key[0]) for key in self.edges)
        edges[EdgeKind.OWNS] = sum(isinstance(row.node, Board) for row in self.nodes.values())
        parents = [row.node.parent for row in self.nodes.values() if isinstance(row.node, Interest)]
        edges[EdgeKind.CHILD_OF] = sum(parent is not None for parent in parents)
        return StoreCounts(
            nodes={kind: nodes[kind] for kind in NodeKind},
            events={kind: events[kind] for kind in EventKind},
            edges={kind: edges[kind] for kind in EdgeKind},
        )

    def content_hash(self) -> str:
        total = ContentHash()
        total.add(node_digest(row.node, row.deleted_at) for row in self.nodes.values())
        total.add(edge_digest(row.edge) for row in self.edges.values())
        total.add_event(self.happened, [event_digest(each) for each, _ in self.happened.values()])
        return total.hexdigest()

    def log_offset(self) -> int:
        return self.position

    def node(self, kind: NodeKind, id: Id) -> Node | None:
        row = self.nodes.get((kind, id))
        return None if row is None or row.deleted_at is not None else row.node

    def saves(self, user: Id, first: int) -> list[tuple[Id, Id | None, TimeMs | None]]:
        hidden = {key for key, row in self.nodes.items() if row.deleted_at is not None}
        saved = holds(seen_events([each for each, _ in self.happened.values()], hidden)).saved
        mine = [(pin, board, at) for (who, pin, board), at in saved.items() if who == user]
        mine.sort(key=lambda save: (-later_of(save[2]), save[0].encode(), (save[1] or "").encode()))
        return mine[:first]

    def events(self, user: Id, first: int) -> list[Event]:
        mine = [each for each, _ in self.happened.values() if each.user == user]
        mine.sort(key=lambda each: (-later_of(each.at), each.event_id.encode()))
        return mine[:first]

    def exported(self, up_to_offset: int) -> Counter[tuple[object, ...]]:
        """What `export_events` streams, in ids."""
        return Counter(
            (each.kind, each.target_kind, each.user, each.target, each.board, each.at, each.weight or 1.0)
            for each, offset in self.happened.values()
            if offset <= up_to_offset
        )


def _carried(node: Node) -> int:
    return int(isinstance(node, Board) or (isinstance(node, Interest) and node.parent is not None))
