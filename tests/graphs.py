"""A graph small enough to read, for tests of any room: who saved what is plain from the names.

Ada collects gardens and secretly wedding dresses, Bo cooks, Cem does both; Dot has done nothing yet, Eve's account is deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from graph.export import export_snapshot
from graph.model import (
    About,
    Board,
    EdgeKind,
    EdgeRow,
    Entity,
    Event,
    EventId,
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
from graph.rules import canonical_json, derived_event_id
from graph.snapshot import Snapshot
from graph.stores.sqlite.store import SqliteStore

DAY_MS = 24 * 60 * 60 * 1000
START = TimeMs(int(datetime(2024, 5, 1, tzinfo=UTC).timestamp() * 1000))


def day(number: float) -> TimeMs:
    """Midnight UTC of a day in May 2024, counted from 0."""
    return TimeMs(START + int(number * DAY_MS))


def event(
    kind: EventKind,
    user: str,
    target: str,
    at: TimeMs | None = None,
    *,
    board: str | None = None,
    target_kind: NodeKind = NodeKind.PIN,
    weight: float | None = None,
    event_id: str | None = None,
    group_id: str | None = None,
) -> Event:
    """An event as a loader would make it: the id derived where none is given, the weight 1 where the kind needs one."""
    if weight is None and kind in (EventKind.VIEW, EventKind.CLICK):
        weight = 1.0
    id_ = event_id or derived_event_id(kind, user, target_kind, target, board, at)
    return Event(
        EventId(id_),
        kind,
        Id(user),
        target_kind,
        Id(target),
        None if board is None else Id(board),
        at,
        weight,
        group_id,
    )


USERS = [
    User(Id("ada"), day(-30), canonical_json({"country": "TR"})),
    User(Id("bo"), day(-20)),
    User(Id("cem"), None, canonical_json({"age": 41, "country": "TR"})),
    User(Id("dot"), day(-1)),
    User(Id("eve"), day(-9)),
]
PINS = [
    Pin(Id("fern"), "Fern in the shade", "How to keep a fern", day(-40)),
    Pin(Id("moss"), "Moss garden", None, day(-39)),
    Pin(Id("rose"), "Climbing rose", "Roses at a south wall", day(-38), canonical_json({"colour": "red"})),
    Pin(Id("dress"), "Silk wedding dress", None, day(-37)),
    Pin(Id("soup"), "Lentil soup", "Red lentils, lemon, mint", day(-36)),
    Pin(Id("bread"), "Sourdough bread", None, None),
    Pin(Id("pie"), "Rhubarb pie from the garden", None, day(-35)),
    Pin(Id("spam"), "Buy now", None, day(-34)),
]
BOARDS = [
    Board(Id("ada-garden"), Id("ada"), "My garden"),
    Board(Id("ada-wedding"), Id("ada"), "Wedding", secret=True),
    Board(Id("bo-kitchen"), Id("bo"), "Kitchen"),
    Board(Id("cem-home"), Id("cem"), "Home and garden"),
    Board(Id("eve-junk"), Id("eve"), "Junk"),
]
INTERESTS = [
    Interest(Id("outdoors"), "Outdoors"),
    Interest(Id("gardening"), "Gardening", Id("outdoors")),
    Interest(Id("food"), "Food"),
    Interest(Id("baking"), "Baking", Id("food")),
    Interest(Id("weddings"), "Weddings"),
]
ENTITIES = [
    Entity(Id("plant"), "Plant"),
    Entity(Id("polypodium"), "Polypodium"),
    Entity(Id("rosa"), "Rosa"),
    Entity(Id("rheum"), "Rhubarb"),
    Entity(Id("unnamed")),
]
HIDDEN: dict[str, TimeMs] = {"eve": day(5), "spam": day(5)}
"""Deleted nodes and when."""
EDGES: dict[EdgeKind, list[PlainEdge]] = {
    EdgeKind.ABOUT: [
        About(Id("fern"), Id("gardening"), 0.9),
        About(Id("moss"), Id("gardening"), 0.8),
        About(Id("rose"), Id("gardening"), 1.0),
        About(Id("pie"), Id("gardening"), 0.25),
        About(Id("pie"), Id("baking"), 0.75),
        About(Id("bread"), Id("baking")),
        About(Id("soup"), Id("food"), 0.5),
        About(Id("dress"), Id("weddings"), 1.0),
    ],
    EdgeKind.IS: [
        Is(Id("fern"), Id("polypodium")),
        Is(Id("rose"), Id("rosa")),
        Is(Id("pie"), Id("rheum")),
    ],
    EdgeKind.RELATES: [
        Relates(Id("polypodium"), "kind_of", Id("plant")),
        Relates(Id("rosa"), "kind_of", Id("plant")),
        Relates(Id("rheum"), "kind_of", Id("plant")),
        Relates(Id("rosa"), "grows_near", Id("polypodium")),
    ],
}
K = EventKind
EVENTS = [
    event(K.SAVE, "ada", "fern", day(1), board="ada-garden"),
    event(K.SAVE, "ada", "moss", day(2), board="ada-garden"),
    event(K.SAVE, "ada", "rose", day(3), board="ada-garden"),
    event(K.SAVE, "ada", "dress", day(4), board="ada-wedding"),
    event(K.SAVE, "ada", "pie", day(5)),  # on no board
    event(K.SAVE, "bo", "soup", day(1), board="bo-kitchen"),
    event(K.SAVE, "bo", "bread", board="bo-kitchen"),  # nobody knows when
    event(K.SAVE, "bo", "pie", day(6), board="bo-kitchen"),
    event(K.SAVE, "bo", "moss", day(2)),
    event(K.UNSAVE, "bo", "moss", day(3)),
    event(K.SAVE, "cem", "fern", day(2), board="cem-home"),
    event(K.SAVE, "cem", "rose", day(2), board="cem-home"),
    event(K.SAVE, "cem", "pie", day(7), board="cem-home"),
    event(K.SAVE, "cem", "spam", day(4), board="cem-home"),
    event(K.UNSAVE, "cem", "rose", day(4), board="cem-home"),
    event(K.SAVE, "eve", "spam", day(1), board="eve-junk"),
    event(K.VIEW, "ada", "soup", day(5), weight=2.0),
    event(K.VIEW, "ada", "soup", day(6)),
    event(K.VIEW, "bo", "rose", day(5)),
    event(K.VIEW, "cem", "moss", day(5)),
    event(K.CLICK, "cem", "moss", day(5)),
    event(K.HIDE, "bo", "dress", day(6)),
    event(K.FOLLOW, "bo", "ada", day(2), target_kind=NodeKind.USER),
    event(K.FOLLOW, "cem", "ada", day(3), target_kind=NodeKind.USER),
    event(K.FOLLOW, "cem", "bo", day(3), target_kind=NodeKind.USER),
    event(K.UNFOLLOW, "cem", "bo", day(4), target_kind=NodeKind.USER),
    event(K.FOLLOW, "cem", "ada-garden", day(3), target_kind=NodeKind.BOARD),
    event(K.FOLLOW, "ada", "gardening", day(1), target_kind=NodeKind.INTEREST),
    event(K.MUTE, "bo", "weddings", day(6), target_kind=NodeKind.INTEREST),
    event(K.BOOST, "cem", "baking", day(6), target_kind=NodeKind.INTEREST),
]
NODES: dict[NodeKind, list[NodeRow]] = {
    kind: [NodeRow(node, day(8), HIDDEN.get(node.id)) for node in nodes]
    for kind, nodes in (
        (NodeKind.USER, USERS),
        (NodeKind.PIN, PINS),
        (NodeKind.BOARD, BOARDS),
        (NodeKind.INTEREST, INTERESTS),
        (NodeKind.ENTITY, ENTITIES),
    )
}


def fill(store: GraphStore) -> None:
    """Writes the whole graph into a store whose schema is there."""
    for kind, rows in NODES.items():
        store.write_nodes(kind, rows)
    for kind, edges in EDGES.items():
        store.write_edges(kind, [EdgeRow(edge) for edge in edges])
    store.write_events(EventBatch.of(EVENTS))


def tiny_store(path: Path) -> SqliteStore:
    """The graph in a new SQLite file at `path`; the caller closes it."""
    store = SqliteStore(path)
    store.migrate()
    fill(store)
    return store


def tiny_snapshot(folder: Path) -> Snapshot:
    """A snapshot of the graph in `folder/snapshots`, made at a fixed time."""
    store = tiny_store(folder / "tiny.db")
    try:
        return Snapshot.open(export_snapshot(store, folder / "snapshots", datetime(2024, 6, 1, tzinfo=UTC)))
    finally:
        store.close()
