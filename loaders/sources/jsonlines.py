"""JSON Lines: one object a line, columns by name, cells of JSON's own types; ids are strings, times strings or integers.

`decode` and `chunk` are for every source whose rows are JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, cast

import orjson
import polars as pl

from loaders.interchange import Cell, Column, SourceFile, check_columns
from loaders.sources.chunk import LINE, RawChunk, Refused
from loaders.sources.lines import Block, blocks

_Row = dict[str, Any]


def check(file: SourceFile) -> None:
    """Raises InvalidInputError when a required column is in none of the first rows."""
    for block in blocks(file):
        rows, _, _ = decode(_lines(block))
        if rows:
            check_columns(file, list(dict.fromkeys(name for row in rows for name in row)))
        return


def read(file: SourceFile) -> Iterator[RawChunk]:
    """The rows of a JSONL file."""
    for block in blocks(file):
        rows, numbers, refused = decode(_lines(block))
        yield chunk(file, rows, numbers, block.refused + refused)


def _lines(block: Block) -> Iterable[tuple[int, bytes]]:
    return enumerate(block.data.split(b"\n")[:-1], block.first_line)


def decode(lines: Iterable[tuple[int, bytes]], called: str = "line") -> tuple[list[_Row], list[int], list[Refused]]:
    """Objects and their numbers, of numbered lines, and what is none; blank lines are passed over."""
    rows: list[_Row] = []
    numbers: list[int] = []
    refused: list[Refused] = []
    for number, line in lines:
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            refused.append(Refused(number, f"not JSON: {error}", line.decode(errors="backslashreplace")))
            continue
        if isinstance(value, dict):
            rows.append(cast("_Row", value))
            numbers.append(number)
        else:
            refused.append(Refused(number, f"the {called} is no JSON object", line.decode()))
    return rows, numbers, refused


def _number(value: Any) -> float:
    return float(value)


def _time(value: Any) -> str:
    return str(value)


def _any(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_CELLS: Final[dict[Cell, tuple[frozenset[type], str, pl.DataType, Callable[[Any], Any] | None]]] = {
    Cell.ID: (frozenset({str}), "text", pl.String(), None),
    Cell.TEXT: (frozenset({str}), "text", pl.String(), None),
    Cell.WORD: (frozenset({str}), "text", pl.String(), None),
    Cell.PREDICATE: (frozenset({str}), "text", pl.String(), None),
    Cell.TIME: (frozenset({str, int}), "ISO 8601 text or integer milliseconds", pl.String(), _time),
    Cell.NUMBER: (frozenset({int, float}), "a number", pl.Float64(), _number),
    Cell.FLAG: (frozenset({bool}), "true or false", pl.Boolean(), None),
    Cell.ANY: (frozenset({str, int, float, bool}), "a single value", pl.String(), _any),
    Cell.ATTRIBUTES: (frozenset({dict}), "an object", pl.Object(), None),
}
"""Per kind of cell: the JSON types it takes, what to call them, the column's type, and how a cell is brought to it."""

_NONE: Final = type(None)


def chunk(file: SourceFile, rows: list[_Row], numbers: list[int], refused: list[Refused]) -> RawChunk:
    """Objects as rows of a table; those with a cell of a wrong type are added to `refused`."""
    rows, numbers = _well_typed(file, rows, numbers, refused)
    columns = [_series(column, rows) for column in file.spec.columns if column.cell is not Cell.ATTRIBUTES]
    extra: list[_Row] | None = None
    if file.spec.attributes:
        known = frozenset(file.spec.names)
        extra = [
            {**(row.get("attributes") or {}), **{name: cell for name, cell in row.items() if name not in known}}
            for row in rows
        ]
    return RawChunk(pl.DataFrame([*columns, pl.Series(LINE, numbers, pl.Int64)]), refused, extra)


def _well_typed(
    file: SourceFile, rows: list[_Row], numbers: list[int], refused: list[Refused]
) -> tuple[list[_Row], list[int]]:
    """The rows whose cells have types that their columns take; the others are added to `refused`."""
    suspects = [
        column
        for column in file.spec.columns
        if not {type(row.get(column.name)) for row in rows} <= _CELLS[column.cell][0] | {_NONE}
    ]
    if not suspects:
        return rows, numbers
    kept: list[tuple[_Row, int]] = []
    for row, number in zip(rows, numbers, strict=True):
        reason = next((r for column in suspects if (r := _mistyped(column, row.get(column.name)))), None)
        if reason is None:
            kept.append((row, number))
        else:
            refused.append(Refused(number, reason, row))
    return [row for row, _ in kept], [number for _, number in kept]


def _mistyped(column: Column, cell: Any) -> str | None:
    types, called, _, _ = _CELLS[column.cell]
    return None if cell is None or type(cell) in types else f"{column.name} is not {called}"


def _series(column: Column, rows: list[_Row]) -> pl.Series:
    _, _, dtype, brought = _CELLS[column.cell]
    cells = [row.get(column.name) for row in rows]
    if brought is not None:
        cells = [None if cell is None else brought(cell) for cell in cells]
    return pl.Series(column.name, cells, dtype)
