"""Times as people and programs write them, column by column: `graph.times.parse_time` says what is meant."""

from __future__ import annotations

from typing import Final

import polars as pl

from graph.model import TIME_MS_MAX, TIME_MS_MIN
from graph.times import parse_time

FUTURE_MS: Final = 24 * 3600 * 1000
"""How far ahead of a load's start a time in a file may be."""
_COMMON: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?Z?$"
_COMMON_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"
_YEAR_0001_MS: Final = -62_135_596_800_000


def parse_times(values: pl.Series) -> pl.Series:
    """A column of times as Int64 milliseconds, null where there is none or it can't be read.

    Takes text, integers (milliseconds), dates and timestamps (without a zone: UTC).
    """
    if values.dtype == pl.String:
        return _parse_texts(values)
    if values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        return values.dt.timestamp("ms").rename(values.name)
    whole = values.cast(pl.Int64, strict=False)
    return whole.set(~whole.is_between(TIME_MS_MIN, TIME_MS_MAX), None)


def _parse_texts(values: pl.Series) -> pl.Series:
    """The common spellings at the column's speed, the rest one by one."""
    text = pl.col("text")
    second = (text.str.head(10) + "T" + text.str.slice(11, 8)).str.to_datetime(
        _COMMON_FORMAT, strict=False, time_unit="ms"
    )
    thousandths = text.str.slice(20, 3).str.strip_suffix("Z").str.pad_end(3, "0").cast(pl.Int64, strict=False)
    frame = pl.DataFrame({"text": values})
    common = pl.when(text.str.contains(_COMMON)).then(second.dt.timestamp("ms") + thousandths).alias(values.name)
    parsed = frame.select(common).to_series()
    parsed = parsed.set(parsed < _YEAR_0001_MS, None)
    rest = (parsed.is_null() & values.is_not_null()).arg_true()
    if len(rest):
        parsed = parsed.scatter(rest, [parse_time(text) for text in values.gather(rest).to_list()])
    return parsed
