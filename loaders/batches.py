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

_ORDER: Final = (
    "kind",
    "user",
    "target",
    "id",
    "pin_id",
    "interest_id",
    "entity_id",
    "head_id",
    "predicate",
    "tail_id",
)
_EVENT: Final = ["event_id", "digest"]
"""What an event is, and all that it says."""
_SEPARATOR: Final = "\0"
"""No id holds it, so joined keys sort as their parts do."""
_SEED: Final = 0xBA7C


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a part, and their name within the load."""

    name: str
    rows: pl.DataFrame


def tidy(frame: pl.DataFrame, *, by_event_id: bool = False) -> tuple[pl.DataFrame, int]:
    """Rows once each, in an order that depends on nothing but what they say; and how many were doubles of others.

    Events are sorted by kind, user and target, so that a batch is mostly of one kind and grouped by its source, or by their
    ids; other rows by their ids; what is equal in these by a hash of the row.
    """
    if by_event_id:
        distinct = frame.unique(_EVENT)
        return distinct.sort(_EVENT), frame.height - distinct.height
    distinct = frame.unique(_EVENT if "digest" in frame.columns else None)
    keys = [name for name in _ORDER if name in distinct.columns]
    key = pl.concat_str(keys, separator=_SEPARATOR)  # one joined key sorts twice as fast as its parts
    return distinct.sort(key, distinct.hash_rows(_SEED)), frame.height - distinct.height


def batches(part: str, rows: pl.DataFrame, most: int) -> Iterator[Batch]:
    """Rows in batches of at most `most`, in their order. `part`: their name so far."""
    for place, piece in enumerate(rows.iter_slices(most)):
        said = piece.select(_EVENT) if "digest" in piece.columns else piece
        hashes = said.hash_rows(_SEED).to_numpy().tobytes()
        yield Batch(f"{part}/{place:04}-{hashlib.blake2b(hashes, digest_size=8).hexdigest()}", piece)
