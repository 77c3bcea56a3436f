"""Whether a source still looks like what was loaded before: how many rows of which kind, how many empty cells, which times.

A broken export is seldom broken in its rows: a column is empty all at once, a kind is missing, times are from 1970. Rows are
judged one by one elsewhere; here a whole load is held against the last ones into the same store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
import polars as pl

from graph.sealed import write_atomically

LOADS_KEPT: Final = 10
ROWS_MIN: Final = 100
"""Of a table with fewer rows, shares say nothing."""
SHARE_MAX: Final = 0.2
"""By how much the share of a kind, or of empty cells, may differ from that of the last loads."""
FACTOR_MAX: Final = 10
"""How many times as many rows, or a how manieth of them, a table may have."""
_DAYS_MS: Final = 30 * 86_400_000


@dataclass(slots=True)
class TableProfile:
    """What rows of a table look like: how many, of which kinds, with how many nulls in each column, and from when (ms)."""

    rows: int = 0
    kinds: dict[str, int] = field(default_factory=dict[str, int])
    nulls: dict[str, int] = field(default_factory=dict[str, int])
    earliest: int | None = None
    latest: int | None = None

    def add(self, frame: pl.DataFrame) -> None:
        """Takes rows that were found good."""
        self.rows += frame.height
        self.nulls = dict(Counter(self.nulls) + Counter(frame.null_count().row(0, named=True))) if frame.width else {}
        if "kind" in frame.columns:
            counts = frame["kind"].value_counts()
            self.kinds = dict(Counter(self.kinds) + Counter(dict(counts.iter_rows())))
        if "at" in frame.columns:
            times = frame["at"]
            self.earliest = _or(min, self.earliest, _whole(times.min()))
            self.latest = _or(max, self.latest, _whole(times.max()))

    def null_share(self, column: str) -> float:
        return self.nulls.get(column, 0) / self.rows

    def kind_share(self, kind: str) -> float:
        return self.kinds.get(kind, 0) / self.rows


Profile = dict[str, TableProfile]
"""Of a load: its tables by name."""


def history(path: Path) -> dict[str, Profile]:
    """The profiles of the last loads, oldest first, by load; empty where there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Profile])
    except (OSError, msgspec.MsgspecError):
        return {}


def remember(path: Path, load_id: str, profile: Profile) -> None:
    """Adds a load that has finished."""
    kept = {name: before for name, before in history(path).items() if name != load_id}
    last = dict([*kept.items(), (load_id, profile)][-LOADS_KEPT:])
    write_atomically(path, msgspec.json.encode(last), mode=0o600)


def drift(now: Profile, before: Iterable[Profile]) -> list[str]:
    """What differs from the last loads, one line each; a table that none of them had differs in nothing."""
    past: dict[str, list[TableProfile]] = {}
    for profile in before:
        for name, table in profile.items():
            if table.rows >= ROWS_MIN:
                past.setdefault(name, []).append(table)
    found: list[str] = []
    for name, table in now.items():
        if known := past.get(name):
            found += [f"{name}: {line}" for line in _differences(table, known)]
    return found


def _differences(now: TableProfile, before: Sequence[TableProfile]) -> list[str]:
    usual = median(table.rows for table in before)
    found: list[str] = []
    if not usual / FACTOR_MAX <= now.rows <= usual * FACTOR_MAX:
        found.append(f"{now.rows:,} rows, usually about {usual:,.0f}")
    if now.rows >= ROWS_MIN:
        found += _shares(now, before)
    return found + _times(now, before)


def _shares(now: TableProfile, before: Sequence[TableProfile]) -> list[str]:
    found: list[str] = []
    for kind in sorted({*now.kinds, *(kind for table in before for kind in table.kinds)}):
        usual, share = median(table.kind_share(kind) for table in before), now.kind_share(kind)
        if abs(share - usual) > SHARE_MAX:
            found.append(f"{share:.0%} of the rows are {kind}, usually {usual:.0%}")
    for column in sorted({*now.nulls, *(column for table in before for column in table.nulls)}):
        usual, share = median(table.null_share(column) for table in before), now.null_share(column)
        if abs(share - usual) > SHARE_MAX:
            found.append(f"{column} is empty in {share:.0%} of the rows, usually in {usual:.0%}")
    return found


def _times(now: TableProfile, before: Sequence[TableProfile]) -> list[str]:
    earliest = [table.earliest for table in before if table.earliest is not None]
    latest = [table.latest for table in before if table.latest is not None]
    if now.earliest is None or now.latest is None or not earliest or not latest:
        return []
    found: list[str] = []
    span = max(max(latest) - min(earliest), _DAYS_MS)
    if now.earliest < min(earliest) - span:
        found.append(f"the oldest is of {_day(now.earliest)}, so far {_day(min(earliest))}; are times in other units?")
    if now.latest < latest[-1] - _DAYS_MS:
        found.append(f"the newest is of {_day(now.latest)}, before that of the last load, {_day(latest[-1])}")
    if now.latest > max(latest) + 10 * span:
        found.append(f"the newest is of {_day(now.latest)}, so far {_day(max(latest))}; are times in other units?")
    return found


def _or(choose: Any, held: int | None, found: int | None) -> int | None:
    return choose(held, found) if held is not None and found is not None else held if found is None else found


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _day(at_ms: int) -> str:
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"


def told(lines: Sequence[str]) -> str:
    """Several differences in one line."""
    more = f", and {len(lines) - 3} more" if len(lines) > 3 else ""
    return "; ".join(lines[:3]) + more
