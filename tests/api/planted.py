"""A graph with everything that makes paging hard: few distinct times, none at all, parallel edges, secret boards, hubs."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
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
    EventKind,
    Id,
    Interest,
    Is,
    NodeKind,
    NodeRow,
    Pin,
    Relates,
    User,
)
from graph.ports import EventBatch
from graph.snapshot import Snapshot
from graph.stores.sqlite.store import SqliteStore
from tests.graphs import day, event

USERS = [f"u{number:02}" for number in range(40)]
PINS = [f"p{number:03}" for number in range(80)]
INTERESTS = ["art", "baking", "cars", "dance", "east", "film"]
ENTITIES = [f"e{number:02}" for number in range(20)]
BOARDS = {f"{user}-{name}": user for user in USERS for name in ("a", "b", "secret")}
TIMES = [None, day(1), day(2), day(2), day(3)]
"""Three distinct times for hundreds of saves."""
SHARED_BOARD = "u00-a"
"""Every user puts pin p000 on it at one time: parallel edges that only their users tell apart."""


def saves(seed: int, count: int) -> list[Event]:
    """Saves, popular pins first; some on no board, some on two."""
    chance = random.Random(seed)
    made: list[Event] = []
    for _ in range(count):
        user, pin = chance.choice(USERS), PINS[min(int(chance.expovariate(1 / 15)), len(PINS) - 1)]
        board = chance.choice([None, f"{user}-a", f"{user}-b", f"{user}-secret"])
        made.append(event(EventKind.SAVE, user, pin, chance.choice(TIMES), board=board))
    return made


def first_events() -> list[Event]:
    """What the graph is planted with."""
    chance = random.Random(11)
    shared = [event(EventKind.SAVE, user, "p000", day(2), board=SHARED_BOARD) for user in USERS]
    follows = [
        event(EventKind.FOLLOW, user, target, chance.choice(TIMES), target_kind=kind)
        for user in USERS
        for kind, targets in ((NodeKind.USER, USERS), (NodeKind.BOARD, list(BOARDS)), (NodeKind.INTEREST, INTERESTS))
        for target in chance.sample(targets, 4)
    ]
    hides = [event(EventKind.HIDE, user, chance.choice(PINS), day(4)) for user in USERS[:10]]
    return [*saves(7, 900), *shared, *follows, *hides]


def plant(
    folder: Path, events: Sequence[Event] | None = None, *, gone: Collection[str] = (), created: datetime | None = None
) -> Snapshot:
    """A snapshot of the graph in `folder/snapshots`; `gone` are ids of pins, boards and users that were deleted."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(3)
    store = SqliteStore(folder / f"planted-{len(list(folder.glob('planted-*')))}.db")
    store.migrate()
    nodes = {
        NodeKind.USER: [User(Id(user)) for user in USERS],
        NodeKind.PIN: [Pin(Id(pin), f"Pin {pin}") for pin in PINS],
        NodeKind.BOARD: [
            Board(Id(board), Id(owner), f"Board {board}", secret=board.endswith("secret"))
            for board, owner in BOARDS.items()
        ],
        NodeKind.INTEREST: [
            Interest(Id(name), name.title(), None if name == "art" else Id("art")) for name in INTERESTS
        ],
        NodeKind.ENTITY: [Entity(Id(entity)) for entity in ENTITIES],
    }
    for kind, rows in nodes.items():
        store.write_nodes(kind, [NodeRow(node, day(9), day(9) if node.id in gone else None) for node in rows])
    about = [About(Id(pin), Id(name), 0.5) for pin in PINS for name in chance.sample(INTERESTS, 2)]
    shows = [Is(Id(pin), Id(entity)) for pin in PINS for entity in chance.sample(ENTITIES, 2)]
    related = [
        Relates(Id(head), predicate, Id(tail))
        for head in ENTITIES
        for tail in chance.sample(ENTITIES, 3)
        for predicate in ("knows", "made", "near")
        if head != tail
    ]
    store.write_edges(EdgeKind.ABOUT, [EdgeRow(edge) for edge in about])
    store.write_edges(EdgeKind.IS, [EdgeRow(edge) for edge in shows])
    store.write_edges(EdgeKind.RELATES, [EdgeRow(edge) for edge in related])
    store.write_events(EventBatch.of(list({e.event_id: e for e in (events or first_events())}.values())))
    path = export_snapshot(store, folder / "snapshots", created or datetime(2024, 6, 1, tzinfo=UTC))
    store.close()
    return Snapshot.open(path)
