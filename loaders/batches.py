"""Frames of the first pass cut into batches whose names depend on nothing but what they hold.

A batch is named by its table, its part, its place and a hash of its rows: the same rows are written under the same name in
any run, so a batch that a checkpoint calls done is done; other rows under an old name can't be taken for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

_FIRST: Final = ("kind", "user", "target")
_SEED: Final = 0xBA7C


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a part, and their name within the load."""

    name: str
    rows: pl.DataFrame


def tidy(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Rows once each, sorted by all they say, and how many were doubles of others.

    Events are sorted by kind, user and target first, so that a batch is mostly of one kind and grouped by its source.
    """
    distinct = frame.unique()
    first = [name for name in _FIRST if name in distinct.columns]
    rest = [name for name in distinct.columns if name not in first]
    return distinct.sort(*first, *rest), frame.height - distinct.height


def batches(part: str, rows: pl.DataFrame, most: int) -> Iterator[Batch]:
    """Rows in batches of at most `most`, in their order."""
    for place, piece in enumerate(rows.iter_slices(most)):
        hashes = piece.hash_rows(_SEED).to_numpy().tobytes()
        yield Batch(f"{part}/{place:04}-{hashlib.blake2b(hashes, digest_size=8).hexdigest()}", piece)
