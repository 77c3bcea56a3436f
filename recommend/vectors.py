"""Candidates by vectors: what a question is compared with, and the nodes that score best against it.

What a user may like is scored u·v·‖v‖^(exponent − 1), as training chose it: the norm says how much a node is saved. What is
like something else is scored by cosine, as norms would only put the popular first. All nodes of a kind are scored (3 ms for
100,000 of 64 numbers).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from graph.model import NodeKind
from recommend.seeds import Seeds
from recommend.serving import Serving
from recommend.spread import FLOAT32, Weighted, damped, push

SAVERS_MAX: Final = 500
"""Savers of what came after training that stand in for its vector."""


@njit([(types.Array(types.float32, 2, "C", readonly=True), FLOAT32, FLOAT32)], cache=True, nogil=True, fastmath=True)
def _scores(matrix: Any, scale: Any, query: Any) -> Any:  # pragma: no cover - compiled
    """(matrix @ query) * scale, in this thread: BLAS would start threads of its own under every request."""
    scores = np.empty(len(matrix), np.float32)
    for row in range(len(matrix)):
        total = np.float32(0)
        for at in range(len(query)):
            total += matrix[row, at] * query[at]
        scores[row] = total * scale[row]
    return scores


def query_vector(serving: Serving, seeds: Seeds, *, own_vector: bool) -> NDArray[np.float32] | None:
    """The node's own vector; else the mean of its seeds', where it came after training or its own is private."""
    own = serving.vectors.get(seeds.kind)
    if own is not None and own_vector:
        rows = own.rows[list(seeds.asked)]
        rows = rows[rows >= 0]
        if len(rows):
            return own.matrix[rows].mean(axis=0)
    pins = serving.vectors.get(NodeKind.PIN)
    if pins is not None:
        rows = pins.rows[seeds.pins.rows]
        rows = rows[rows >= 0]
        if len(rows):
            return pins.matrix[rows].mean(axis=0)
    return _from_savers(serving, seeds)


def _from_savers(serving: Serving, seeds: Seeds) -> NDArray[np.float32] | None:
    """A vector for pins that came after training: the mean of their savers', weighted down by how much those save."""
    users, saves = serving.vectors.get(NodeKind.USER), serving.public.saves
    if users is None:
        return None
    savers = push(saves.into, seeds.pins, 0.0, len(saves.out.indptr) - 1).heaviest(SAVERS_MAX)
    known = users.rows[savers.rows] >= 0
    rows = savers.rows[known]
    if not len(rows):
        return None
    weights = damped(Weighted(rows, savers.weights[known]), saves.out, 0.5).weights
    return (weights @ users.matrix[users.rows[rows]] / weights.sum()).astype(np.float32)


def by_vectors(serving: Serving, seeds: Seeds, to: NodeKind, query: NDArray[np.float32], most: int) -> Weighted:
    """The nodes of a kind with the best positive scores: all are scored, exactly. Never a secret board."""
    vectors = serving.vectors[to]
    scale = vectors.scale if seeds.kind is NodeKind.USER and to is NodeKind.PIN else vectors.unit
    scores = _scores(vectors.matrix, scale, np.ascontiguousarray(query, np.float32))
    rows = np.flatnonzero((scores > 0) & (vectors.snapshot_rows >= 0))
    if to is NodeKind.BOARD and serving.secrets.any_secret:
        # A board that was public in training may be secret now.
        rows = rows[~serving.secrets.secret[vectors.snapshot_rows[rows]]]
    if len(rows) > most:
        rows = np.sort(rows[np.argpartition(-scores[rows], most)[:most]])
    return Weighted(vectors.snapshot_rows[rows], scores[rows].astype(np.float32))
