"""The tree of interests: parents before children, and no row whose chain of parents does not end at a top.

A taxonomy is held in memory, so it has a limit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from graph.errors import InvalidInputError
from graph.model import NodeKind
from loaders.validation.references import References

INTERESTS_MAX: Final = 1_000_000
LEVELS_MAX: Final = 64


def by_level(interests: pl.DataFrame, references: References) -> tuple[pl.DataFrame, pl.Series]:
    """Rows of interests with their `level` (0: a top, or below an interest of the store), and the reasons of those refused.

    A parent must be in the folder, and not refused itself, or in the store. Both results are a row each of `interests`.
    Raises InvalidInputError over a million rows.
    """
    if interests.height > INTERESTS_MAX:
        raise InvalidInputError(f"interests has {interests.height} rows; a taxonomy has at most {INTERESTS_MAX}")
    parents = interests["parent_id"].drop_nulls().unique()
    outside = parents.filter(~parents.is_in(interests["id"].implode()))
    nowhere = references.dangling(NodeKind.INTEREST, outside)
    rooted = interests["parent_id"].is_null() | interests["parent_id"].is_in(outside.implode())
    lost = interests["parent_id"].is_in(nowhere.implode()).fill_null(value=False)
    level = np.where((rooted & ~lost).to_numpy(), 0, -1)
    for depth in range(1, LEVELS_MAX):
        placed = interests["id"].filter(pl.Series(level == depth - 1)).unique()
        below = interests["parent_id"].is_in(placed.implode()).fill_null(value=False).to_numpy() & (level < 0)
        if not below.any():
            break
        level[below] = depth
    frame = interests.with_columns(pl.Series("level", level))
    reason = (
        pl.when(pl.Series("lost", lost))
        .then(pl.lit("parent_id names no interest of the folder or the store"))
        .when(pl.col("level") < 0)
        .then(pl.lit(f"the chain of parents is refused, closes a cycle or has over {LEVELS_MAX} levels"))
    )
    return frame, frame.select(reason.alias("reason")).to_series()
