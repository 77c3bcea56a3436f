"""The sample data set for tests that need real data: made once a run, its wheel fetched once a checkout."""

from __future__ import annotations

from pathlib import Path

from loaders.samples import write_sample
from loaders.wheel import fetched_wheel
from tests.commands import DOWNLOADS


def sample_folder(place: Path) -> Path:
    """MovieLens 100K in interchange form, written into a new folder."""
    write_sample(fetched_wheel(DOWNLOADS), place)
    return place
