"""The visible edges around many nodes at once, from CSR arrays: what every traversal of a snapshot is made of.

Vectorised over the nodes asked for; reads a bounded number of edges. Knows nothing of paths or distances.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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

    Parallel arrays: `place` is the index of the node in the rows asked for, `rank` the edge's place in that node's list,
    `other` the row at the far end, `edge` its place in the outgoing order.
    """

    side: Side
    place: NDArray[np.int64]
    rank: NDArray[np.int64]
    other: NDArray[np.int32]
    edge: NDArray[np.int64]
    read: int
    """Edges that were read, visible or not."""
    unread: bool
    """Whether the budget left some unread."""

    def take(self, mask: NDArray[np.bool_]) -> Around:
        """Only the edges where the mask is true."""
        return Around(
            self.side, self.place[mask], self.rank[mask], self.other[mask], self.edge[mask], self.read, self.unread
        )


def around(visible: Visibility, side: Side, rows: NDArray[np.int32], budget: int) -> Around:
    """The visible edges of one side at some rows; reads at most `budget` edges, in the order of the rows."""
    table = visible.snapshot.links[side.link]
    if side.link in PRIVATE_LINKS and not visible.viewer.admin:
        return _own(visible, table, side, rows, budget)
    found = _read(table.out if side.outgoing else table.into, side, rows, budget)
    if not side.outgoing:
        found = Around(
            side,
            found.place,
            found.rank,
            found.other,
            table.in_edge[found.edge].astype(np.int64),
            found.read,
            found.unread,
        )
    here = rows[found.place]
    source, target = (here, found.other) if side.outgoing else (found.other, here)
    seen = visible.edges(side.link, found.edge, source, target)
    return found if seen is None else found.take(seen)


def _read(csr: Csr, side: Side, rows: NDArray[np.int32], budget: int) -> Around:
    start = csr.indptr[rows]
    count = csr.indptr[rows.astype(np.int64) + 1] - start
    before = np.cumsum(count) - count
    unread = bool(len(rows)) and int(before[-1] + count[-1]) > budget
    if unread:
        count = np.clip(budget - before, 0, count)
        before = np.cumsum(count) - count
    place = np.repeat(np.arange(len(rows)), count)
    rank = np.arange(len(place)) - before[place]
    edge = start[place] + rank
    return Around(side, place, rank, csr.indices[edge], edge, len(place), unread)


def _own(visible: Visibility, table: LinkTable, side: Side, rows: NDArray[np.int32], budget: int) -> Around:
    """A private link: only the viewer's own edges, found from the viewer's side, so that a hub's list is never read."""
    me = visible.viewer.user_row
    mine = np.array([] if me is None else [me], np.int32)
    found = _read(table.out, Side(table.link, outgoing=True), mine, budget)
    if side.outgoing:
        at = np.flatnonzero(rows == (-1 if me is None else me))
        if not len(at):
            found = found.take(np.zeros(len(found.edge), np.bool_))
        return Around(side, np.full(len(found.edge), at[0] if len(at) else 0), found.rank, found.other, found.edge,
                      found.read, found.unread)  # fmt: skip
    order = np.argsort(rows, kind="stable")
    place = np.minimum(np.searchsorted(rows[order], found.other), max(len(rows) - 1, 0))
    hit = rows[order][place] == found.other if len(rows) else np.zeros(len(found.other), np.bool_)
    place, edge = order[place[hit]] if len(rows) else place[hit], found.edge[hit]
    by_place = np.lexsort((edge, place))
    place, edge = place[by_place], edge[by_place]
    rank = np.arange(len(place)) - np.searchsorted(place, place)
    other = np.full(len(place), 0 if me is None else me, np.int32)
    return Around(side, place, rank, other, edge, found.read, found.unread)


def edge_at(snapshot: Snapshot, side: Side, here: int, other: int, edge: int) -> Edge:
    """One edge that `around` found, in its stored direction."""
    kinds = LINKS[side.link]
    source, target = (here, other) if side.outgoing else (other, here)
    return Edge(side.link, (kinds.source, source), (kinds.target, target), edge)
