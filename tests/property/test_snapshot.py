"""A snapshot says what the rules say of the same events, and remembers enough for late events to come out right."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.export import export_snapshot
from graph.model import (
    About,
    Board,
    EdgeKind,
    Event,
    Id,
    Interest,
    Is,
    NodeKind,
    PlainEdge,
)
from graph.ports import EventBatch
from graph.rules import holds
from graph.schema import Link
from graph.snapshot import Snapshot
from graph.stores.sqlite.store import SqliteStore
from tests.property.readback import as_events, check_structure, edges_of, holds_of
from tests.property.worlds import PLAIN, World, histories, seen_events, tell, worlds

T = TypeVar("T")
NOW = datetime(2024, 6, 1, tzinfo=UTC)


def new_store(folder: Path) -> SqliteStore:
    store = SqliteStore(Path(mkdtemp(dir=folder)) / "store.db")
    store.migrate()
    return store


def snapshot_of(store: SqliteStore) -> Snapshot:
    return Snapshot.open(
        export_snapshot(store, Path(mkdtemp(dir=Path(store.url.removeprefix("sqlite:///")).parent)), NOW)
    )


def told(folder: Path, world: World) -> Snapshot:
    store = new_store(folder)
    try:
        tell(store, world)
        return snapshot_of(store)
    finally:
        store.close()


@settings(max_examples=40)
@given(worlds())
def test_says_what_the_rules_say(folder: Path, world: World) -> None:
    snapshot = told(folder, world)
    check_structure(snapshot)
    assert holds_of(snapshot) == holds(world.visible_events())
    check_nodes(snapshot, world)
    check_edges(snapshot, world)


def check_nodes(snapshot: Snapshot, world: World) -> None:
    hidden = world.hidden()
    for kind, table in snapshot.nodes.items():
        expected = {row.node.id: row.node for row in world.nodes[kind] if (kind, row.node.id) not in hidden}
        assert len(table) == len(expected)
        for row in range(len(table)):
            assert table.row_of(table.id_of(row)) == row
            node = expected[table.id_of(row)]
            if isinstance(node, Board) and (NodeKind.USER, node.owner) in hidden:
                node = Board(node.id, Id(""), node.title, node.secret)
            if isinstance(node, Interest) and (NodeKind.INTEREST, node.parent) in hidden:
                node = Interest(node.id, node.name)
            assert table.node(row) == node
    check_levels(snapshot)


def check_levels(snapshot: Snapshot) -> None:
    """An interest is one level below its parent; where parents go round in a circle, only its members may differ."""
    table = snapshot.nodes[NodeKind.INTEREST]
    parents = [table.value("parent", row) for row in range(len(table))]
    rows = [None if parent is None else table.row_of(parent) for parent in parents]
    levels = [table.value("level", row) for row in range(len(table))]
    for row, parent in enumerate(rows):
        above, seen = row, set[int]()
        while (up := rows[above]) is not None and above not in seen:
            seen.add(above)
            above = up
        if row in seen and above == row:
            continue  # on a circle
        assert levels[row] == (0 if parent is None else levels[parent] + 1)


def check_edges(snapshot: Snapshot, world: World) -> None:
    hidden = world.hidden()

    def seen(*ends: tuple[NodeKind, str]) -> bool:
        return not set(ends) & hidden  # type: ignore[operator]

    def read(link: Link) -> list[tuple[object, ...]]:
        return sorted((s, t, *columns.values()) for s, t, columns in edges_of(snapshot, link))

    boards = [row.node for row in world.nodes[NodeKind.BOARD] if isinstance(row.node, Board)]
    assert read(Link.OWNS) == sorted(
        (board.owner, board.id) for board in boards if seen((NodeKind.BOARD, board.id), (NodeKind.USER, board.owner))
    )
    interests = [row.node for row in world.nodes[NodeKind.INTEREST] if isinstance(row.node, Interest)]
    assert read(Link.CHILD_OF) == sorted(
        (each.id, each.parent)
        for each in interests
        if each.parent and seen((NodeKind.INTEREST, each.id), (NodeKind.INTEREST, each.parent))
    )
    saved = edges_of(snapshot, Link.SAVED)
    name = snapshot.nodes[NodeKind.BOARD].id_of
    by = snapshot.nodes[NodeKind.USER].id_of
    assert sorted((name(c["board"]), pin, c["at"], user) for user, pin, c in saved if c["board"] >= 0) == sorted(
        (board, pin, c["at"], by(c["by"])) for board, pin, c in edges_of(snapshot, Link.HOLDS)
    )
    plain: dict[EdgeKind, list[tuple[object, ...]]] = {
        EdgeKind.ABOUT: [
            (s, t, None if np.isnan(c["score"]) else c["score"]) for s, t, c in edges_of(snapshot, Link.ABOUT)
        ],
        EdgeKind.IS: [(s, t) for s, t, _ in edges_of(snapshot, Link.IS)],
        EdgeKind.RELATES: [(s, t, snapshot.predicates[c["predicate"]]) for s, t, c in edges_of(snapshot, Link.RELATES)],
    }
    for kind in PLAIN:
        expected = [told for row in world.edges[kind] if (told := visible_edge(row.edge, hidden)) is not None]
        assert sorted(plain[kind], key=repr) == sorted(expected, key=repr)


def visible_edge(edge: PlainEdge, hidden: set[tuple[NodeKind, Id]]) -> tuple[object, ...] | None:
    if isinstance(edge, About):
        ends = {(NodeKind.PIN, edge.pin), (NodeKind.INTEREST, edge.interest)}
        return None if ends & hidden else (edge.pin, edge.interest, edge.score)
    if isinstance(edge, Is):
        return None if {(NodeKind.PIN, edge.pin), (NodeKind.ENTITY, edge.entity)} & hidden else (edge.pin, edge.entity)
    ends = {(NodeKind.ENTITY, edge.head), (NodeKind.ENTITY, edge.tail)}
    return None if ends & hidden else (edge.head, edge.tail, edge.predicate)


@settings(max_examples=40)
@given(worlds(), histories(8, given=False))
def test_late_events_come_out_as_in_the_store(folder: Path, world: World, late: list[Event]) -> None:
    """Whatever the snapshot has dropped can't matter: its stand-ins and late events make what the whole history makes."""
    early = {each.event_id for each in world.events}
    late = [each for each in late if each.event_id not in early]
    remembered = as_events(told(folder, world))
    hidden = world.hidden()
    assert holds([*remembered, *seen_events(late, hidden)]) == holds(
        [*world.visible_events(), *seen_events(late, hidden)]
    )


@settings(max_examples=25)
@given(st.data(), worlds(max_events=25))
def test_the_way_in_does_not_matter(folder: Path, data: st.DataObject, world: World) -> None:
    """Any order, any batches and any repetition: the same content hash of the store, and the same bytes of the snapshot."""
    straight, winding = new_store(folder), new_store(folder)
    try:
        tell(straight, world)
        wander(data, winding, world)
        assert winding.content_hash() == straight.content_hash()
        assert winding.counts() == straight.counts()
        assert snapshot_of(winding).content_hash == snapshot_of(straight).content_hash
    finally:
        straight.close()
        winding.close()


def wander(data: st.DataObject, store: SqliteStore, world: World) -> None:
    for kind in NodeKind:
        if kind in (NodeKind.USER, NodeKind.PIN, NodeKind.ENTITY) and data.draw(st.booleans()):
            store.ensure_nodes(kind, [row.node.id for row in reversed(world.nodes[kind])])
        rows = data.draw(st.permutations(world.nodes[kind]))
        for batch in [rows] if kind is NodeKind.INTEREST else batches(data, rows):
            store.write_nodes(kind, batch)
    for kind in PLAIN:
        for batch in batches(data, data.draw(st.permutations(world.edges[kind]))):
            store.write_edges(kind, batch)
    for batch in batches(data, data.draw(st.permutations(world.events))):
        store.write_events(EventBatch.of(batch))


def batches(data: st.DataObject, rows: list[T]) -> list[list[T]]:
    """Rows cut into batches, each of which may bring some rows of before again."""
    size = data.draw(st.integers(1, 8))
    again = data.draw(st.integers(0, 3))
    return [rows[max(0, place - again) : place + size] for place in range(0, len(rows), size)]
