"""What a snapshot says, read back into ids, edge by edge, the slow and obvious way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from graph.model import Event, EventId, EventKind, Id, NodeKind, TimeMs
from graph.ports import NULL_TIME
from graph.rules import Holds, Weighted
from graph.schema import FOLLOWS, LINKS, Link
from graph.snapshot import LinkTable, NodeTable, Snapshot


def time_of(value: int) -> TimeMs | None:
    return None if value == NULL_TIME else TimeMs(int(value))


def edges_of(snapshot: Snapshot, link: Link) -> list[tuple[Id, Id, dict[str, Any]]]:
    """(source, target, columns) in the outgoing order."""
    table = snapshot.links[link]
    source, target = snapshot.nodes[table.source], snapshot.nodes[table.target]
    found: list[tuple[Id, Id, dict[str, Any]]] = []
    for row in range(len(source)):
        for place in range(int(table.out.indptr[row]), int(table.out.indptr[row + 1])):
            columns = {name: values[place].item() for name, values in table.columns.items()}
            found.append((source.id_of(row), target.id_of(int(table.out.indices[place])), columns))
    return found


def check_structure(snapshot: Snapshot) -> None:
    """Both directions of each link hold the same edges, in their promised orders, with the promised types."""
    for kind, nodes in snapshot.nodes.items():
        found = [nodes.id_of(row).encode() for row in range(len(nodes))]
        assert found == sorted(found), kind
    for link, table in snapshot.links.items():
        _check_link(table, snapshot.nodes[table.source], snapshot.nodes[table.target])
        for name, dtype in LINKS[link].columns.items():
            assert table.columns[name].dtype == dtype
            assert len(table.columns[name]) == len(table)


def _check_link(table: LinkTable, source: NodeTable, target: NodeTable) -> None:
    assert (table.out.indptr.dtype, table.out.indices.dtype) == (np.int64, np.int32)
    assert (table.into.indptr.dtype, table.into.indices.dtype, table.in_edge.dtype) == (np.int64, np.int32, np.int32)
    assert (len(table.out.indptr), len(table.into.indptr)) == (len(source) + 1, len(target) + 1)
    sources, targets = table.sources(), np.repeat(np.arange(len(target)), table.into.degrees())
    assert Counter(table.in_edge.tolist()) == Counter(range(len(table)))
    assert np.array_equal(sources[table.in_edge], table.into.indices)
    assert np.array_equal(table.out.indices[table.in_edge], targets)
    at = table.columns.get("at", np.zeros(len(table), np.int64)).tolist()
    out = [(s, -t, e) for s, t, e in zip(sources.tolist(), at, table.out.indices.tolist(), strict=True)]
    assert out == sorted(out)
    back = [
        (t, -at[edge], s)
        for t, edge, s in zip(targets.tolist(), table.in_edge.tolist(), table.into.indices.tolist(), strict=True)
    ]
    assert back == sorted(back)


def holds_of(snapshot: Snapshot) -> Holds:
    """The snapshot as `graph.rules.holds` would say it."""
    boards = snapshot.nodes[NodeKind.BOARD]

    def timed(link: Link) -> dict[tuple[Id, Id], TimeMs | None]:
        return {(source, target): time_of(columns["at"]) for source, target, columns in edges_of(snapshot, link)}

    def weighted(link: Link) -> dict[tuple[Id, Id], Weighted]:
        return {
            (s, t): Weighted(columns["weight"], time_of(columns["at"])) for s, t, columns in edges_of(snapshot, link)
        }

    return Holds(
        saved={
            (user, pin, None if columns["board"] == -1 else boards.id_of(columns["board"])): time_of(columns["at"])
            for user, pin, columns in edges_of(snapshot, Link.SAVED)
        },
        hidden=timed(Link.HID),
        viewed=weighted(Link.VIEWED),
        clicked=weighted(Link.CLICKED),
        follows={
            (user, kind, target): at for kind, link in FOLLOWS.items() for (user, target), at in timed(link).items()
        },
        muted=timed(Link.MUTED),
        boosted=timed(Link.BOOSTED),
    )


def as_events(snapshot: Snapshot) -> list[Event]:
    """Events that stand for all that the snapshot remembers: what holds, and what was ended, with their times.

    Late events added to these must come to what they come to when added to the true history.
    """
    holding = holds_of(snapshot)
    found = _Standins()
    for (user, pin, board), at in holding.saved.items():
        found.add(EventKind.SAVE, user, NodeKind.PIN, pin, at, board)
    for (user, pin), at in holding.hidden.items():
        found.add(EventKind.HIDE, user, NodeKind.PIN, pin, at)
    for kind, pairs in ((EventKind.VIEW, holding.viewed), (EventKind.CLICK, holding.clicked)):
        for (user, pin), sum_ in pairs.items():
            found.add(kind, user, NodeKind.PIN, pin, sum_.at, weight=sum_.weight)
    for (user, kind, target), at in holding.follows.items():
        found.add(EventKind.FOLLOW, user, kind, target, at)
    for kind, pairs in ((EventKind.MUTE, holding.muted), (EventKind.BOOST, holding.boosted)):
        for (user, interest), at in pairs.items():
            found.add(kind, user, NodeKind.INTEREST, interest, at)
    _add_ended(snapshot, found)
    return found.events


class _Standins:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(
        self,
        kind: EventKind,
        user: Id,
        target_kind: NodeKind,
        target: Id,
        at: TimeMs | None,
        board: Id | None = None,
        weight: float | None = None,
    ) -> None:
        id_ = EventId(f"stand-in {len(self.events)}")
        self.events.append(Event(id_, kind, user, target_kind, target, board, at, weight))


def _add_ended(snapshot: Snapshot, found: _Standins) -> None:
    users, pins = snapshot.nodes[NodeKind.USER], snapshot.nodes[NodeKind.PIN]
    boards, interests = snapshot.nodes[NodeKind.BOARD], snapshot.nodes[NodeKind.INTEREST]
    for row in snapshot.retracted("saved").to_pylist():
        user, pin = users.id_of(row["user"]), pins.id_of(row["pin"])
        board = None if row["board"] == -1 else boards.id_of(row["board"])
        found.add(EventKind.UNSAVE, user, NodeKind.PIN, pin, time_of(row["unsave_at"]), board)
        if row["save_at"] is not None:
            found.add(EventKind.SAVE, user, NodeKind.PIN, pin, time_of(row["save_at"]), board)
    for row in snapshot.retracted("follows").to_pylist():
        kind = NodeKind(row["target_kind"])
        user, target = users.id_of(row["user"]), snapshot.nodes[kind].id_of(row["target"])
        for event_kind in (EventKind.FOLLOW, EventKind.UNFOLLOW):
            if (at := row[f"{event_kind.lower()}_at"]) is not None:
                found.add(event_kind, user, kind, target, time_of(at))
    for row in snapshot.retracted("tastes").to_pylist():
        user, interest = users.id_of(row["user"]), interests.id_of(row["interest"])
        for event_kind in (EventKind.MUTE, EventKind.BOOST, EventKind.CLEAR):
            if (at := row[f"{event_kind.lower()}_at"]) is not None:
                found.add(event_kind, user, NodeKind.INTEREST, interest, time_of(at))
