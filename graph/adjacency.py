"""The visible edges around many nodes at once, from CSR arrays: what every traversal of a snapshot is made of.

Vectorised over the nodes asked for; reads a bounded number of edges. Knows nothing of paths or distances.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graph.model import NodeKind
from graph.schema import LINKS, Link
from graph.snapshot import Csr, LinkTable, Snapshot
from graph.visibility import PRIVATE_LINKS, Visibility

NodeRef = tuple[NodeKind, int]
"""A node of a snapshot: its kind and its row."""

KIND_ORDER: Final = {kind: place for place, kind in enumerate(NodeKind)}
LINK_ORDER: Final = {link: place for place, link in enumerate(Link)}


class Edge(NamedTuple):
    """An edge of a snapshot in its stored direction. `place` is where it is in the outgoing order: its columns are there."""

    link: Link
    source: NodeRef
    target: NodeRef
    place: int


class Side(NamedTuple):
    """One way along one kind of edge."""

    link: Link
    outgoing: bool

    @property
    def start(self) -> NodeKind:
        return LINKS[self.link].source if self.outgoing else LINKS[self.link].target

    @property
    def end(self) -> NodeKind:
        return LINKS[self.link].target if self.outgoing else LINKS[self.link].source


def sides(links: Collection[Link] | None) -> tuple[Side, ...]:
    """Both ways along each link, in a fixed order; None is all links."""
    return tuple(Side(link, outgoing) for link in Link if links is None or link in links for outgoing in (True, False))


def sides_at(kind: NodeKind, links: Collection[Link] | None) -> tuple[Side, ...]:
    """The sides that start at a kind of node."""
    return tuple(side for side in sides(links) if side.start is kind)


@dataclass(frozen=True, slots=True)
class Around:
    """Visible edges around some nodes, by node and then in CSR order (newest first).

    Parallel arrays: `place` is the index of the node in the rows asked for, ascending; `other` the row at the far end; `edge`
    its place in the outgoing order.
    """

    side: Side
    place: NDArray[np.int64]
    other: NDArray[np.int32]
    edge: NDArray[np.int64]
    read: int
    """Edges that were read, visible or not."""
    unread: bool
    """Whether the budget left some unread."""

    def take(self, mask: NDArray[np.bool_]) -> Around:
        """Only the edges where the mask is true."""
        return replace(self, place=self.place[mask], other=self.other[mask], edge=self.edge[mask])

    def ranks(self) -> NDArray[np.int64]:
        """(edges,): each edge's place among the edges of its node that are here, from 0."""
        return np.arange(len(self.place)) - np.searchsorted(self.place, self.place)


def around(visible: Visibility, side: Side, rows: NDArray[np.int32], budget: int) -> Around:
    """The visible edges of one side at some rows (distinct, ascending); reads at most `budget` edges, in that order."""
    table = visible.snapshot.links[side.link]
    if side.link in PRIVATE_LINKS and not visible.viewer.admin:
        return _own(visible, table, side, rows, budget)
    found = _read(table.out if side.outgoing else table.into, side, rows, budget)
    if not side.outgoing:
        found = replace(found, edge=table.in_edge[found.edge].astype(np.int64))
    here = rows[found.place]
    source, target = (here, found.other) if side.outgoing else (found.other, here)
    seen = visible.edges(side.link, found.edge, source, target)
    return found if seen is None else found.take(seen)


def _read(csr: Csr, side: Side, rows: NDArray[np.int32], budget: int) -> Around:
    """All edges of some rows; `edge` is the place in this CSR."""
    start = csr.indptr[rows]
    count = csr.indptr[rows.astype(np.int64) + 1] - start
    before = np.cumsum(count) - count
    unread = bool(len(rows)) and int(before[-1] + count[-1]) > budget
    if unread:
        count = np.clip(budget - before, 0, count)
        before = np.cumsum(count) - count
    place = np.repeat(np.arange(len(rows)), count)
    edge = start[place] + np.arange(len(place)) - before[place]
    return Around(side, place, csr.indices[edge], edge, len(place), unread)


def _own(visible: Visibility, table: LinkTable, side: Side, rows: NDArray[np.int32], budget: int) -> Around:
    """A private link: only the viewer's own edges, found from the viewer's side, so that a hub's list is never read."""
    me = visible.viewer.user_row
    mine = np.array([] if me is None else [me], np.int32)
    if side.outgoing:
        mine = mine[np.isin(mine, rows)]
        found = _read(table.out, side, mine, budget)
        return replace(found, place=np.searchsorted(rows, mine)[found.place])
    found = _read(table.out, side, mine, budget)
    hit = np.isin(found.other, rows)
    place, edge = np.searchsorted(rows, found.other[hit]), found.edge[hit]
    order = np.lexsort((edge, place))
    other = np.repeat(mine, len(order)) if len(mine) else found.other
    return replace(found, place=place[order], other=other, edge=edge[order])


def edge_at(snapshot: Snapshot, side: Side, here: int, other: int, edge: int) -> Edge:
    """One edge that `around` found, in its stored direction."""
    kinds = LINKS[side.link]
    source, target = (here, other) if side.outgoing else (other, here)
    return Edge(side.link, (kinds.source, source), (kinds.target, target), edge)
