"""The bounded k-hop neighbourhood of a node: who is near, over which edges, and what was left out.

Edges are walked both ways. Where everything fits, the nodes are exactly those within `hops` of the centre; where it does not,
each level's room is shared out between kinds of edges, so that a pin's thousand savers do not crowd out its boards and
interests. Nothing that the viewer may not see is walked, returned or counted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.adjacency import KIND_ORDER, Around, Edge, NodeRef, Side, around, edge_at, sides_at
from graph.errors import InvalidInputError
from graph.model import NodeKind
from graph.schema import Link
from graph.snapshot import Snapshot
from graph.visibility import Visibility

HOPS_MAX: Final = 6
NODES_MAX: Final = 10_000
EDGES_READ_MAX: Final = 1_000_000
"""Edges one call reads at most: some tens of milliseconds, however large the hubs on its way."""

_Rows = dict[NodeKind, NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Near:
    """A node and its distance from the centre, in hops."""

    kind: NodeKind
    row: int
    distance: int


@dataclass(frozen=True, slots=True)
class Cut:
    """What was left out around one node: so many of its visible edges of one kind lead to nodes that were not returned.

    `unread`: the budget ended inside this list, and the counts are of what was read.
    """

    node: NodeRef
    link: Link
    outgoing: bool
    left_out: int
    of: int
    unread: bool = False

    def text(self, snapshot: Snapshot) -> str:
        """For a person: `SAVED into Pin 50: 3,201 of 3,301 left out`."""
        kind, row = self.node
        way = "out of" if self.outgoing else "into"
        more = "at least " if self.unread else ""
        id_ = snapshot.nodes[kind].id_of(row)
        return f"{self.link} {way} {kind} {id_}: {more}{self.left_out:,} of {self.of:,} left out"


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Nodes by distance, then kind, then row; visible edges among them by kind and place; and what was cut."""

    nodes: tuple[Near, ...]
    edges: tuple[Edge, ...]
    cut: tuple[Cut, ...]


def neighbourhood(
    snapshot: Snapshot,
    kind: NodeKind,
    row: int,
    *,
    hops: int,
    first: int,
    links: Collection[Link] | None,
    visible: Visibility,
) -> Neighbourhood:
    """At most `first` nodes within `hops` of a node, itself included, over some kinds of edges (None: all).

    Empty where the viewer may not see the node, as where there is none. Raises InvalidInputError when `hops` is not 0 to
    HOPS_MAX, or `first` not 1 to NODES_MAX.
    """
    if not 0 <= hops <= HOPS_MAX:
        raise InvalidInputError(f"hops is {hops}; give 0 to {HOPS_MAX}")
    if not 1 <= first <= NODES_MAX:
        raise InvalidInputError(f"first is {first}; give 1 to {NODES_MAX} nodes")
    if not visible.node(kind, row):
        return Neighbourhood((), (), ())
    found = _Found(kind, row)
    budget = EDGES_READ_MAX
    walked: list[tuple[NDArray[np.int32], Around]] = []
    for distance in range(1, hops + 1):
        level: list[tuple[NDArray[np.int32], Around]] = []
        for here, rows in found.frontier.items():
            for side in sides_at(here, links):
                reached = around(visible, side, rows, budget)
                budget -= reached.read
                level.append((rows, reached))
        found.grow(_share([r for _, r in level], found, first - len(found.nodes)), distance)
        walked += level
    members = found.members()
    edges = _edges_among(visible, members, links)
    return Neighbourhood(tuple(found.in_order()), edges, tuple(_cuts(walked, members)))


class _Found:
    """The nodes so far, and those of the latest level."""

    def __init__(self, kind: NodeKind, row: int) -> None:
        self.nodes: dict[NodeRef, int] = {(kind, row): 0}
        self.frontier: _Rows = {kind: np.array([row], np.int32)}

    def grow(self, refs: list[NodeRef], distance: int) -> None:
        by_kind: dict[NodeKind, list[int]] = {}
        for ref in refs:
            self.nodes[ref] = distance
            by_kind.setdefault(ref[0], []).append(ref[1])
        self.frontier = {kind: np.array(sorted(by_kind[kind]), np.int32) for kind in NodeKind if kind in by_kind}

    def members(self) -> _Rows:
        rows: dict[NodeKind, list[int]] = {}
        for kind, row in self.nodes:
            rows.setdefault(kind, []).append(row)
        return {kind: np.array(sorted(rows[kind]), np.int32) for kind in NodeKind if kind in rows}

    def in_order(self) -> list[Near]:
        near = [Near(kind, row, distance) for (kind, row), distance in self.nodes.items()]
        return sorted(near, key=lambda n: (n.distance, KIND_ORDER[n.kind], n.row))


def _share(level: list[Around], found: _Found, room: int) -> list[NodeRef]:
    """New nodes of a level, at most `room`: one from each kind of edge in turn, newest first."""
    if room <= 0:
        return []
    queues: list[tuple[NodeKind, list[int]]] = []
    for reached in level:
        # By rank before node, so that one hub of the frontier does not take the whole share of its kind of edge.
        order = np.lexsort((reached.place, reached.ranks()))
        others = reached.other[order]
        _, at = np.unique(others, return_index=True)
        queues.append((reached.side.end, others[np.sort(at)].tolist()[::-1]))
    taken: dict[NodeRef, None] = {}
    while queues and len(taken) < room:
        for kind, rows in queues:
            while rows and ((kind, rows[-1]) in taken or (kind, rows[-1]) in found.nodes):
                rows.pop()
            if rows and len(taken) < room:
                taken[kind, rows.pop()] = None
        queues = [(kind, rows) for kind, rows in queues if rows]
    return list(taken)


def _cuts(walked: list[tuple[NDArray[np.int32], Around]], members: _Rows) -> list[Cut]:
    cuts: list[Cut] = []
    for rows, reached in walked:
        side = reached.side
        total = np.bincount(reached.place, minlength=len(rows))
        away = ~_is_in(reached.other, members.get(side.end))
        left_out = np.bincount(reached.place[away], minlength=len(rows))
        last = len(rows) - 1
        for place in np.flatnonzero(left_out).tolist():
            unread = reached.unread and place == last
            node = (side.start, int(rows[place]))
            cuts.append(Cut(node, side.link, side.outgoing, int(left_out[place]), int(total[place]), unread))
        if reached.unread and not left_out[last]:
            cuts.append(Cut((side.start, int(rows[last])), side.link, side.outgoing, 0, int(total[last]), unread=True))
    return cuts


def _is_in(rows: NDArray[np.int32], members: NDArray[np.int32] | None) -> NDArray[np.bool_]:
    if members is None or not len(members):
        return np.zeros(len(rows), np.bool_)
    place = np.minimum(np.searchsorted(members, rows), len(members) - 1)
    return members[place] == rows


def _edges_among(visible: Visibility, members: _Rows, links: Collection[Link] | None) -> tuple[Edge, ...]:
    edges: list[tuple[Side, NDArray[np.int32], Around]] = []
    budget = EDGES_READ_MAX
    for kind, rows in members.items():
        for side in sides_at(kind, links):
            if side.outgoing and side.end in members:
                reached = around(visible, side, rows, budget)
                budget -= reached.read
                edges.append((side, rows, reached.take(_is_in(reached.other, members[side.end]))))
    edges.sort(key=lambda found: list(Link).index(found[0].link))
    return tuple(
        edge_at(visible.snapshot, side, int(rows[place]), int(other), int(edge))
        for side, rows, reached in edges
        for place, other, edge in zip(reached.place, reached.other, reached.edge, strict=True)
    )
