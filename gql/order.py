"""How the edges of one node are sorted, and where a remembered edge belongs among them.

The order is the snapshot's: newest first, edges without a time last, then by the far end's id, then by what tells parallel
edges apart (a save's board, who put the pin on the board, the predicate of a relation). A key says this in times and ids,
which outlive the snapshot, never in rows: an edge that is gone, or whose node is gone, still has its place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gql.cursors import Part
from graph.adjacency import Side
from graph.model import NodeKind, TimeMs
from graph.ports import NULL_TIME
from graph.schema import LINKS, Link
from graph.snapshot import Snapshot

Key = tuple[Part, ...]
"""(time if the link has one, far id, what tells parallel edges apart if anything does)."""
Place = tuple[float, ...]
"""A key in numbers that sort as the snapshot does: (age, far row, row or place of what tells parallel edges apart)."""

_APART: Final[dict[Link, str]] = {Link.SAVED: "board", Link.HOLDS: "by", Link.RELATES: "predicate"}
"""The column that tells parallel edges of a link apart."""
_APART_KIND: Final[dict[Link, NodeKind]] = {Link.SAVED: NodeKind.BOARD, Link.HOLDS: NodeKind.USER}
"""The kind of node whose row that column holds; RELATES holds the place of a predicate."""


Hop = tuple[int, int]
"""An edge as seen from one of its ends: the row at the other end, and its place in the link's outgoing order, where its columns
are. A plain pair: pages make hundreds of them."""


def times_of(snapshot: Snapshot, link: Link, edges: Sequence[int]) -> list[TimeMs | None]:
    """When edges came to hold, by their places in the outgoing order; None where nobody knows."""
    at = snapshot.links[link].columns["at"][np.array(edges, np.int64)].tolist()
    return [None if time == NULL_TIME else TimeMs(time) for time in at]


@dataclass(frozen=True, slots=True)
class EdgeOrder:
    """The order of the edges of one side at a node of one snapshot."""

    snapshot: Snapshot
    side: Side

    @property
    def dated(self) -> bool:
        """Whether these edges have a time."""
        return "at" in LINKS[self.side.link].columns

    @property
    def types(self) -> tuple[tuple[type, ...], ...]:
        """What each part of a key may be."""
        dated = ((int, type(None)),) if self.dated else ()
        apart = ((str, type(None)),) if self.side.link in _APART else ()
        return (*dated, (str,), *apart)

    def keys(self, hops: Sequence[Hop]) -> list[Key]:
        """The keys of some edges."""
        edges = [hop[1] for hop in hops]
        parts: list[Sequence[Part]] = [self.snapshot.nodes[self.side.end].values("id", [hop[0] for hop in hops])]
        if self.dated:
            parts.insert(0, times_of(self.snapshot, self.side.link, edges))
        if self.side.link in _APART:
            parts.append(list(self._apart(edges)))
        return list(zip(*parts, strict=True))

    def place(self, hop: Hop) -> Place:
        """Where an edge is."""
        far, edge = hop
        link = self.side.link
        columns = self.snapshot.links[link].columns
        dated = (~int(columns["at"][edge]),) if self.dated else ()
        apart = (int(columns[_APART[link]][edge]),) if link in _APART else ()
        return (*dated, far, *apart)

    def place_of(self, key: Key) -> Place:
        """Where a key is, or would be: an id that is gone falls between its neighbours."""
        parts = iter(key)
        dated = (age_of(next(parts)),) if self.dated else ()
        far = self._row(self.side.end, next(parts))
        apart = (self._apart_place(next(parts)),) if self.side.link in _APART else ()
        return (*dated, far, *apart)

    def _apart(self, edges: Sequence[int]) -> Iterator[str | None]:
        link = self.side.link
        values = self.snapshot.links[link].columns[_APART[link]][np.array(edges, np.int64)].tolist()
        kind = _APART_KIND.get(link)
        for value in values:
            if value < 0:
                yield None
            else:
                yield self.snapshot.predicates[value] if kind is None else self.snapshot.nodes[kind].id_of(value)

    def _apart_place(self, value: Part) -> float:
        kind = _APART_KIND.get(self.side.link)
        if kind is not None:
            return self._row(kind, value)
        known, predicate = self.snapshot.predicates, str(value)
        place = bisect_left(known, predicate)
        return place if known[place : place + 1] == (predicate,) else place - 0.5

    def _row(self, kind: NodeKind, id: Part) -> float:
        if id is None:
            return -1
        table = self.snapshot.nodes[kind]
        row = table.row_of(str(id))
        return table.place_of(str(id)) - 0.5 if row is None else row


def age_of(at: Part) -> int:
    """A time as a number that sorts newest first, and a missing one last."""
    return ~(NULL_TIME if at is None else int(at))
