"""The model against its baselines on one split, all of them tuned on the same validation split and asked the same questions.

Knows neither torch nor files: what it compares are scorers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from embeddings.baselines import GRID_PAIRS_MAX, GRIDS, WIDE_FIRST, Popularity, two_hop_filter
from embeddings.dataset import Dataset, Matrix, Rows, aged_matrix
from embeddings.ranking import METRICS, Measured, Scorer, beyond_accuracy, intervals, measure, paired, recall_curve
from embeddings.splits import Split, counts

CURVE_KS: Final = (1, 2, 5, 10, 15, 20, 30, 40, 50)
BLEND_WEIGHTS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Weights of the model beside a filter of weight 1."""
HALF_LIVES: Final = (None, 0.3, 0.1, 0.05, 0.03)


@dataclass(frozen=True, slots=True)
class Blend:
    """Model and filter, each row of scores divided by its spread over pins."""

    model: Scorer
    filter: Scorer
    weight: float

    def scores(self, users: Rows) -> NDArray[np.float32]:
        return self.weight * _spread(self.model.scores(users)) + _spread(self.filter.scores(users))


def _spread(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    spread = scores.std(axis=1, keepdims=True)
    return np.divide(scores, spread, out=np.zeros_like(scores), where=spread > 0)


@dataclass(frozen=True, slots=True)
class Contest:
    """What each method did on a split, and the settings that it was given."""

    split: Split
    measured: Mapping[str, Measured]
    settings: Mapping[str, Mapping[str, Any]]
    also: Mapping[str, Measured] = field(default_factory=dict[str, Measured])
    """References beyond the usual: what ageing alone does for popularity and the filter."""

    @property
    def metric(self) -> str:
        return METRICS[self.split.protocol][0].name

    def results(self) -> dict[str, dict[str, float]]:
        """{method: {metric: mean over users}}."""
        return {name: found.means() for name, found in self.measured.items()}

    def report(self, seed: int) -> dict[str, Any]:
        """`evaluation.json`, run times aside."""
        everything = {**self.measured, **self.also}
        return {
            "protocol": self.split.protocol,
            "split": {"rule": self.split.rule, **counts(self.split)},
            "results": self.results(),
            "intervals_95": {name: intervals(found, seed) for name, found in everything.items()},
            "model_minus_method_95": {
                name: paired(self.measured["model"], found, self.metric, seed)
                for name, found in everything.items()
                if name != "model"
            },
            "beyond_accuracy": {name: beyond_accuracy(found, self.split) for name, found in everything.items()},
            "recall_curve": {
                "k": list(CURVE_KS),
                **{name: recall_curve(found, self.split, CURVE_KS) for name, found in everything.items()},
            },
            "also": {name: found.means() for name, found in self.also.items()},
            "settings": self.settings,
        }


def compete(
    split: Split, model: Scorer, validation: tuple[Split, Scorer] | None, half_life: float | None, seed: int
) -> Contest:
    """Measures everything. `validation`: a split of the train part and the model trained on it; without one, defaults are used.

    seed is that of the bootstrap only.
    """
    saves = split.train.matrix()
    chosen = {name: _settings(name, validation[0] if validation else None) for name in GRIDS}
    fitted = {name: fit(saves, **chosen[name]) for name, (fit, _) in GRIDS.items()}
    weight = 1.0 if validation is None else _blend_weight(*validation, chosen["filter"])
    methods: dict[str, Scorer] = {"model": model, "blend": Blend(model, fitted["filter"], weight), **fitted}
    also: dict[str, Scorer] = {}
    if half_life is not None:
        aged = aged_matrix(split.train, half_life)
        also = {
            "popularity_aged": Popularity.fit(aged),
            "filter_aged": two_hop_filter(saves, **_aged_settings(validation, half_life, chosen["filter"]), aged=aged),
        }
    return Contest(
        split,
        {name: measure(scorer, split) for name, scorer in methods.items()},
        {**chosen, "blend": {"gnn": weight, "filter": 1.0}},
        {name: measure(scorer, split) for name, scorer in also.items()},
    )


def best_by(split: Split, candidates: Mapping[Any, Callable[[], Scorer]]) -> Any:
    """The key of the scorer that does best on a split, by the sum of its metrics; the first of equal ones."""
    scored = {key: sum(measure(make(), split).means().values()) for key, make in candidates.items()}
    return max(scored, key=lambda key: scored[key])


def _settings(name: str, validation: Split | None) -> Mapping[str, Any]:
    fit, grid = GRIDS[name]
    if validation is None or len(grid) == 1:
        return grid[0]
    saves = validation.train.matrix()
    if saves.nnz > GRID_PAIRS_MAX:
        return grid[0]
    grid = grid[1:] if name in WIDE_FIRST else grid
    return grid[best_by(validation, {place: _later(fit, saves, given) for place, given in enumerate(grid)})]


def _aged_settings(
    validation: tuple[Split, Scorer] | None, half_life: float, default: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The filter's exponents anew, as ageing moves what is best; defaults where nothing is searched."""
    if validation is None:
        return default
    saves = validation[0].train.matrix()
    if saves.nnz > GRID_PAIRS_MAX:
        return default
    aged, grid = aged_matrix(validation[0].train, half_life), GRIDS["filter"][1]
    tried = {place: lambda given=given: two_hop_filter(saves, **given, aged=aged) for place, given in enumerate(grid)}
    return grid[best_by(validation[0], tried)]


def _later(fit: Callable[..., Scorer], saves: Matrix, given: Mapping[str, Any]) -> Callable[[], Scorer]:
    return lambda: fit(saves, **given)


def _blend_weight(validation: Split, model: Scorer, filter_settings: Mapping[str, Any]) -> float:
    fitted = two_hop_filter(validation.train.matrix(), **filter_settings)
    return best_by(validation, {w: lambda w=w: Blend(model, fitted, w) for w in BLEND_WEIGHTS})


def best_half_life(validation: Split) -> float | None:
    """How fast saves age, where times are known: the half-life with which the 2-hop filter foretells best what is saved next.

    Closed form, so that it costs seconds where training would cost minutes. None: they don't age.
    """
    if validation.rule != "time":
        return None
    saves = validation.train.matrix()
    return best_by(validation, {h: lambda h=h: _aged_filter(validation.train, saves, h) for h in HALF_LIVES})


def _aged_filter(train: Dataset, saves: Matrix, half_life: float | None) -> Scorer:
    return two_hop_filter(saves, aged=None if half_life is None else aged_matrix(train, half_life))
