"""One ranking out of several sources: a weighted sum of scores, each source's divided by their spread over all nodes.

Division by the standard deviation is what made sources comparable in measurements (the filter and factorisation together beat
each). Weights come with the release; without any, those below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommend.ranked import Source
from recommend.spread import Weighted

WEIGHTS: Final[Mapping[Source, float]] = {
    Source.GNN: 1.0,
    Source.FILTER: 1.0,
    Source.WALK: 0.5,
    Source.KNOWLEDGE: 0.25,
}


@dataclass(frozen=True, slots=True)
class Scored:
    """A row, its score, and each source's part in it (they sum to the score)."""

    row: int
    score: float
    parts: dict[Source, float]


def weights_of(blend: Mapping[str, float]) -> Mapping[Source, float]:
    """Weights by source out of a release's `blend`, whose keys are sources in any case; a source not named there keeps none."""
    named = {source: blend[key] for key in blend for source in Source if source.value == key.upper()}
    return named or WEIGHTS


def rank(
    found: Mapping[Source, Weighted],
    weights: Mapping[Source, float],
    *,
    nodes: int,
    without: NDArray[np.int32],
    first: int,
    lift: Callable[[NDArray[np.int32]], NDArray[np.float32]] | None = None,
) -> list[Scored]:
    """The best `first` rows by weighted sum, ties by row. `nodes`: how many public ones there are of the kind;
    `lift`: a factor a row."""
    # Before the spread is taken: the asked-about pin itself would outweigh all that walks found.
    left = {
        source: found[source].without(without) for source in Source if source in found and weights.get(source, 0) > 0
    }
    used = [source for source, weighted in left.items() if len(weighted.rows)]
    if not used:
        return []
    rows = np.unique(np.concatenate([left[source].rows for source in used]))
    parts = np.stack([weights[source] * left[source].at(rows) / _spread(left[source], nodes) for source in used])
    if lift is not None:
        parts = parts * lift(rows)
    total = parts.sum(axis=0)
    best = np.lexsort((rows, -total))[:first]
    return [
        Scored(
            int(rows[at]),
            float(total[at]),
            {source: float(part) for source, part in zip(used, parts[:, at], strict=True) if part > 0},
        )
        for at in best.tolist()
    ]


def _spread(found: Weighted, nodes: int) -> float:
    """Standard deviation over all nodes, those that were not proposed counting 0."""
    weights = found.weights.astype(np.float64)
    mean = weights.sum() / nodes
    return max(float(np.sqrt(max((weights**2).sum() / nodes - mean**2, 0.0))), 1e-12)
