"""What can be said about training from outside, and the recipe that follows from it and from the data.

A field left at None is decided by `recipe_for` from the size and shape of the data, never from its name. The recipe that was
used is in the artifact's manifest.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from embeddings.dataset import Dataset
from graph.environment import EnvironmentSettings
from graph.schema import Link

SMALL_PAIRS: Final = 150_000
"""Below this many saved pairs a data set is small: a narrow vector and short epochs are enough."""


class TrainSettings(EnvironmentSettings):
    """Read from `TASTEGRAPH_TRAIN_*`; the options of `tastegraph train` come first."""

    model_config = SettingsConfigDict(env_prefix="TASTEGRAPH_TRAIN_", extra="ignore")

    model: str = "lightgcn"
    """Name under which artifacts are kept: `artifacts/MODEL/VERSION`."""
    seed: int = 7
    """Everything random comes from it: same seed, machine, versions and threads, same vectors."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of the numeric libraries; None: one a core that this process may use."""
    dim: int | None = Field(default=None, ge=2, le=1024)
    """Width of the vectors."""
    layers: int = Field(default=3, ge=1, le=8)
    """How many hops a vector gathers from."""
    temperature: float = Field(default=0.1, gt=0)
    """Of the sampled softmax: smaller looks harder at the pins that are nearly right."""
    learning_rate: float = Field(default=5e-3, gt=0)
    """Of Adam at the start; it falls to 5 % along a cosine over `epochs_max`."""
    batch_pairs: int | None = Field(default=None, ge=1)
    """Saved pairs a step."""
    negatives: int | None = Field(default=None, ge=1)
    """Pins that a step's pairs are told apart from, drawn uniformly and shared by the batch."""
    epochs_max: int | None = Field(default=None, ge=1)
    """The most passes over the saves; where to stop is chosen on the validation split."""
    board_weight: float | None = Field(default=None, ge=0)
    """Weight of the board–pin objective beside the user–pin one; 0 leaves it out."""
    source_exponent: float = Field(default=0.5, ge=0, le=1)
    """What a node sends is divided by degree^this."""
    target_exponent: float = Field(default=0.3, ge=0, le=1)
    """What a node receives is divided by degree^this; less than a half lets popular nodes grow longer."""
    gate_margin: float = Field(default=3.0, ge=0)
    """How far edges other than saves start behind saves in what reaches users and pins, as a logit."""
    half_life: float | None = Field(default=None, gt=0)
    """Age at which a save counts half, as a share of all saves made since; None: chosen on the validation split."""
    margin: float = Field(default=0.1, ge=0, le=1)
    """The publish gate lets a release be worse than CURRENT by at most this share of its score."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a training run depends on, apart from the data."""

    dim: int
    layers: int
    temperature: float
    learning_rate: float
    batch_pairs: int
    negatives: int
    epochs_max: int
    epochs: int
    """Where to stop, at most `epochs_max`."""
    score_exponent: float
    """Scores are u·v·‖v‖^(exponent − 1)."""
    half_life: float | None
    board_weight: float
    source_exponent: float
    target_exponent: float
    gate_margin: float
    seed: int
    threads: int | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def recipe_for(data: Dataset, settings: TrainSettings) -> Recipe:
    """The recipe before anything is chosen on a validation split: settings as given, the rest by the data's size."""
    pairs = len(data.saves.distinct()[0])
    small = pairs < SMALL_PAIRS
    held = data.count(Link.HOLDS)
    return Recipe(
        dim=settings.dim or (64 if small else 128),
        layers=settings.layers,
        temperature=settings.temperature,
        learning_rate=settings.learning_rate,
        batch_pairs=settings.batch_pairs or min(max(1 << round(math.log2(max(pairs, 1) / 20)), 64), 8192)
        if pairs > 20
        else 64,
        negatives=settings.negatives or (512 if small else 1024),
        epochs_max=settings.epochs_max or (12 if small else 24),
        epochs=settings.epochs_max or (6 if small else 16),
        score_exponent=0.5,
        half_life=settings.half_life,
        board_weight=(settings.board_weight if settings.board_weight is not None else 0.0) if held else 0.0,
        source_exponent=settings.source_exponent,
        target_exponent=settings.target_exponent,
        gate_margin=settings.gate_margin,
        seed=settings.seed,
        threads=settings.threads,
    )
