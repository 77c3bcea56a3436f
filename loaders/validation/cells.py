"""Rules of single cells, on whole columns: what a cell means, and why one is refused.

The rules are those of `graph.model` (a property test compares `id_rules` with `check_id`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from graph.model import ID_BYTES_MAX, TEXT_BYTES_MAX
from loaders.interchange import Cell, Column, TableSpec
from loaders.validation.times import FUTURE_MS, parse_times

PREDICATE_BYTES_MAX: Final = 256
FUTURE: Final = "is over 24 h in the future"
"""Ends the reason of a row that only time makes good."""
_CONTROL: Final = r"\p{Cc}"
_TRUE: Final = ("true", "1", "t", "yes")
_FALSE: Final = ("false", "0", "f", "no")


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `broken` is true, a row is refused for `reason`. The first broken rule of a row gives its reason."""

    reason: str
    broken: pl.Expr


def typed(frame: pl.DataFrame, spec: TableSpec, now_ms: int) -> tuple[pl.DataFrame, list[Rule]]:
    """All columns of a table with their own types, absent ones as nulls, and the rules that their cells must obey.

    TIME becomes Int64 milliseconds, NUMBER Float64, FLAG Boolean, everything else String with "" as null. `now_ms` is when
    the load began.
    """
    columns: list[pl.Series] = []
    rules: list[Rule] = []
    for column in spec.columns:
        raw = (
            frame[column.name]
            if column.name in frame.columns
            else pl.Series(column.name, [None] * frame.height, pl.String)
        )
        if raw.dtype == pl.String:
            raw = pl.select(pl.when(raw != "").then(raw).alias(column.name)).to_series()
        value = _value(column, raw)
        columns.append(value)
        unread = raw.is_not_null() & value.is_null()
        if unread.any():
            rules.append(Rule(f"{column.name} is not {_CALLED[column.cell]}", pl.lit(unread)))
        rules += _rules(column, now_ms)
    return pl.DataFrame(columns), rules


_CALLED: Final = {
    Cell.TIME: "an ISO 8601 time or integer milliseconds",
    Cell.NUMBER: "a number",
    Cell.FLAG: "true or false",
}


def _value(column: Column, raw: pl.Series) -> pl.Series:
    if column.cell is Cell.TIME:
        return parse_times(raw)
    if column.cell is Cell.NUMBER:
        return raw.cast(pl.Float64, strict=False)
    if column.cell is Cell.FLAG and raw.dtype == pl.String:
        word = pl.col(raw.name).str.to_lowercase()
        said = pl.when(word.is_in(_TRUE)).then(True).when(word.is_in(_FALSE)).then(False)
        return raw.to_frame().select(said.alias(raw.name)).to_series()
    return raw


def _rules(column: Column, now_ms: int) -> Iterator[Rule]:
    cell = pl.col(column.name)
    if column.required:
        yield Rule(f"{column.name} is empty", cell.is_null())
    if column.cell is Cell.ID:
        yield from id_rules(column.name)
    elif column.cell is Cell.PREDICATE:
        yield Rule(
            f"{column.name} is longer than {PREDICATE_BYTES_MAX} bytes", cell.str.len_bytes() > PREDICATE_BYTES_MAX
        )
        yield Rule(f"{column.name} holds a control character", cell.str.contains(_CONTROL))
    elif column.cell is Cell.TEXT:
        yield Rule(f"{column.name} is longer than {TEXT_BYTES_MAX} bytes", cell.str.len_bytes() > TEXT_BYTES_MAX)
        yield Rule(f"{column.name} holds a NUL byte", cell.str.contains("\0", literal=True))
    elif column.cell is Cell.TIME:
        yield Rule(f"{column.name} {FUTURE}", cell > now_ms + FUTURE_MS)


def id_rules(name: str) -> Iterator[Rule]:
    """`graph.model.check_id` for a column of text; a null breaks none of them."""
    cell = pl.col(name)
    yield Rule(f"{name} is longer than {ID_BYTES_MAX} bytes", cell.str.len_bytes() > ID_BYTES_MAX)
    yield Rule(f"{name} holds a control character", cell.str.contains(_CONTROL))


def first_reason(frame: pl.DataFrame, rules: list[Rule]) -> pl.Series:
    """For each row the reason of the first rule that it breaks, null for none."""
    if not rules:
        return pl.Series([None] * frame.height, dtype=pl.String)
    reasons = [pl.when(rule.broken).then(pl.lit(rule.reason)) for rule in rules]
    return frame.select(pl.coalesce(reasons).alias("reason")).to_series()
