"""Pages of one node's edges, as the viewer may see them: rows of the snapshot, no GraphQL.

A page is found by bisection on the sort key (`gql.order`), so that it starts where it should when edges were inserted or are
gone. What the viewer may not see is neither returned nor counted.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gql.order import EdgeOrder, Hop, Place
from graph.adjacency import Side
from graph.visibility import Visibility

COUNT_EDGES_MAX: Final = 10_000
"""Edges that are looked at to count those that the viewer may see; beyond it there is no count."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some edges in order, and whether there are more after them."""

    hops: list[Hop]
    more: bool


class EdgeList:
    """All edges of one side at one node, read a page at a time."""

    def __init__(self, visible: Visibility, side: Side, row: int) -> None:
        table = visible.snapshot.links[side.link]
        csr = table.out if side.outgoing else table.into
        self.order = EdgeOrder(visible.snapshot, side)
        self._visible = visible
        self._row = row
        self._far = csr.indices
        self._edge = None if side.outgoing else table.in_edge
        self._start, self._end = int(csr.indptr[row]), int(csr.indptr[row + 1])

    def page(self, first: int, after: Place | None = None) -> Page:
        """At most `first` visible edges: the first ones, or those after a place (`EdgeOrder.place_of` a key)."""
        start = self._start
        if after is not None:
            start = bisect_right(range(self._end), after, lo=start, key=lambda at: self.order.place(self._hop(at)))
        return self._page_from(start, first)

    def count(self) -> int | None:
        """How many edges the viewer sees here; None where counting them would cost too much."""
        total = self._end - self._start
        if self._mask(*self._read(self._start, self._start)) is None:
            return total
        return len(self._seen(self._start, self._end)) if total <= COUNT_EDGES_MAX else None

    def _page_from(self, place: int, first: int) -> Page:
        hops: list[Hop] = []
        # Where little is visible, ever larger runs keep the number of array operations small.
        run = first + 1
        while place < self._end and len(hops) <= first:
            hops += self._seen(place, min(place + run, self._end))
            place, run = place + run, run * 4
        return Page(hops[:first], len(hops) > first)

    def _hop(self, place: int) -> Hop:
        return Hop(int(self._far[place]), place if self._edge is None else int(self._edge[place]))

    def _seen(self, start: int, end: int) -> list[Hop]:
        far, edge = self._read(start, end)
        mask = self._mask(far, edge)
        if mask is not None:
            far, edge = far[mask], edge[mask]
        return [Hop(*pair) for pair in zip(far.tolist(), edge.tolist(), strict=True)]

    def _read(self, start: int, end: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        edge = np.arange(start, end) if self._edge is None else self._edge[start:end].astype(np.int64)
        return self._far[start:end], edge

    def _mask(self, far: NDArray[np.int32], edge: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        side = self.order.side
        here = np.full(len(far), self._row, np.int32)
        source, target = (here, far) if side.outgoing else (far, here)
        return self._visible.edges(side.link, edge, source, target)
