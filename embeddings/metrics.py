"""Ranking metrics, one class a metric, and how sure we are of their means.

A metric takes `Hits` and gives one value a user. A user for whom nothing is relevant gets NaN, as there is no right answer to
measure against; one whose relevant pins are all missed gets 0. Cross-checked against ranx in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from embeddings.dataset import Matrix, Rows

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hits:
    """Ranked lists of n users against the truth.

    at: (n, depth) bool, whether the pin at that rank is relevant; relevant: (n,) how many pins are relevant at all.
    """

    at: NDArray[np.bool_]
    relevant: NDArray[np.int64]

    @classmethod
    def of(cls, ranked: Rows, truth: Matrix) -> Hits:
        """ranked: (n, depth) int32 rows of pins, -1 where a list ends early; truth: (n, pins) binary."""
        relevant = np.diff(truth.indptr).astype(np.int64)
        pins = truth.shape[1]
        keys = np.repeat(np.arange(len(ranked)), relevant) * pins + truth.indices
        asked = np.arange(len(ranked))[:, None] * pins + ranked
        return cls(np.isin(asked, keys) & (ranked >= 0), relevant)


class Metric(Protocol):
    """One value a user, NaN for a user for whom nothing is relevant."""

    @property
    def name(self) -> str: ...

    def __call__(self, hits: Hits) -> Values:
        """(n,) float64."""
        ...


@dataclass(frozen=True, slots=True)
class Recall:
    """Share of the relevant pins that are among the first k: |top k ∩ relevant| / |relevant|.

    Divided by all of the relevant, also when they are more than k, as in LightGCN (He et al., SIGIR 2020, §4.1), so that a user
    with many can't reach 1.
    """

    k: int

    @property
    def name(self) -> str:
        return f"recall@{self.k}"

    def __call__(self, hits: Hits) -> Values:
        return _ratio(hits.at[:, : self.k].sum(axis=1).astype(np.float64), hits.relevant.astype(np.float64))


@dataclass(frozen=True, slots=True)
class Ndcg:
    """Discounted gain of the first k with binary relevance, over that of the best order (Järvelin and Kekäläinen, TOIS 2002).

    The pin at rank r (from 1) gains 1 / log2(r + 1); the best order has min(k, |relevant|) relevant pins in front.
    """

    k: int

    @property
    def name(self) -> str:
        return f"ndcg@{self.k}"

    def __call__(self, hits: Hits) -> Values:
        discount = 1 / np.log2(np.arange(self.k) + 2)
        found = hits.at[:, : self.k]
        best = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(hits.relevant, self.k)]
        return _ratio(found @ discount[: found.shape[1]], best)


@dataclass(frozen=True, slots=True)
class HitRate:
    """1 when any relevant pin is among the first k, else 0 (HR@k of the leave-one-out protocol: He et al., WWW 2017, §4.1)."""

    k: int

    @property
    def name(self) -> str:
        return f"hr@{self.k}"

    def __call__(self, hits: Hits) -> Values:
        found = hits.at[:, : self.k].any(axis=1).astype(np.float64)
        return np.where(hits.relevant > 0, found, np.nan)


def _ratio(found: Values, whole: Values) -> Values:
    return np.divide(found, whole, out=np.full(len(found), np.nan), where=whole > 0)


def catalogue_coverage(ranked: Rows, catalogue_pins: int) -> float:
    """Share of the pins that could be an answer which is one, for somebody (Herlocker et al., TOIS 2004, §5.2)."""
    return len(np.unique(ranked[ranked >= 0])) / max(catalogue_pins, 1)


def popularity_bias(ranked: Rows, savers: NDArray[np.float64]) -> float:
    """Mean rank in popularity of what is recommended, from 0 (least saved) to 1 (most saved); 0.5 would be no bias.

    savers: (pins,) how often each was saved in train. After the average recommendation popularity of Abdollahpouri et al.
    (RecSys 2017), as a percentile, so that it compares across data sets.
    """
    shown = ranked[ranked >= 0]
    if not len(shown):
        return float("nan")
    return float((stats.rankdata(savers)[shown] / len(savers)).mean())


def interval(values: Values, seed: int, resamples: int = 1_000) -> tuple[float, float] | None:
    """95 % interval of the mean over users, by the percentile bootstrap (Efron and Tibshirani 1993, §13.3); NaN left out.

    None when fewer than two users have a value: one user says nothing of how others would differ.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return None
    found = stats.bootstrap(
        (known,), np.mean, n_resamples=resamples, batch=50, method="percentile", rng=np.random.default_rng(seed)
    ).confidence_interval
    return float(found.low), float(found.high)
