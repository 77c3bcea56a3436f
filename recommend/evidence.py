"""Real paths between a pin and the seeds of a question: who saved both, which board holds both, what both are about.

Only public edges, and what the asked-about node is tied to by `Seeds`. Bounded: of the seeds' and of a pin's savers the newest
are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from graph.model import NodeKind
from graph.schema import LINKS, Link
from graph.snapshot import Snapshot
from recommend.public import Pairs
from recommend.ranked import Step
from recommend.seeds import Seeds
from recommend.spread import INT32, INT64, MIDDLE

MIDDLES_READ_MAX: Final = 128
SEED_EDGES_MAX: Final = 50_000
EDGES_PER_SEED_MIN: Final = 16
SAVERS_READ_MAX: Final = 20_000
TELLING: Final = 0.4
"""Exponent of a seed's degree when the most telling seed is chosen: less than the filter's own, under which a seed that two
people saved stands for everything."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A seed that a pin has something in common with: the place of the seed, and the row of what they share."""

    seed: int
    middle: int


_FLOAT64 = types.Array(types.float64, 1, "C", readonly=True)


@njit(
    [(types.int64, INT64, INT32, INT64, INT64, INT32, INT64, _FLOAT64, INT32, types.int64)],
    cache=True,
    nogil=True,
)
def _vote(
    pin: Any,
    to: Any,
    middles: Any,
    back: Any,
    known: Any,
    places: Any,
    starts: Any,
    weights: Any,
    seeds: Any,
    most: Any,
) -> Any:  # pragma: no cover - compiled
    votes, via, rarest = np.zeros(len(seeds)), np.full(len(seeds), -1, np.int64), np.zeros(len(seeds), np.int64)
    for at in range(to[pin], min(to[pin + 1], to[pin] + most)):
        middle = np.int64(middles[at])
        found = np.searchsorted(known, middle)
        if found == len(known) or known[found] != middle:
            continue
        size = back[middle + 1] - back[middle]
        vote = np.float64(size) ** -MIDDLE
        for there in range(starts[found], starts[found + 1]):
            place = places[there]
            if seeds[place] != pin:
                votes[place] += vote * weights[place]
                if via[place] < 0 or size < rarest[place]:
                    via[place], rarest[place] = middle, size
    best = np.argmax(votes)
    return (best, via[best]) if votes[best] > 0 else (-1, -1)


class Commons:
    """What the seeds of one question have to do with, turned round: for each such thing, its seeds."""

    def __init__(self, pairs: Pairs, seeds: Seeds) -> None:
        rows = seeds.pins.rows.astype(np.int64)
        start, end = pairs.into.indptr[rows], pairs.into.indptr[rows + 1]
        self._pairs = pairs
        self._seeds = seeds.pins.rows
        self._weights = seeds.pins.weights * np.maximum(end - start, 1) ** -TELLING
        count = np.minimum(end - start, max(EDGES_PER_SEED_MIN, SEED_EDGES_MAX // max(len(rows), 1)))
        place = np.repeat(np.arange(len(rows)), count)
        middle = pairs.into.indices[start[place] + np.arange(len(place)) - (np.cumsum(count) - count)[place]]
        order = np.argsort(middle, kind="stable")
        self._places = place[order].astype(np.int32)
        self._known, starts = np.unique(middle[order].astype(np.int64), return_index=True)
        self._starts = np.append(starts, len(order)).astype(np.int64)

    def shared(self, pin: int) -> Shared | None:
        """The seed that has most in common with a pin, and the rarest thing the two share."""
        if not len(self._known):
            return None
        pairs = self._pairs
        seed, middle = _vote(
            pin, pairs.into.indptr, pairs.into.indices, pairs.out.indptr,
            self._known, self._places, self._starts, self._weights, self._seeds, MIDDLES_READ_MAX,
        )  # fmt: skip
        return None if seed < 0 else Shared(int(seed), int(middle))


def savers_of_both(saves: Pairs, one: int, other: int) -> tuple[int, bool]:
    """How many people publicly saved two pins; true if there may be more, because only the newest savers were read."""
    lists = [saves.into.neighbours(one), saves.into.neighbours(other)]
    more = any(len(savers) > SAVERS_READ_MAX for savers in lists)
    both = np.intersect1d(*(savers[:SAVERS_READ_MAX] for savers in lists), assume_unique=True)
    return len(both), more


def edges_to_fact(snapshot: Snapshot, pin: int, fact: int) -> tuple[tuple[Step, ...], int | None, bool]:
    """How a pin has a fact: it IS the entity, or IS one that is related to it.

    Returns the steps, the place of the RELATES edge in the outgoing order (None for none), and whether the fact is its tail.
    """
    shows, relates = snapshot.links[Link.IS], snapshot.links[Link.RELATES]
    shown = shows.out.neighbours(pin)
    if fact in shown:
        return (_step(Link.IS, pin, fact),), None, True
    for csr, outgoing in ((relates.out, True), (relates.into, False)):
        for entity in shown.tolist():
            start = int(csr.indptr[entity])
            hits = np.flatnonzero(csr.neighbours(entity) == fact)
            if len(hits):
                place = start + int(hits[0])
                edge = place if outgoing else int(relates.in_edge[place])
                ends = (entity, fact) if outgoing else (fact, entity)
                return (_step(Link.IS, pin, entity), _step(Link.RELATES, *ends)), edge, outgoing
    return (), None, True


def link_step(link: Link, source: int, target: int) -> Step:
    """A step by rows, its kinds being those of the link."""
    return _step(link, source, target)


def _step(link: Link, source: int, target: int) -> Step:
    kinds = LINKS[link]
    return Step(link, (kinds.source, int(source)), (kinds.target, int(target)))


def members(pairs: Pairs, row: int) -> NDArray[np.int32]:
    """The pins of a board, interest or user: as many as are read."""
    return pairs.out.neighbours(row)[:SAVERS_READ_MAX]


def title(snapshot: Snapshot, kind: NodeKind, row: int) -> str:
    """What a person would call a node."""
    column = "title" if kind in (NodeKind.PIN, NodeKind.BOARD) else "name"
    named = None if kind is NodeKind.USER else snapshot.nodes[kind].value(column, row)
    return named or f"{kind.lower()} {snapshot.nodes[kind].id_of(row)}"
