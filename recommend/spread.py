"""Deterministic spreading of weights over edges: one push, and the normalised 2-hop filter made of two.

The filter is R_q · D_i^-a · Rᵀ · D_u^-b · R · D_i^-c on binary pairs (the linear filter of GF-CF, Shen et al., CIKM 2021,
§4.2, with exponents that do better than its halves on every public split at hand). Outside the interpreter lock, in bounded
work: a hub's list is read up to a cap.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from graph.snapshot import Csr
from recommend.public import Pairs

EDGES_MAX: Final = 400_000
"""Edges that one push reads at most, shared out evenly between its sources."""
EDGES_PER_NODE_MIN: Final = 16
MIDDLES_MAX: Final = 5_000
"""Nodes in the middle of two hops that are kept: the heaviest."""

FIRST: Final = 0.7
MIDDLE: Final = 0.8
LAST: Final = 0.3
"""Exponents a, b, c of the filter, for what one person should see."""
LAST_ALIKE: Final = 0.6
SMALL: Final = 10
"""For what is like one thing, not for one person: exponent c near a cosine, lest the answer to everything be what is popular,
and so many edges added to each degree, lest one chance edge of something tiny stand first."""

INT64 = types.Array(types.int64, 1, "C", readonly=True)
INT32 = types.Array(types.int32, 1, "C", readonly=True)
FLOAT32 = types.Array(types.float32, 1, "C", readonly=True)


class Weighted(NamedTuple):
    """Rows ascending, int32, and a positive float32 weight for each."""

    rows: NDArray[np.int32]
    weights: NDArray[np.float32]

    @classmethod
    def none(cls) -> Weighted:
        return cls(np.empty(0, np.int32), np.empty(0, np.float32))

    def without(self, rows: NDArray[np.int32]) -> Weighted:
        """Those that are not among some rows."""
        keep = ~np.isin(self.rows, rows)
        return Weighted(self.rows[keep], self.weights[keep])

    def heaviest(self, count: int) -> Weighted:
        """The `count` heaviest, ties by row, rows ascending as before."""
        if len(self.rows) <= count:
            return self
        keep = np.sort(np.lexsort((self.rows, -self.weights))[:count])
        return Weighted(self.rows[keep], self.weights[keep])

    def at(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """The weight at each of some rows; 0 where there is none."""
        if not len(self.rows):
            return np.zeros(len(rows), np.float32)
        place = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[place] == rows, self.weights[place], np.float32(0)).astype(np.float32)


@njit([(INT64, INT32, INT32, FLOAT32, types.float64, types.int64, types.int64)], cache=True, nogil=True)
def _push(
    indptr: Any, indices: Any, rows: Any, weights: Any, exponent: Any, cap: Any, targets: Any
) -> Any:  # pragma: no cover - compiled
    scores = np.zeros(targets, np.float32)
    bound = 0
    for row in rows:
        bound += min(indptr[row + 1] - indptr[row], cap)
    touched = np.empty(min(bound, targets), np.int32)
    count = 0
    for i in range(len(rows)):
        start, end = indptr[rows[i]], indptr[rows[i] + 1]
        if start == end:
            continue
        weight = np.float32(weights[i] * (end - start) ** -exponent)
        for at in range(start, min(end, start + cap)):
            target = indices[at]
            if scores[target] == 0:
                touched[count] = target
                count += 1
            scores[target] += weight
    found = np.sort(touched[:count])
    return found, scores[found]


def push(csr: Csr, seeds: Weighted, exponent: float, targets: int) -> Weighted:
    """Σ over sources s of weight(s) · degree(s)^-exponent, at each target: one hop. `targets`: how many there can be."""
    if not len(seeds.rows):
        return Weighted.none()
    cap = max(EDGES_PER_NODE_MIN, EDGES_MAX // len(seeds.rows))
    return Weighted(*_push(csr.indptr, csr.indices, seeds.rows, seeds.weights, exponent, cap, targets))


def damped(found: Weighted, degrees: Csr, exponent: float, more: int = 0) -> Weighted:
    """Each weight divided by (degree + more)^exponent."""
    if not len(found.rows):
        return found
    rows = found.rows.astype(np.int64)
    degree = np.maximum(degrees.indptr[rows + 1] - degrees.indptr[rows], 1)
    return Weighted(found.rows, (found.weights * (degree + float(more)) ** -exponent).astype(np.float32))


def two_hops(pairs: Pairs, seeds: Weighted, *, alike: bool) -> Weighted:
    """The filter: from pins over what they have in common (users, boards, facts) to pins, the seeds included.

    `alike`: for what is like the seeds, else for a person who saved them.
    """
    pins, middles = len(pairs.into.indptr) - 1, len(pairs.out.indptr) - 1
    middle = push(pairs.into, seeds, FIRST, middles).heaviest(MIDDLES_MAX)
    reached = push(pairs.out, middle, MIDDLE, pins)
    return damped(reached, pairs.into, LAST_ALIKE, SMALL) if alike else damped(reached, pairs.into, LAST)
