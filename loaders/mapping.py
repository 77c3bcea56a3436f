"""A user's own export read as if it were in interchange form: which file holds which table, and what its columns mean.

The mapping is a TOML file (docs/loading.md has a whole one). It says how cells are renamed and rewritten; what they must be
like afterwards is judged where every other row is, in `loaders.validation`.
"""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, cast

import msgspec
import orjson
import polars as pl

from graph.errors import InvalidInputError
from loaders.interchange import SUFFIXES, TABLES, Cell, Column, Folder, SourceFile, Table, TableSpec, exported_at
from loaders.sources.chunk import LINE, RawChunk, Refused
from loaders.validation.times import parse_time

_EPOCHS: Final = {"epoch_s": 1_000, "epoch_ms": 1}
_PROBE: Final = datetime(2001, 2, 3, 4, 5, 6)  # noqa: DTZ001  any moment does


class ColumnMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a column's cells are from, and what becomes of them, in this order: `values`, `default`, `time`.

    column: theirs, the same name by default. value: a constant, instead of a column. values: their words for ours; others stay
    as they are. default: for an empty cell. time: `epoch_s`, `epoch_ms`, or a format as strptime's, in UTC if it has no zone.
    """

    column: str | None = None
    value: str | int | float | bool | None = None
    values: dict[str, str] = {}
    default: str | int | float | bool | None = None
    time: str | None = None


class FileMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of a table in some files. file: a name, or a pattern such as `events/*.csv.gz`, within the folder.

    columns: ours by theirs, or a `ColumnMap`; a column of ours that is not named is theirs of the same name, if there is one.
    attributes: which of their other columns become attributes of users and pins.
    """

    file: str
    columns: dict[str, str | ColumnMap] = {}
    attributes: list[str] | Literal["all", "none"] = "all"


@dataclass(frozen=True, slots=True)
class MappedTable:
    """One `FileMap` of a table, ready for use: what to read (`spec`), and how its chunks become ours (`apply`)."""

    table: Table
    columns: dict[str, ColumnMap]
    attributes: list[str] | Literal["all", "none"]

    @property
    def spec(self) -> TableSpec:
        """Their columns that are needed, as the readers ask for them."""
        required = TABLES[self.table].required
        theirs: dict[str, Column] = {}
        for name, source in self.columns.items():
            if source.value is None:
                called = source.column or name
                if source == ColumnMap() and called == "attributes":
                    theirs[called] = Column(called, Cell.ATTRIBUTES)
                    continue
                needed = source.column is not None or (name in required and source.default is None)
                theirs[called] = Column(called, Cell.ANY, needed or (called in theirs and theirs[called].required))
        return TableSpec(tuple(theirs.values()), TABLES[self.table].attributes)

    def apply(self, chunk: RawChunk) -> RawChunk:
        """The chunk with our columns. Rows with a time that is not of its format are refused."""
        made = chunk.frame.select(
            *(self._cells(name, source, chunk.frame) for name, source in self.columns.items()), LINE
        )
        refused = list(chunk.refused)
        keep = pl.Series([True] * made.height, dtype=pl.Boolean)
        for name, source in self.columns.items():
            if source.time is not None:
                times = _times(made[name], source.time)
                broken = made[name].is_not_null() & times.is_null()
                reason = f"{name} is no time as the mapping says, {source.time}"
                refused += [
                    Refused(
                        row[LINE], reason, {key: cell for key, cell in row.items() if key != LINE and cell is not None}
                    )
                    for row in made.filter(broken & keep).iter_rows(named=True)
                ]
                keep &= ~broken
                made = made.with_columns(times)
        extra = None if chunk.extra is None else self._attributes(chunk.extra)
        if extra is not None and not keep.all():
            extra = [row for row, kept in zip(extra, keep.to_list(), strict=True) if kept]
        return RawChunk(made.filter(keep), refused, extra, chunk.origin)

    def _cells(self, name: str, source: ColumnMap, frame: pl.DataFrame) -> pl.Expr:
        if source.value is not None:
            return pl.lit(_text(source.value)).alias(name)
        called = source.column or name
        cell = pl.col(called) if called in frame.columns else pl.lit(None, pl.String)
        if source.values:
            cell = cell.replace(source.values)
        if source.default is not None:
            cell = pl.when(cell.is_null() | (cell == "")).then(pl.lit(_text(source.default))).otherwise(cell)
        return pl.when(cell != "").then(cell).alias(name)

    def _attributes(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
        if self.attributes == "none":
            return None
        if self.attributes == "all":
            return rows
        wanted = frozenset(self.attributes)
        return [{name: cell for name, cell in row.items() if name in wanted} for row in rows]


def as_written(table: Table) -> MappedTable:
    """Our own columns, whatever the type of their cells: a number may be text."""
    return MappedTable(table, {name: ColumnMap() for name in TABLES[table].names}, "all")


def mapped_folder(folder: Path, mapping: Path, now_ms: int) -> Folder:
    """A folder as a mapping reads it. `now_ms`: when the load began.

    Raises InvalidInputError, with the place in the file, for a mapping that can't be used.
    """
    if not folder.is_dir():
        raise InvalidInputError(f"{folder} is no folder; give one that holds the files that {mapping} names")
    maps = _read(mapping)
    files: dict[Table, list[SourceFile]] = {}
    for place, table, file_map in maps:
        mapped = _mapped(table, file_map, place)
        files.setdefault(table, []).extend(
            SourceFile(table, path, mapped) for path in _files(folder, file_map, f"{place}.file")
        )
    canonical = orjson.dumps(msgspec.to_builtins(maps), option=orjson.OPT_SORT_KEYS).decode()
    in_order = {table: tuple(files[table]) for table in Table if table in files}
    return Folder(folder, in_order, exported_at(folder, now_ms), mapping=canonical)


def _read(path: Path) -> list[tuple[str, Table, FileMap]]:
    """What a mapping says of tables, each with its place. One is said once, `[users]`, or file by file, `[[interactions]]`."""
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInputError(f"mapping {path} can't be read ({error.strerror}); give a TOML file") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInputError(f"{path.name}: not TOML: {error}") from None
    if unknown := [name for name in said if name not in {*Table}]:
        raise InvalidInputError(f"{path.name}: {unknown[0]}: no table of that name; there are {', '.join(Table)}")
    if not said:
        raise InvalidInputError(f"{path.name} maps no table; begin with one such as [interactions]")
    return [
        (place, Table(name), _file_map(part, place))
        for name, parts in said.items()
        for place, part in _places(f"{path.name}: {name}", parts)
    ]


def _places(place: str, parts: Any) -> list[tuple[str, Any]]:
    if not isinstance(parts, list):
        return [(place, parts)]
    return [(f"{place}[{number}]", part) for number, part in enumerate(cast("list[Any]", parts))]


def _file_map(said: Any, place: str) -> FileMap:
    try:
        return msgspec.convert(said, FileMap)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        within = where.strip("`").removeprefix("$").replace("[...]", "")
        raise InvalidInputError(f"{place}{within}: {what}") from None


def _mapped(table: Table, file_map: FileMap, place: str) -> MappedTable:
    columns = {
        name: ColumnMap(column=source) if isinstance(source, str) else source
        for name, source in file_map.columns.items()
    }
    spec = TABLES[table]
    for name, source in columns.items():
        where = f"{place}.columns.{name}"
        if name not in spec.names:
            raise InvalidInputError(f"{where}: {table} has no such column; it has {', '.join(spec.names)}")
        if source.value is not None and source != ColumnMap(value=source.value):
            raise InvalidInputError(f"{where}: a constant value goes with nothing else; drop the rest, or the value")
        if source.time is not None:
            _check_time(source.time, spec, name, where)
    others = {name: ColumnMap() for name in spec.names if name not in columns}
    return MappedTable(table, others | columns, file_map.attributes)


def _check_time(form: str, spec: TableSpec, name: str, where: str) -> None:
    if next(column.cell for column in spec.columns if column.name == name) is not Cell.TIME:
        raise InvalidInputError(f"{where}.time: {name} holds no time; drop it")
    if form in _EPOCHS:
        return
    known = False
    if "%" in form:
        probe = pl.Series([_PROBE.strftime(form)])
        with suppress(pl.exceptions.PolarsError):
            known = _times(probe, form).null_count() == 0
    if not known:
        raise InvalidInputError(
            f"{where}.time: {form!r} is no format; use epoch_s, epoch_ms or one like '%d.%m.%Y %H:%M' with day, month and year"
        )


def _files(folder: Path, file_map: FileMap, where: str) -> list[Path]:
    try:
        found = sorted(path for path in folder.glob(file_map.file) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise InvalidInputError(f"{where}: {file_map.file!r} is no name within the folder ({error})") from None
    if not found:
        raise InvalidInputError(f"{where}: {folder} holds no {file_map.file}")
    if odd := [path.name for path in found if not path.name.endswith(SUFFIXES)]:
        raise InvalidInputError(f"{where}: {odd[0]} is none of {', '.join(SUFFIXES)}")
    return found


def _times(cells: pl.Series, form: str) -> pl.Series:
    """Times as text of integer milliseconds; null for what is not of the format."""
    if (factor := _EPOCHS.get(form)) is not None:
        number = (cells.cast(pl.Float64, strict=False) * factor).round()
        return number.cast(pl.Int64, strict=False).cast(pl.String).rename(cells.name)
    if "%z" in form or "%Z" in form:
        read = [_strptime(cell, form) for cell in cells.to_list()]
        return pl.Series(cells.name, read, pl.String)
    moments = cells.str.to_datetime(form, strict=False, time_unit="ms")
    return moments.dt.timestamp("ms").cast(pl.String)


def _strptime(cell: str | None, form: str) -> str | None:
    try:
        parsed = parse_time(datetime.strptime(cell, form).isoformat()) if cell else None  # noqa: DTZ007
    except ValueError:
        return None
    return None if parsed is None else str(parsed)


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
