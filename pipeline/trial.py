"""A model and its baselines on one split: what `train` and `evaluate` have in common, with what it cost."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from rich.progress import Progress, TaskID

from embeddings.contest import Contest, compete
from embeddings.settings import Recipe, TrainSettings, recipe_for
from embeddings.splits import Split, validation_split
from embeddings.train import Watch, fit
from embeddings.tuning import scorer_of, tune
from graph.console import progress, say
from graph.errors import InvalidInputError

Tell = Callable[[str, int, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of training alone, choosing included, baselines left out; the peak is the process's so far."""

    wall_s: float
    cpu_s: float
    peak_memory_mb: float

    def as_dict(self) -> dict[str, float]:
        """The keys of `evaluate`'s JSON."""
        return {
            "train_wall_s": round(self.wall_s, 3),
            "train_cpu_s": round(self.cpu_s, 3),
            "peak_memory_mb": round(self.peak_memory_mb, 1),
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. history: records of all epochs, each with its phase."""

    recipe: Recipe
    contest: Contest
    history: list[dict[str, Any]]
    cost: Cost


class Stopwatch:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def cost(self) -> Cost:
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Cost(time.perf_counter() - self._wall, time.process_time() - self._cpu, peak_kb / 1024)


def run_trial(split: Split, settings: TrainSettings, tell: Tell) -> Trial:
    """Chooses on a validation split of the train part, trains on the whole train part, and measures on the rest."""
    watch = Stopwatch()
    recipe = recipe_for(split.train, settings)
    history: list[dict[str, Any]] = []
    validation = _validation(split, settings.seed)
    validated = None
    if validation is not None:
        tuned = tune(validation, recipe, settings, tell)
        recipe = tuned.recipe
        validated = (validation, scorer_of(tuned.trained.vectors, recipe.score_exponent))
        history += phase("validation", tuned.trained.history)
    trained = fit(split.train, recipe, telling("test", recipe, tell))
    cost = watch.cost()
    history += phase("test", trained.history)
    model = scorer_of(trained.vectors, recipe.score_exponent)
    contest = compete(split, model, validated, recipe.half_life, settings.seed)
    return Trial(recipe, contest, history, cost)


def phase(name: str, history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records with their phase."""
    return [{"phase": name, **record} for record in history]


def telling(name: str, recipe: Recipe, tell: Tell) -> Watch:
    """A watch that only tells."""

    def watch(epoch: int, loss: float, vectors: object) -> tuple[Mapping[str, Any], bool]:
        tell(name, recipe.epochs, {"epoch": epoch, "loss": loss})
        return {}, True

    return watch


def _validation(split: Split, seed: int) -> Split | None:
    try:
        return validation_split(split, seed)
    except InvalidInputError as error:
        say(f"nothing to choose settings on ({error}); the defaults are used")
        return None


@contextmanager
def telling_bars() -> Any:
    """Bars on a terminal; what they tell is one line an epoch otherwise."""
    with progress() as bars:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, epochs: int, record: Mapping[str, Any]) -> None:
            _advance(bars, tasks, name, epochs, record)

        yield tell


def _advance(bars: Progress, tasks: dict[str, TaskID], name: str, epochs: int, record: Mapping[str, Any]) -> None:
    if name not in tasks:
        tasks[name] = bars.add_task(name, total=epochs)
    shown = ", ".join(f"{key} {value:.4f}" for key, value in record.items() if isinstance(value, float))
    bars.update(tasks[name], completed=record["epoch"], description=f"{name}: {shown}")
    if bars.disable:
        say(f"{name} epoch {record['epoch']}/{epochs}: {shown}")


def chosen(**options: Any) -> TrainSettings:
    """Settings from the environment, with what was given as an option in front."""
    return TrainSettings(**{name: value for name, value in options.items() if value is not None})


def published_recipe(trial: Trial | None, recipe: Recipe) -> Recipe:
    """What the published vectors are trained with: all that was chosen; the batch is that of the whole data."""
    if trial is None:
        return recipe
    return replace(trial.recipe, batch_pairs=recipe.batch_pairs)
