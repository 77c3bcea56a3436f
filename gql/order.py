"""How the edges of one node are sorted, and where a remembered edge belongs among them.

The order is the snapshot's: newest first, edges without a time last, then by the far end's id, then by what tells parallel
edges apart (a save's board, who put the pin on the board, the predicate of a relation). A key says this in times and ids,
which outlive the snapshot, never in rows: an edge that is gone, or whose node is gone, still has its place.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, NamedTuple

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


class Hop(NamedTuple):
    """An edge as seen from one of its ends."""

    far: int
    """Row at the other end."""
    edge: int
    """Its place in the link's outgoing order: its columns are there."""


def time_of(snapshot: Snapshot, link: Link, edge: int) -> TimeMs | None:
    """When an edge came to hold; None where nobody knows."""
    at = int(snapshot.links[link].columns["at"][edge])
    return None if at == NULL_TIME else TimeMs(at)


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

    def key(self, hop: Hop) -> Key:
        """The key of an edge."""
        link = self.side.link
        dated = (time_of(self.snapshot, link, hop.edge),) if self.dated else ()
        apart = (self._apart_of(hop.edge),) if link in _APART else ()
        return (*dated, self.snapshot.nodes[self.side.end].id_of(hop.far), *apart)

    def place(self, hop: Hop) -> Place:
        """Where an edge is."""
        link = self.side.link
        columns = self.snapshot.links[link].columns
        dated = (~int(columns["at"][hop.edge]),) if self.dated else ()
        apart = (int(columns[_APART[link]][hop.edge]),) if link in _APART else ()
        return (*dated, hop.far, *apart)

    def place_of(self, key: Key) -> Place:
        """Where a key is, or would be: an id that is gone falls between its neighbours."""
        parts = iter(key)
        dated = (age_of(next(parts)),) if self.dated else ()
        far = self._row(self.side.end, next(parts))
        apart = (self._apart_place(next(parts)),) if self.side.link in _APART else ()
        return (*dated, far, *apart)

    def _apart_of(self, edge: int) -> str | None:
        link = self.side.link
        value = int(self.snapshot.links[link].columns[_APART[link]][edge])
        if value < 0:
            return None
        kind = _APART_KIND.get(link)
        return self.snapshot.predicates[value] if kind is None else self.snapshot.nodes[kind].id_of(value)

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
