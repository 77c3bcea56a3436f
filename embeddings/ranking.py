"""Asks a method for its answers on a split, and measures them: full ranking, and one pin among 99 that were not saved.

A method is anything with scores of users for all pins. What a user saved in train is never an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.dataset import Rows
from embeddings.metrics import (
    HitRate,
    Hits,
    Metric,
    Ndcg,
    Recall,
    Values,
    catalogue_coverage,
    interval,
    popularity_bias,
)
from embeddings.splits import Split, degrees

DEPTH: Final = 50
"""How deep lists are ranked, for the curve of recall over k."""
NEGATIVES: Final = 99
_CHUNK_CELLS: Final = 20_000_000
METRICS: Final[Mapping[str, tuple[Metric, Metric]]] = {
    "full": (Recall(20), Ndcg(20)),
    "leave-one-out": (HitRate(10), Ndcg(10)),
}
"""What is reported under each protocol; the first is what settings are chosen by."""


class Scorer(Protocol):
    """A fitted method."""

    def scores(self, users: Rows) -> NDArray[np.float32]:
        """(len(users), pins) float32: higher is better; -inf for what it would never answer."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """A method on a split. `values`: one a scored user, by the metric's name. `ranked`: (scored, DEPTH) rows, -1 at the end."""

    values: Mapping[str, Values]
    ranked: Rows

    def mean(self, metric: str) -> float:
        return float(np.nanmean(self.values[metric]))

    def means(self) -> dict[str, float]:
        return {name: self.mean(name) for name in self.values}


def measure(scorer: Scorer, split: Split) -> Measured:
    """Scores all of a split's users, in chunks of bounded memory."""
    ranked = np.full((len(split.scored), DEPTH), -1, np.int32)
    sample = _Candidates.of(split) if split.protocol == "leave-one-out" else None
    known, truth = split.train.matrix(), split.truth[split.scored]
    rows = max(1, _CHUNK_CELLS // max(split.train.pins, 1))
    for start in range(0, len(split.scored), rows):
        chunk = split.scored[start : start + rows]
        scores = np.array(scorer.scores(chunk), np.float32)
        part = slice(start, start + len(chunk))
        if sample is None:
            scores[:, ~split.catalogue] = -np.inf
            mask = known[chunk]
            scores[np.repeat(np.arange(len(chunk)), np.diff(mask.indptr)), mask.indices] = -np.inf
            ranked[part] = top(scores, DEPTH)
        else:
            ranked[part] = sample.rank(scores, part)
    hits = Hits.of(ranked, truth)
    return Measured({metric.name: metric(hits) for metric in METRICS[split.protocol]}, ranked)


def top(scores: NDArray[np.float32], k: int) -> Rows:
    """(n, k) int32: the best columns of each row, best first, of equal ones the lower column first; -1 for those at -inf."""
    n, pins = scores.shape
    out = np.full((n, k), -1, np.int32)
    width = min(k, pins)
    part = np.argpartition(-scores, width - 1, axis=1)[:, :width] if width < pins else np.tile(np.arange(pins), (n, 1))
    found = np.take_along_axis(scores, part, axis=1)
    order = np.lexsort((part, -found), axis=1)
    best = np.take_along_axis(part, order, axis=1).astype(np.int32)
    best[np.take_along_axis(found, order, axis=1) == -np.inf] = -1
    out[:, :width] = best
    return out


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The held-out pin of each scored user, and 99 pins that the user never saved, the same for every method."""

    pins: NDArray[np.int64]
    """(scored, 100), the held-out pin last, so that it loses ties: a method that can't tell pins apart gets 0."""

    @classmethod
    def of(cls, split: Split, seed: int = 20_170_403) -> _Candidates:
        rng = np.random.default_rng(seed)
        known, truth = split.train.matrix(), split.truth
        pins = np.empty((len(split.scored), NEGATIVES + 1), np.int64)
        for place, user in enumerate(split.scored):
            saved = np.concatenate([known[[user]].indices, truth[[user]].indices])
            pins[place, :NEGATIVES] = _unsaved(saved, split.train.pins, rng)
            pins[place, NEGATIVES] = truth[[user]].indices[0]
        return cls(pins)

    def rank(self, scores: NDArray[np.float32], part: slice) -> Rows:
        pins = self.pins[part]
        found = np.take_along_axis(scores, np.maximum(pins, 0), axis=1)
        found[pins < 0] = -np.inf
        order = np.argsort(-found, axis=1, kind="stable")[:, :DEPTH]
        return np.take_along_axis(pins, order, axis=1).astype(np.int32)


def _unsaved(saved: Rows, pins: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """99 distinct pins that are not among the saved ones; -1 where the catalogue has no more."""
    out = np.full(NEGATIVES, -1, np.int64)
    if pins < 10 * (len(saved) + NEGATIVES):
        rest = rng.permutation(np.setdiff1d(np.arange(pins), saved))[:NEGATIVES]
        out[: len(rest)] = rest
        return out
    drawn: dict[int, None] = {}
    taken = set(saved.tolist())
    while len(drawn) < NEGATIVES:
        pin = int(rng.integers(pins))
        if pin not in taken:
            drawn[pin] = None
    out[:] = list(drawn)
    return out


def intervals(found: Measured, seed: int) -> dict[str, tuple[float, float] | None]:
    """95 % intervals of the means over users."""
    return {name: interval(values, seed) for name, values in found.values.items()}


def paired(found: Measured, other: Measured, metric: str, seed: int) -> tuple[float, float] | None:
    """95 % interval of the mean difference to another method on the same users: tighter than two intervals side by side."""
    return interval(found.values[metric] - other.values[metric], seed)


def beyond_accuracy(found: Measured, split: Split) -> dict[str, float]:
    """Coverage of the catalogue, and how far the lists lean to popular pins, over the first 20."""
    ranked = found.ranked[:, :20]
    savers = degrees(split.train.matrix())[1]
    return {
        "coverage@20": catalogue_coverage(ranked, int(split.catalogue.sum())),
        "popularity_bias@20": popularity_bias(ranked, savers),
    }


def recall_curve(found: Measured, split: Split, ks: Sequence[int]) -> list[float]:
    """Mean recall at each k (at most DEPTH)."""
    hits = Hits.of(found.ranked, split.truth[split.scored])
    return [float(np.nanmean(Recall(k)(hits))) for k in ks]
