"""Pages of nodes' edges, as the viewer may see them: rows of the snapshot, no GraphQL.

A page is found by bisection on the sort key (`gql.order`), so that it starts where it should when edges were inserted or are
gone. What the viewer may not see is neither returned nor counted.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gql.order import EdgeOrder, Hop, Place
from graph.adjacency import Side
from graph.visibility import Visibility

COUNT_EDGES_MAX: Final = 10_000
"""Edges that are looked at to count those that the viewer may see; beyond it there is no count."""


class Page(NamedTuple):
    """Some edges in order, and whether there are more after them."""

    hops: list[Hop]
    more: bool


class EdgeReader:
    """Reads the edges of one side: of any node, a page at a time."""

    def __init__(self, visible: Visibility, side: Side) -> None:
        table = visible.snapshot.links[side.link]
        csr = table.out if side.outgoing else table.into
        self.order = EdgeOrder(visible.snapshot, side)
        self._visible = visible
        self._all = visible.all_edges(side.link)
        # As a view, whose items are Python's own numbers: numpy's cost more to make than all else here.
        self._indptr = csr.indptr.data
        self._far = csr.indices
        self._edge = None if side.outgoing else table.in_edge

    def page(self, row: int, first: int, after: Place | None = None) -> Page:
        """At most `first` visible edges of a node: the first ones, or those after a place (`EdgeOrder.place_of` a key)."""
        start, end = self._indptr[row], self._indptr[row + 1]
        if after is not None:
            start = bisect_right(
                range(end), after, lo=start, key=lambda at: self.order.place(self._hops(at, at + 1)[0])
            )
        if self._all:
            return Page(self._hops(start, min(start + first, end)), end - start > first)
        return self._seen_page(row, start, end, first)

    def count(self, row: int) -> int | None:
        """How many edges of a node the viewer sees; None where counting them would cost too much."""
        start, end = self._indptr[row], self._indptr[row + 1]
        if self._all:
            return end - start
        return len(self._seen(row, start, end)) if end - start <= COUNT_EDGES_MAX else None

    def _hops(self, start: int, end: int) -> list[Hop]:
        edge = range(start, end) if self._edge is None else self._edge[start:end].tolist()
        return list(zip(self._far[start:end].tolist(), edge, strict=True))

    def _seen_page(self, row: int, place: int, end: int, first: int) -> Page:
        hops: list[Hop] = []
        # Where little is visible, ever larger runs keep the number of array operations small.
        run = first + 1
        while place < end and len(hops) <= first:
            hops += self._seen(row, place, min(place + run, end))
            place, run = place + run, run * 4
        return Page(hops[:first], len(hops) > first)

    def _seen(self, row: int, start: int, end: int) -> list[Hop]:
        hops = self._hops(start, end)
        mask = self._mask(row, start, end)
        return hops if mask is None else [hop for hop, seen in zip(hops, mask.tolist(), strict=True) if seen]

    def _mask(self, row: int, start: int, end: int) -> NDArray[np.bool_] | None:
        side, far = self.order.side, self._far[start:end]
        edge = np.arange(start, end) if self._edge is None else self._edge[start:end].astype(np.int64)
        here = np.full(len(far), row, np.int32)
        source, target = (here, far) if side.outgoing else (far, here)
        return self._visible.edges(side.link, edge, source, target)
