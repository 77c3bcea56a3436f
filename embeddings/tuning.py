"""Chooses, on a validation split, what a training run can't know beforehand: how fast saves age, when to stop, how to score.

Nothing here ever sees a test split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from embeddings.artifact import score_scale
from embeddings.baselines import Factors
from embeddings.contest import best_half_life
from embeddings.ranking import Scorer, measure
from embeddings.settings import Recipe, TrainSettings
from embeddings.splits import Split
from embeddings.train import Trained, Vectors, fit
from graph.model import NodeKind

EXPONENTS: Final = (0.0, 0.2, 0.35, 0.5, 0.75, 1.0)
EPOCHS_MIN: Final = 3
"""A stop before this would be luck: whatever was drawn first."""
PATIENCE_EPOCHS: Final = 4
Progress = Callable[[str, int, Mapping[str, Any]], None]
"""Told after each epoch: which phase, how many epochs it may have, and the epoch's record."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The recipe with everything chosen, and the run on the validation split that chose it."""

    recipe: Recipe
    trained: Trained


def scorer_of(vectors: Vectors, score_exponent: float) -> Scorer:
    """One dot product a user and pin: u · v‖v‖^(exponent − 1)."""
    pins = vectors[NodeKind.PIN]
    return Factors(vectors[NodeKind.USER], pins * score_scale(pins, score_exponent)[:, None])


def tune(validation: Split, recipe: Recipe, settings: TrainSettings, progress: Progress | None = None) -> Tuned:
    """Trains on the validation split's train part, and keeps the epoch and the exponent that did best on the rest.

    A score is the mean over an epoch and its neighbours, because a single one of a small split is mostly luck.
    """
    half_life = settings.half_life if settings.half_life is not None else best_half_life(validation)
    recipe = replace(recipe, half_life=half_life, epochs=recipe.epochs_max)
    scores: list[list[float]] = []

    def watch(epoch: int, loss: float, vectors: Vectors) -> tuple[Mapping[str, Any], bool]:
        found = [measure(scorer_of(vectors, exponent), validation).means() for exponent in EXPONENTS]
        scores.append([sum(means.values()) for means in found])
        best = int(np.argmax(scores[-1]))
        record = {**{f"validation_{name}": value for name, value in found[best].items()}, "exponent": EXPONENTS[best]}
        if progress is not None:
            progress("validation", recipe.epochs_max, {"epoch": epoch, "loss": loss, **record})
        return record, epoch - 1 - _best(scores)[0] < PATIENCE_EPOCHS

    trained = fit(validation.train, recipe, watch)
    epoch, exponent = _best(scores)
    return Tuned(replace(recipe, epochs=epoch + 1, score_exponent=EXPONENTS[exponent]), trained)


def _best(scores: list[list[float]]) -> tuple[int, int]:
    """Places of the best epoch and exponent, after smoothing over neighbouring epochs."""
    table = np.array(scores)
    first = min(EPOCHS_MIN, len(table)) - 1
    smooth = np.array([table[max(0, i - 1) : i + 2].mean(axis=0) for i in range(first, len(table))])
    epoch, exponent = np.unravel_index(np.argmax(smooth), smooth.shape)
    return first + int(epoch), int(exponent)
