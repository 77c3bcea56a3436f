"""Small worlds for hypothesis: few names and few times, so that events meet, tie, repeat and contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from graph.model import (
    FOLLOW_EVENTS,
    PIN_EVENTS,
    WEIGHTED_EVENTS,
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
    NodeKind,
    NodeRow,
    Pin,
    PlainEdge,
    Relates,
    TimeMs,
    User,
)
from graph.ports import EventBatch, GraphStore
from graph.rules import distinct, edge_key
from tests.graphs import event

Names = tuple[str, ...]

USERS: Names = ("ada", "\uffffx", "😀")
PINS: Names = ("p1", "P1", "é")
BOARDS: Names = ("b1", "b2")
INTERESTS: Names = ("i1", "i2", "i3")
ENTITIES: Names = ("e1", "e2", "e3")
NAMES: dict[NodeKind, Names] = {
    NodeKind.USER: USERS,
    NodeKind.PIN: PINS,
    NodeKind.BOARD: BOARDS,
    NodeKind.INTEREST: INTERESTS,
    NodeKind.ENTITY: ENTITIES,
}

times = st.sampled_from([None, *map(TimeMs, (-1, 0, 1, 2))])
weights = st.sampled_from([1.0, 2.0, 0.25])
"""Sums of these are exact, so that sums in any precision can be compared."""
names = {kind: st.sampled_from([ids[0], *ids]) for kind, ids in NAMES.items()}
"""The first of each kind comes up more often, so that much happens between a few."""
ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=16).filter(
    lambda text: len(text.encode()) <= 64
)


@st.composite
def events(draw: st.DrawFn, given: bool = True, kinds: Sequence[EventKind] = tuple(EventKind)) -> Event:
    """An event; where `given`, some have ids of their own, of which there are so few that they clash."""
    kind = draw(st.sampled_from(kinds))
    user, at = draw(names[NodeKind.USER]), draw(times)
    event_id = draw(st.sampled_from([None] * 15 + ["x", "y", "0f" * 16])) if given else None
    target_kind = NodeKind.INTEREST
    if kind in PIN_EVENTS:
        target_kind = NodeKind.PIN
    elif kind in FOLLOW_EVENTS:
        target_kind = draw(st.sampled_from([NodeKind.USER, NodeKind.BOARD, NodeKind.INTEREST]))
    return event(
        kind,
        user,
        draw(names[target_kind]),
        at,
        board=draw(st.none() | names[NodeKind.BOARD]) if kind in (EventKind.SAVE, EventKind.UNSAVE) else None,
        target_kind=target_kind,
        weight=draw(weights) if kind in WEIGHTED_EVENTS else None,
        event_id=event_id,
        group_id=draw(st.none() | st.just("together")),
    )


@st.composite
def histories(draw: st.DrawFn, max_events: int = 40, given: bool = True) -> list[Event]:
    """Many events as often as few: hypothesis's own lists are short. Half of them are all about saving."""
    size = draw(st.integers(0, max_events))
    kinds = draw(st.sampled_from([tuple(EventKind), (EventKind.SAVE, EventKind.UNSAVE, EventKind.HIDE)]))
    return draw(st.lists(events(given, kinds), min_size=size, max_size=size))


@st.composite
def nodes(draw: st.DrawFn, kind: NodeKind, id: str) -> User | Pin | Board | Interest | Entity:
    """A node of a kind under an id, with properties drawn."""
    text = st.none() | st.sampled_from(["", "t", "Ü"])
    attributes = st.sampled_from(["{}", '{"a":1}'])
    match kind:
        case NodeKind.USER:
            return User(Id(id), draw(times), draw(attributes))
        case NodeKind.PIN:
            return Pin(Id(id), draw(text), draw(text), draw(times), draw(attributes))
        case NodeKind.BOARD:
            return Board(Id(id), Id(draw(names[NodeKind.USER])), draw(text), draw(st.booleans()))
        case NodeKind.INTEREST:
            parent = draw(st.none() | names[NodeKind.INTEREST])
            return Interest(Id(id), draw(st.sampled_from(["", "n"])), None if parent is None else Id(parent))
        case NodeKind.ENTITY:
            return Entity(Id(id), draw(text))


@st.composite
def node_rows(draw: st.DrawFn, kind: NodeKind) -> NodeRow:
    """A row of a kind: any version, sometimes deleted."""
    node = draw(nodes(kind, draw(names[kind])))
    return NodeRow(node, draw(times), draw(st.none() | st.just(TimeMs(3))))


@st.composite
def edges(draw: st.DrawFn, kind: EdgeKind) -> PlainEdge:
    """A plain edge of a kind."""
    if kind is EdgeKind.ABOUT:
        score = draw(st.none() | st.sampled_from([0.25, 0.5, 1.0]))
        return About(Id(draw(names[NodeKind.PIN])), Id(draw(names[NodeKind.INTEREST])), score)
    if kind is EdgeKind.IS:
        return Is(Id(draw(names[NodeKind.PIN])), Id(draw(names[NodeKind.ENTITY])))
    head, tail = draw(names[NodeKind.ENTITY]), draw(names[NodeKind.ENTITY])
    return Relates(Id(head), draw(st.sampled_from(["likes", "Likes", "kind of"])), Id(tail))


PLAIN = (EdgeKind.ABOUT, EdgeKind.IS, EdgeKind.RELATES)


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a store is told. Rows of one identity differ in version; every id of `NAMES` has a node."""

    nodes: dict[NodeKind, list[NodeRow]]
    edges: dict[EdgeKind, list[EdgeRow]]
    events: list[Event]

    def hidden(self) -> set[tuple[NodeKind, Id]]:
        return {(kind, row.node.id) for kind, rows in self.nodes.items() for row in rows if row.deleted_at is not None}

    def visible_events(self) -> list[Event]:
        """Distinct events of which no end is hidden."""
        return seen_events(self.events, self.hidden())


def seen_events(happened: Iterable[Event], hidden: set[tuple[NodeKind, Id]]) -> list[Event]:
    """Distinct events of which no end is hidden."""

    def seen(each: Event) -> bool:
        ends = {(NodeKind.USER, each.user), (each.target_kind, each.target)}
        if each.board is not None:
            ends.add((NodeKind.BOARD, each.board))
        return not ends & hidden

    return [each for each in distinct(happened).values() if seen(each)]


@st.composite
def worlds(draw: st.DrawFn, max_events: int = 40) -> World:
    """A world with one row a node, some of them hidden; few enough events to shrink well."""
    chosen = {
        kind: [
            NodeRow(draw(nodes(kind, name)), None, draw(st.sampled_from([None] * 5 + [TimeMs(9)])))
            for name in NAMES[kind]
        ]
        for kind in NodeKind
    }
    plain = {
        kind: [EdgeRow(edge) for edge in draw(st.lists(edges(kind), max_size=6, unique_by=edge_key))] for kind in PLAIN
    }
    return World(chosen, plain, draw(histories(max_events)))


def tell(store: GraphStore, world: World) -> None:
    """Writes a world, each table in one call."""
    for kind in NodeKind:
        store.write_nodes(kind, world.nodes[kind])
    for kind in PLAIN:
        store.write_edges(kind, world.edges[kind])
    store.write_events(EventBatch.of(world.events))
