"""The first pass of a load: every row is read, judged, and put aside for writing or into the quarantine. Writes no store.

Tables that name others come after them, so that what is referred to is known by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow.parquet as pq
from rich.progress import Progress

from graph.ahead import ahead
from graph.model import NodeKind
from loaders import sources
from loaders.drift import TableProfile
from loaders.events import identified
from loaders.interchange import Folder, SourceFile, Table
from loaders.quarantine import Quarantine
from loaders.sources.chunk import LINE, RawChunk, readable
from loaders.spill import Spill, Split, parts_for
from loaders.validation.references import NODE_TABLES, References
from loaders.validation.tables import Checked, check_rows
from loaders.validation.taxonomy import LEVELS_MAX, by_level

ORDER: Final = (
    Table.USERS,
    Table.PINS,
    Table.INTERESTS,
    Table.ENTITIES,
    Table.BOARDS,
    Table.PIN_INTERESTS,
    Table.PIN_ENTITIES,
    Table.RELATIONS,
    Table.FOLLOWS,
    Table.INTERACTIONS,
)
EVENT_TABLES: Final = frozenset({Table.INTERACTIONS, Table.FOLLOWS})
_BY_ID: Final = Split("id")
_SPLITS: Final = {
    Table.USERS: _BY_ID,
    Table.PINS: _BY_ID,
    Table.ENTITIES: _BY_ID,
    Table.BOARDS: _BY_ID,
    Table.PIN_INTERESTS: Split("pin_id", "interest_id"),
    Table.PIN_ENTITIES: Split("pin_id", "entity_id"),
    Table.RELATIONS: Split("head_id", "tail_id"),
    Table.FOLLOWS: Split("user", "target"),
    Table.INTERACTIONS: Split("user", "target"),
}
"""Equal rows meet in one part, and rows of one source too, if it is no hub."""
_BY_EVENT_ID: Final = Split("event_id", "event_id", ordered=True)
_ROW_BYTES: Final = 32
_GZIP_RATIO: Final = 4


@dataclass(slots=True)
class Tally:
    """Rows of one table: read and judged, refused, and left out by --since (these are not among the read)."""

    read: int = 0
    quarantined: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are wanted of interactions and follows: the first `limit` of each, those at or after `since_ms`."""

    limit: int | None = None
    since_ms: int | None = None


class Decoded:
    """Everything that is fit to be written: a spill a table, bare nodes by kind, and the taxonomy with its levels.

    by_event_id: whether events are split by their ids rather than by their users (`graph.stores.by_event_id`).
    """

    def __init__(self, folder: Folder, workspace: Path, *, by_event_id: bool) -> None:
        self.exported_at = folder.exported_at
        self.by_event_id = by_event_id
        self.tallies = {table: Tally() for table in folder.files}
        self.profile = {table.value: TableProfile() for table in folder.files}
        self.tables = {
            table: Spill(workspace, table.value, parts_for(sum(map(_rows_about, files))), self._split(table))
            for table, files in folder.files.items()
            if table is not Table.INTERESTS
        }
        mentioned = parts_for(sum(map(_rows_about, folder.all_files)) // 4)
        self.bare = {
            kind: Spill(workspace, f"bare-{kind.lower()}", mentioned, _BY_ID)
            for kind in (NodeKind.USER, NodeKind.PIN, NodeKind.ENTITY)
        }
        self.interests = pl.DataFrame()

    def _split(self, table: Table) -> Split:
        return _BY_EVENT_ID if self.by_event_id and table in EVENT_TABLES else _SPLITS[table]

    @property
    def read(self) -> int:
        """Rows read of all tables."""
        return sum(tally.read for tally in self.tallies.values())

    @property
    def left_out(self) -> int:
        """Rows that --since left out."""
        return sum(tally.left_out for tally in self.tallies.values())

    def rows(self, table: Table) -> int:
        """Rows of a table that are to be written."""
        return self.tables[table].rows if table in self.tables else self.interests.height

    def parts(self, table: Table) -> Iterator[tuple[str, pl.DataFrame]]:
        """Those rows in parts, by name: of interests one a level, parents before children."""
        if table in self.tables:
            yield from self.tables[table].parts()
        else:
            for level in range(LEVELS_MAX):
                rows = self.interests.filter(pl.col("level") == level).drop("level")
                if rows.height:
                    yield f"{level:04}", rows


def decode(
    folder: Folder,
    decoded: Decoded,
    references: References,
    refusals: Quarantine,
    wanted: Selection,
    now_ms: int,
    bars: Progress,
) -> None:
    """Reads a folder into `decoded` and `refusals`.

    Raises InvalidInputError for a file that can't be read at all. `now_ms`: when the load began.
    """
    for table in ORDER:
        if table not in folder.files:
            continue
        bar = bars.add_task(f"reading {table}", total=None)
        tally, taxonomy = decoded.tallies[table], list[_Named]()
        for name, checked, left_out in ahead(_judged(folder.files[table], wanted, now_ms)):
            tally.read += checked.raw.rows - left_out
            tally.left_out += left_out
            if table is Table.INTERESTS:
                taxonomy.append((name, checked))
            else:
                _keep(name, checked, decoded, references, refusals)
            bars.update(bar, advance=checked.raw.rows)
        if taxonomy:
            _keep_taxonomy(taxonomy, decoded, references, refusals)


_Named = tuple[str, Checked]
"""What rows are from, a file or a partition of a log, and the rows."""


def _judged(files: Sequence[SourceFile], wanted: Selection, now_ms: int) -> Iterator[tuple[str, Checked, int]]:
    """The rows of a table, what they are from, and how many of each chunk --since leaves out."""
    for name, raw in _wanted(files, wanted):
        yield name, *_since(check_rows(files[0].table, raw, now_ms), wanted)


def _wanted(files: Sequence[SourceFile], wanted: Selection) -> Iterator[tuple[str, RawChunk]]:
    """The chunks of a table, up to the limit where there is one."""
    chunks = ((raw.origin or file.path.name, raw) for file in files for raw in sources.read(file))
    if wanted.limit is None or files[0].table not in EVENT_TABLES:
        yield from chunks
        return
    left = wanted.limit
    for name, raw in chunks:
        if raw.rows >= left:
            lines = sorted([*raw.frame[LINE].to_list(), *(row.line for row in raw.refused)])[:left]
            last = lines[-1] if lines else 0
            refused = [row for row in raw.refused if row.line <= last]
            yield name, replace(raw, frame=raw.frame.filter(pl.col(LINE) <= last), refused=refused)
            return
        left -= raw.rows
        yield name, raw


def _since(checked: Checked, wanted: Selection) -> tuple[Checked, int]:
    """The rows that are not too old, and how many are; a row without a time is."""
    if wanted.since_ms is None or checked.table not in EVENT_TABLES:
        return checked, 0
    frame = checked.frame.filter(pl.col("at") >= wanted.since_ms)
    return Checked(checked.table, frame, checked.raw, checked.refused), checked.frame.height - frame.height


def _keep(name: str, checked: Checked, decoded: Decoded, references: References, refusals: Quarantine) -> None:
    checked, bare = references.resolve(checked)
    _refuse(name, checked, decoded, refusals)
    if (kind := NODE_TABLES.get(checked.table)) is not None:
        references.known[kind].add(checked.frame["id"])
    for mentioned, ids in bare.items():
        decoded.bare[mentioned].add(ids.to_frame("id"))
    rows = checked.frame.drop(LINE)
    decoded.profile[checked.table].add(rows)
    decoded.tables[checked.table].add(identified(rows) if checked.table in EVENT_TABLES else rows)


def _keep_taxonomy(chunks: list[_Named], decoded: Decoded, references: References, refusals: Quarantine) -> None:
    rows, reasons = by_level(pl.concat([chunk.frame for _, chunk in chunks]), references)
    at = 0
    for name, chunk in chunks:
        judged = chunk.without(reasons.slice(at, chunk.frame.height))
        at += chunk.frame.height
        _refuse(name, judged, decoded, refusals)
    decoded.interests = rows.filter(reasons.is_null()).drop(LINE)
    decoded.profile[Table.INTERESTS].add(decoded.interests)
    references.known[NodeKind.INTEREST].add(decoded.interests["id"])


def _refuse(name: str, checked: Checked, decoded: Decoded, refusals: Quarantine) -> None:
    refusals.add(name, checked.table, checked.refused)
    decoded.tallies[checked.table].quarantined += len(checked.refused)


def _rows_about(file: SourceFile) -> int:
    """An estimate, the same for the same file."""
    with readable(file.path):
        if file.format == "parquet":
            return pq.read_metadata(file.path).num_rows
        return file.path.stat().st_size * (_GZIP_RATIO if file.compressed else 1) // _ROW_BYTES
