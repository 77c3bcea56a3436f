"""Pages of nodes' edges, as the viewer may see them: places in the snapshot, no GraphQL.

A page is found by bisection on the sort key (`gql.order`), so that it starts where it should when edges were inserted or are
gone. What the viewer may not see is neither returned nor counted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gql.order import EdgeOrder, Place
from graph.adjacency import Side
from graph.visibility import Visibility

COUNT_EDGES_MAX: Final = 10_000
"""Edges that are looked at to count those that the viewer may see; beyond it there is no count."""

Page = tuple[Sequence[int], bool]
"""Where some edges stand in their side's order, and whether there are more after them."""


class EdgeReader:
    """Reads the edges of one side: of any node, a page at a time."""

    def __init__(self, visible: Visibility, side: Side) -> None:
        self.side = side
        self._visible = visible
        self._table = visible.snapshot.links[side.link]
        self._csr = self._table.out if side.outgoing else self._table.into
        # As a view, whose items are Python's own numbers: numpy's cost more to make than all else here.
        self._indptr = self._csr.indptr.data
        self._all = visible.all_edges(side.link)

    @property
    def order(self) -> EdgeOrder:
        """The order of the edges, for who has a cursor to read or to write."""
        return EdgeOrder(self._visible.snapshot, self.side)

    def page(self, row: int, first: int, after: Place | None = None) -> Page:
        """At most `first` visible edges of a node: the first ones, or those after a place (`EdgeOrder.place_of` a key)."""
        start, end = self._indptr[row], self._indptr[row + 1]
        if after is not None:
            start = bisect_right(range(end), after, lo=start, key=self.order.place)
        if self._all:
            return range(start, min(start + first, end)), end - start > first
        return self._seen_page(row, start, end, first)

    def count(self, row: int) -> int | None:
        """How many edges of a node the viewer sees; None where counting them would cost too much."""
        start, end = self._indptr[row], self._indptr[row + 1]
        if self._all:
            return end - start
        return len(self._seen(row, start, end)) if end - start <= COUNT_EDGES_MAX else None

    def _seen_page(self, row: int, at: int, end: int, first: int) -> Page:
        seen: list[int] = []
        # Where little is visible, ever larger runs keep the number of array operations small.
        run = first + 1
        while at < end and len(seen) <= first:
            seen += self._seen(row, at, min(at + run, end))
            at, run = at + run, run * 4
        return seen[:first], len(seen) > first

    def _seen(self, row: int, start: int, end: int) -> Sequence[int]:
        mask = self._mask(row, start, end)
        return range(start, end) if mask is None else (np.flatnonzero(mask) + start).tolist()

    def _mask(self, row: int, start: int, end: int) -> NDArray[np.bool_] | None:
        side, far = self.side, self._csr.indices[start:end]
        edge = np.arange(start, end) if side.outgoing else self._table.in_edge[start:end].astype(np.int64)
        here = np.full(len(far), row, np.int32)
        source, target = (here, far) if side.outgoing else (far, here)
        return self._visible.edges(side.link, edge, source, target)
