"""Rules of whole rows, a table at a time: from a raw chunk to rows that can be loaded, and those that are refused.

What a row refers to is judged later, in `loaders.validation.references`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from graph.model import BOARD_EVENTS, FOLLOW_EVENTS, PIN_EVENTS, WEIGHT_MAX, WEIGHTED_EVENTS, EventKind, NodeKind
from loaders.interchange import TABLES, Table
from loaders.sources.chunk import LINE, RawChunk, Refused
from loaders.validation.attributes import canonical
from loaders.validation.cells import Rule, first_reason, typed


@dataclass(frozen=True, slots=True)
class Checked:
    """`frame`: the rows that stood the rules, typed (`cells.typed`), with their `line`. `raw` is what they were made of."""

    table: Table
    frame: pl.DataFrame
    raw: RawChunk
    refused: list[Refused]

    def without(self, reason: pl.Series) -> Checked:
        """The same with those rows refused that have a reason (String, null for none, one a row of `frame`)."""
        bad = reason.is_not_null()
        if not bad.any():
            return self
        lines, reasons = self.frame[LINE].filter(bad), reason.filter(bad)
        return Checked(
            self.table, self.frame.filter(~bad), self.raw, self.refused + _refusals(self.raw, lines, reasons)
        )


def check_rows(table: Table, raw: RawChunk, now_ms: int) -> Checked:
    """Applies the rules of a table to a chunk. `now_ms`: when the load began."""
    spec = TABLES[table]
    frame, rules = typed(raw.frame, spec, now_ms)
    frame = frame.with_columns(raw.frame[LINE])
    made, more = _OF_TABLE.get(table, _as_is)(frame)
    reason = first_reason(frame, rules + more)
    if spec.attributes:
        objects, wrong = canonical(frame["attributes"], raw.extra)
        made = made.with_columns(objects)
        reason = pl.select(pl.coalesce(reason, wrong)).to_series()
    return Checked(table, made, raw, raw.refused).without(reason)


def _as_is(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rule]]:
    return frame, []


def _words(kinds: frozenset[EventKind]) -> list[str]:
    return sorted(kind.value for kind in kinds)


def _interactions(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rule]]:
    kind, board, weight = pl.col("kind"), pl.col("board_id"), pl.col("weight")
    weighted = kind.is_in(_words(WEIGHTED_EVENTS))
    rules = [
        Rule("kind is not one of SAVE, UNSAVE, VIEW, CLICK, HIDE", ~kind.is_in(_words(PIN_EVENTS))),
        Rule("board_id is for SAVE and UNSAVE only", board.is_not_null() & ~kind.is_in(_words(BOARD_EVENTS))),
        Rule(f"weight is not over 0 and at most {WEIGHT_MAX:g}", weighted & ~_within(weight, WEIGHT_MAX)),
    ]
    made = frame.select(
        pl.col("event_id"),
        kind,
        pl.col("user_id").alias("user"),
        pl.lit(NodeKind.PIN.value).alias("target_kind"),
        pl.col("pin_id").alias("target"),
        pl.col("board_id").alias("board"),
        pl.col("at"),
        pl.when(weighted).then(weight.fill_null(1.0)).alias("weight"),
        pl.col("group_id"),
        pl.col(LINE),
    )
    return made, rules


_TARGET_KINDS: Final = {"USER": NodeKind.USER.value, "BOARD": NodeKind.BOARD.value, "INTEREST": NodeKind.INTEREST.value}


def _follows(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rule]]:
    rules = [
        Rule("target_kind is not one of USER, BOARD, INTEREST", ~pl.col("target_kind").is_in([*_TARGET_KINDS])),
        Rule("kind is not FOLLOW or UNFOLLOW", ~pl.col("kind").is_in(_words(FOLLOW_EVENTS))),
    ]
    made = frame.select(
        pl.col("event_id"),
        pl.col("kind").fill_null("FOLLOW"),
        pl.col("user_id").alias("user"),
        pl.col("target_kind").replace(_TARGET_KINDS),
        pl.col("target_id").alias("target"),
        pl.lit(None, pl.String).alias("board"),
        pl.col("at"),
        pl.lit(None, pl.Float64).alias("weight"),
        pl.lit(None, pl.String).alias("group_id"),
        pl.col(LINE),
    )
    return made, rules


def _pin_interests(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rule]]:
    return frame, [Rule("score is not over 0 and at most 1", ~_within(pl.col("score"), 1.0))]


def _boards(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rule]]:
    return frame.with_columns(pl.col("secret").fill_null(value=False)), []


_OF_TABLE: Final[dict[Table, Callable[[pl.DataFrame], tuple[pl.DataFrame, list[Rule]]]]] = {
    Table.INTERACTIONS: _interactions,
    Table.FOLLOWS: _follows,
    Table.PIN_INTERESTS: _pin_interests,
    Table.BOARDS: _boards,
}


def _within(number: pl.Expr, most: float) -> pl.Expr:
    """Over 0 and at most `most`; true also where there is none. NaN is not."""
    return number.is_null() | ((number > 0) & (number <= most) & number.is_not_nan())


def _refusals(raw: RawChunk, lines: pl.Series, reasons: pl.Series) -> list[Refused]:
    """What the rows of some lines said, as it was written."""
    place = pl.DataFrame({LINE: raw.frame[LINE]}).with_row_index("at").filter(pl.col(LINE).is_in(lines.implode()))
    at = dict(zip(place[LINE].to_list(), place["at"].to_list(), strict=True))
    names = [name for name in raw.frame.columns if name != LINE]
    refused: list[Refused] = []
    for line, reason in zip(lines.to_list(), reasons.to_list(), strict=True):
        row = raw.frame.row(at[line], named=True)
        cells: dict[str, Any] = {name: row[name] for name in names if row[name] is not None}
        if raw.extra is not None:
            cells |= raw.extra[at[line]]
        refused.append(Refused(line, reason, cells))
    return refused
