"""Shortest paths between two nodes of a snapshot, by breadth-first search from both ends at once.

Edges are walked both ways, and only those that the viewer may see. A budget bounds the edges that are read: what it cut is
said, and what is returned is still shortest. Which of several parallel edges joins two nodes: the first kind in
`graph.schema.Link`, then the first in the snapshot.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from graph.adjacency import Edge, NodeRef, Side, around, edge_at, sides_at
from graph.errors import InvalidInputError
from graph.model import NodeKind
from graph.neighbourhood import EDGES_READ_MAX
from graph.schema import Link
from graph.snapshot import Snapshot
from graph.visibility import Visibility

HOPS_MAX: Final = 8
PATHS_MAX: Final = 100

_KINDS: Final = tuple(NodeKind)
_SIDES: Final = tuple(Side(link, outgoing) for link in Link for outgoing in (True, False))
_Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Path:
    """Nodes from start to end, and the edge between each two, in its stored direction."""

    nodes: tuple[NodeRef, ...]
    edges: tuple[Edge, ...]

    def __len__(self) -> int:
        """Hops."""
        return len(self.edges)


@dataclass(frozen=True, slots=True)
class Paths(Sequence[Path]):
    """Shortest paths, ordered by their nodes (kind, then row, from the start on).

    `more`: there are more than the limit. `cut`: the budget of edges ended first, so that paths may be missing; those that
    are here are shortest all the same.
    """

    found: tuple[Path, ...]
    more: bool = False
    cut: bool = False

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Path]: ...
    def __getitem__(self, index: int | slice) -> Path | Sequence[Path]:
        return self.found[index]


def shortest_paths(
    snapshot: Snapshot,
    start: NodeRef,
    end: NodeRef,
    *,
    max_hops: int,
    visible: Visibility,
    links: Collection[Link] | None = None,
    first: int = 10,
    edges_max: int = EDGES_READ_MAX,
) -> Paths:
    """At most `first` of the shortest paths of up to `max_hops` edges; none where either end is invisible or too far.

    From a node to itself there is one path, of no edges. `edges_max` bounds the edges that are read. Raises InvalidInputError
    when `max_hops` is not 0 to HOPS_MAX or `first` not 1 to PATHS_MAX.
    """
    if not 0 <= max_hops <= HOPS_MAX:
        raise InvalidInputError(f"maxHops is {max_hops}; give 0 to {HOPS_MAX}")
    if not 1 <= first <= PATHS_MAX:
        raise InvalidInputError(f"first is {first}; give 1 to {PATHS_MAX} paths")
    if not (visible.node(*start) and visible.node(*end)):
        return Paths(())
    if start == end:
        return Paths((Path((start,), ()),))
    return _Search(visible, links, edges_max).run(start, end, max_hops, first)


@dataclass(frozen=True, slots=True)
class _Hops:
    """Edges from one level of a search to the next, as parallel arrays; nodes by number (`_Search.number`)."""

    parent: _Numbers
    child: _Numbers
    side: NDArray[np.int8]
    edge: _Numbers

    def take(self, mask: NDArray[np.bool_]) -> _Hops:
        return _Hops(self.parent[mask], self.child[mask], self.side[mask], self.edge[mask])


class _Front:
    """One end's search: its levels so far."""

    def __init__(self, start: int) -> None:
        self.level: _Numbers = np.array([start], np.int64)
        self.seen: _Numbers = self.level
        self.hops: list[_Hops] = []


class _Search:
    def __init__(self, visible: Visibility, links: Collection[Link] | None, edges_max: int) -> None:
        self._visible = visible
        self._links = links
        sizes = [len(visible.snapshot.nodes[kind]) for kind in _KINDS]
        self._first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._budget = edges_max
        self._cut = False

    def number(self, ref: NodeRef) -> int:
        """One number a node over all kinds, in the order of (kind, row)."""
        return int(self._first[_KINDS.index(ref[0])]) + ref[1]

    def ref(self, number: int) -> NodeRef:
        kind = int(np.searchsorted(self._first, number, side="right")) - 1
        return _KINDS[kind], number - int(self._first[kind])

    def run(self, start: NodeRef, end: NodeRef, max_hops: int, first: int) -> Paths:
        ahead, back = _Front(self.number(start)), _Front(self.number(end))
        for _ in range(max_hops):
            front = ahead if self._cost(ahead) <= self._cost(back) else back
            self._grow(front)
            meeting = np.intersect1d(ahead.level, back.level)
            if len(meeting):
                hops = self._between(ahead, back, meeting)
                return self._paths(hops, self.number(start), self.number(end), first)
            if not len(front.level) or self._cut:
                break
        return Paths((), cut=self._cut)

    def _by_kind(self, level: _Numbers) -> Iterator[tuple[NodeKind, NDArray[np.int32]]]:
        bounds = np.searchsorted(level, self._first)
        for place, kind in enumerate(_KINDS):
            if bounds[place] < bounds[place + 1]:
                yield kind, (level[bounds[place] : bounds[place + 1]] - self._first[place]).astype(np.int32)

    def _cost(self, front: _Front) -> int:
        """Edges that one more level of this end would read."""
        cost = 0
        for kind, rows in self._by_kind(front.level):
            for side in sides_at(kind, self._links):
                table = self._visible.snapshot.links[side.link]
                csr = table.out if side.outgoing else table.into
                cost += int((csr.indptr[rows.astype(np.int64) + 1] - csr.indptr[rows]).sum())
        return cost

    def _grow(self, front: _Front) -> None:
        parts: list[_Hops] = []
        for kind, rows in self._by_kind(front.level):
            parent_at = self._first[_KINDS.index(kind)]
            for side in sides_at(kind, self._links):
                found = around(self._visible, side, rows, self._budget)
                self._budget -= found.read
                self._cut |= found.unread
                parts.append(
                    _Hops(
                        parent_at + rows[found.place],
                        self._first[_KINDS.index(side.end)] + found.other,
                        np.full(len(found.other), _SIDES.index(side), np.int8),
                        found.edge,
                    )
                )
        hops = _joined(parts)
        hops = hops.take(~np.isin(hops.child, front.seen))
        front.level = np.unique(hops.child)
        front.seen = np.union1d(front.seen, front.level)
        front.hops.append(hops)

    def _between(self, ahead: _Front, back: _Front, meeting: _Numbers) -> list[_Hops]:
        """Only the hops that lie on a path, from the start to the end."""
        before: list[_Hops] = []
        alive = meeting
        for hops in reversed(ahead.hops):
            kept = hops.take(np.isin(hops.child, alive))
            alive = np.unique(kept.parent)
            before.append(kept)
        after: list[_Hops] = []
        alive = meeting
        for hops in reversed(back.hops):
            kept = hops.take(np.isin(hops.child, alive))
            alive = np.unique(kept.parent)
            # Seen from the start, the far end's search runs backwards: the side is the opposite one (its neighbour).
            after.append(_Hops(kept.child, kept.parent, kept.side ^ 1, kept.edge))
        return [*reversed(before), *after]

    def _paths(self, levels: list[_Hops], start: int, end: int, first: int) -> Paths:
        steps = [self._steps(hops) for hops in levels]
        found: list[Path] = []
        stack: list[tuple[int, tuple[NodeRef, ...], tuple[Edge, ...]]] = [(start, (self.ref(start),), ())]
        while stack:
            here, nodes, edges = stack.pop()
            if here == end:
                if len(found) == first:
                    return Paths(tuple(found), more=True, cut=self._cut)
                found.append(Path(nodes, edges))
                continue
            for child, edge in reversed(steps[len(edges)][here]):
                stack.append((child, (*nodes, self.ref(child)), (*edges, edge)))
        return Paths(tuple(found), cut=self._cut)

    def _steps(self, hops: _Hops) -> dict[int, list[tuple[int, Edge]]]:
        """For each node of a level the next ones in order, each by the first of its parallel edges."""
        order = np.lexsort((hops.edge, hops.side >> 1, hops.child, hops.parent))
        steps: dict[int, list[tuple[int, Edge]]] = {}
        for at in order.tolist():
            parent, child = int(hops.parent[at]), int(hops.child[at])
            onward = steps.setdefault(parent, [])
            if not onward or onward[-1][0] != child:
                here, other = self.ref(parent)[1], self.ref(child)[1]
                side = _SIDES[hops.side[at]]
                onward.append((child, edge_at(self._visible.snapshot, side, here, other, int(hops.edge[at]))))
        return steps


def _joined(parts: list[_Hops]) -> _Hops:
    if not parts:
        empty = np.empty(0, np.int64)
        return _Hops(empty, empty, np.empty(0, np.int8), empty)
    return _Hops(
        np.concatenate([p.parent for p in parts]),
        np.concatenate([p.child for p in parts]),
        np.concatenate([p.side for p in parts]),
        np.concatenate([p.edge for p in parts]),
    )
