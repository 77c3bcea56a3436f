"""How the edges of one node are sorted, and where a remembered edge belongs among them.

The order is the snapshot's: newest first, edges without a time last, then by the far end's id, then by what tells parallel
edges apart (a save's board, who put the pin on the board, the predicate of a relation). A key says this in times and ids,
which outlive the snapshot, never in rows: an edge that is gone, or whose node is gone, still has its place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, Final

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


class EdgeOrder:
    """The edges of one side of one snapshot. An edge is meant by where it stands in that side's own order, `at`."""

    def __init__(self, snapshot: Snapshot, side: Side) -> None:
        self._snapshot = snapshot
        self._side = side
        self._table = snapshot.links[side.link]
        self.far = (self._table.out if side.outgoing else self._table.into).indices.data
        """The row at the far end, by `at`."""

    @property
    def dated(self) -> bool:
        """Whether these edges have a time."""
        return "at" in LINKS[self._side.link].columns

    @property
    def types(self) -> tuple[tuple[type, ...], ...]:
        """What each part of a key may be."""
        dated = ((int, type(None)),) if self.dated else ()
        apart = ((str, type(None)),) if self._side.link in _APART else ()
        return (*dated, (str,), *apart)

    def column(self, name: str, at: Sequence[int]) -> list[Any]:
        """A column of the link."""
        places = np.array(at, np.int64)
        return self._table.columns[name][places if self._side.outgoing else self._table.in_edge[places]].tolist()

    def times(self, at: Sequence[int]) -> list[TimeMs | None]:
        """When edges came to hold; None where nobody knows."""
        return [None if time == NULL_TIME else TimeMs(time) for time in self.column("at", at)]

    def keys(self, at: Sequence[int]) -> list[Key]:
        """The keys of some edges."""
        parts: list[Sequence[Part]] = [self._snapshot.nodes[self._side.end].values("id", [self.far[one] for one in at])]
        if self.dated:
            parts.insert(0, self.times(at))
        if self._side.link in _APART:
            parts.append(list(self._apart(at)))
        return list(zip(*parts, strict=True))

    def place(self, at: int) -> Place:
        """Where an edge is."""
        dated = (~int(self.column("at", [at])[0]),) if self.dated else ()
        apart = self.column(_APART[self._side.link], [at]) if self._side.link in _APART else ()
        return (*dated, self.far[at], *apart)

    def place_of(self, key: Key) -> Place:
        """Where a key is, or would be: an id that is gone falls between its neighbours."""
        parts = iter(key)
        dated = (age_of(next(parts)),) if self.dated else ()
        far = self._row(self._side.end, next(parts))
        apart = (self._apart_place(next(parts)),) if self._side.link in _APART else ()
        return (*dated, far, *apart)

    def _apart(self, at: Sequence[int]) -> Iterator[str | None]:
        kind = _APART_KIND.get(self._side.link)
        for value in self.column(_APART[self._side.link], at):
            if value < 0:
                yield None
            else:
                yield self._snapshot.predicates[value] if kind is None else self._snapshot.nodes[kind].id_of(value)

    def _apart_place(self, value: Part) -> float:
        kind = _APART_KIND.get(self._side.link)
        if kind is not None:
            return self._row(kind, value)
        known, predicate = self._snapshot.predicates, str(value)
        place = bisect_left(known, predicate)
        return place if known[place : place + 1] == (predicate,) else place - 0.5

    def _row(self, kind: NodeKind, id: Part) -> float:
        if id is None:
            return -1
        table = self._snapshot.nodes[kind]
        row = table.row_of(str(id))
        return table.place_of(str(id)) - 0.5 if row is None else row


def age_of(at: Part) -> int:
    """A time as a number that sorts newest first, and a missing one last."""
    return ~(NULL_TIME if at is None else int(at))


def time_of(age: int) -> TimeMs | None:
    """What `age_of` made a number of."""
    at = ~age
    return None if at == NULL_TIME else TimeMs(at)
