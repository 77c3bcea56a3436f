"""What a load amounted to: counts that must add up, and the proof by which the next run of the same folder can be spared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

import orjson

from graph.errors import TerminalError
from graph.ports import Outcome
from graph.sealed import write_atomically
from loaders.decode import Tally
from loaders.interchange import Table
from loaders.validation.cells import FUTURE

REASONS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class TableSummary:
    """Rows of one table; see `LoadSummary`."""

    read: int
    written: int
    unchanged: int
    duplicates: int
    conflicts: int
    quarantined: int
    left_out: int


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """A load in rows: read = written + unchanged + duplicates + conflicts + quarantined.

    left_out: rows that --since left out, not among the read. edges_written: edges of the property graph. content_hash: the
    store's, after the load. reasons: why rows were refused, the most frequent first. proven: nothing was read again, because
    the store is as the same load left it.
    """

    load_id: str
    store: str
    read: int
    written: int
    unchanged: int
    duplicates: int
    conflicts: int
    quarantined: int
    left_out: int
    edges_written: int
    content_hash: str
    rows_per_s: float
    seconds: float
    quarantine_file: str | None
    reasons: dict[str, int]
    tables: dict[str, TableSummary]
    proven: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def check(self) -> None:
        """Raises TerminalError when rows got lost or were counted twice: in the whole, or in a table."""
        for name, part in [("the load", self), *self.tables.items()]:
            accounted = part.written + part.unchanged + part.duplicates + part.conflicts + part.quarantined
            if accounted != part.read:
                raise TerminalError(
                    f"{name} read {part.read} rows but accounts for {accounted}; the store may lack rows: run the same load"
                    " again, and report this if it stays"
                )


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a load would take and refuse, in rows; `tables` holds the rows read of each."""

    load_id: str
    store: str
    read: int
    valid: int
    quarantined: int
    left_out: int
    quarantine_file: str | None
    reasons: dict[str, int]
    tables: dict[str, int]
    dry_run: bool = True

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def table_summaries(tallies: Mapping[Table, Tally], outcomes: Mapping[Table, Outcome]) -> dict[str, TableSummary]:
    """Per table: what was read of it, and what became of that."""
    return {
        table.value: TableSummary(
            read=tally.read,
            written=outcomes[table].written,
            unchanged=outcomes[table].unchanged,
            duplicates=outcomes[table].duplicates,
            conflicts=outcomes[table].conflicts,
            quarantined=tally.quarantined,
            left_out=tally.left_out,
        )
        for table, tally in tallies.items()
    }


def frequent(reasons: Counter[str]) -> dict[str, int]:
    """The most frequent reasons, first first; equals by name."""
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:REASONS_SHOWN])


def keep_proof(path: Path, summary: LoadSummary) -> None:
    """Remembers how a load ended."""
    write_atomically(path, orjson.dumps(summary.as_dict()), mode=0o600)


def read_proof(path: Path) -> LoadSummary | None:
    """How the same load ended last time; None when that says nothing about now.

    It says nothing when rows were refused that time alone makes good, or when their file is gone.
    """
    try:
        kept = cast("dict[str, Any]", orjson.loads(path.read_bytes()))
        tables = {name: TableSummary(**part) for name, part in kept.pop("tables").items()}
        summary = LoadSummary(**kept, tables=tables)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # whatever it is, the load is done in full and writes it anew
    if any(reason.endswith(FUTURE) for reason in summary.reasons) or len(summary.reasons) >= REASONS_SHOWN:
        return None
    if summary.quarantine_file is not None and not Path(summary.quarantine_file).is_file():
        return None
    return summary


def _again(part: TableSummary) -> TableSummary:
    return TableSummary(
        part.read, 0, part.written + part.unchanged, part.duplicates, part.conflicts, part.quarantined, part.left_out
    )


def unchanged(before: LoadSummary, seconds: float) -> LoadSummary:
    """The summary of a load that found everything as it was left."""
    tables = {name: _again(part) for name, part in before.tables.items()}
    return LoadSummary(
        load_id=before.load_id,
        store=before.store,
        read=before.read,
        written=0,
        unchanged=before.written + before.unchanged,
        duplicates=before.duplicates,
        conflicts=before.conflicts,
        quarantined=before.quarantined,
        left_out=before.left_out,
        edges_written=0,
        content_hash=before.content_hash,
        rows_per_s=before.read / seconds,
        seconds=seconds,
        quarantine_file=before.quarantine_file,
        reasons=before.reasons,
        tables=tables,
        proven=True,
    )
