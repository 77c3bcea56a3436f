"""Parquet: columns by name; ids and text are strings, times timestamps, dates, strings or integer milliseconds."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from graph.errors import InvalidInputError
from loaders.interchange import Cell, SourceFile, check_columns
from loaders.sources.chunk import CHUNK_ROWS, LINE, RawChunk, readable


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_time(kind: pa.DataType) -> bool:
    return _is_text(kind) or pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind)


def _is_number(kind: pa.DataType) -> bool:
    return _is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _is_single(kind: pa.DataType) -> bool:
    return not pa.types.is_nested(kind) and not pa.types.is_binary(kind) and not pa.types.is_large_binary(kind)


def _is_flag(kind: pa.DataType) -> bool:
    return _is_text(kind) or pa.types.is_boolean(kind)


_TAKES: Final = {
    Cell.ID: (_is_text, "strings"),
    Cell.TEXT: (_is_text, "strings"),
    Cell.WORD: (_is_text, "strings"),
    Cell.PREDICATE: (_is_text, "strings"),
    Cell.ATTRIBUTES: (_is_text, "strings that hold a JSON object"),
    Cell.TIME: (_is_time, "timestamps, ISO 8601 strings or integer milliseconds"),
    Cell.NUMBER: (_is_number, "numbers"),
    Cell.FLAG: (_is_flag, "booleans"),
    Cell.ANY: (_is_single, "single values"),
}


@contextmanager
def _readable(file: SourceFile) -> Generator[None]:
    """pyarrow tells of damage by several exceptions, some of them OSErrors without an errno."""
    try:
        with readable(file.path):
            yield
    except (pa.ArrowException, UnicodeDecodeError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInputError(f"{file.path} is no sound Parquet file ({reason}); write it again") from None


def check(file: SourceFile) -> None:
    """Raises InvalidInputError when the columns or their types are not the table's."""
    with _readable(file), pq.ParquetFile(file.path) as parquet:
        schema = parquet.schema_arrow
    check_columns(file, schema.names)
    for column in file.spec.columns:
        takes, called = _TAKES[column.cell]
        if column.name in schema.names:
            kind = schema.field(column.name).type
            if not (takes(kind) or pa.types.is_null(kind)):
                raise InvalidInputError(f"{file.path.name}: column {column.name} is {kind}; it must hold {called}")


def read(file: SourceFile) -> Iterator[RawChunk]:
    """The rows of a Parquet file; `line` counts them from 1."""
    line = 1
    with _readable(file), pq.ParquetFile(file.path) as parquet:
        names = parquet.schema_arrow.names
        wanted = names if file.spec.attributes else [name for name in names if name in file.spec.names]
        for batch in parquet.iter_batches(CHUNK_ROWS, columns=wanted):
            batch.validate(full=True)  # polars takes strings for valid UTF-8 without looking
            frame = _typed(file, pl.DataFrame(pl.from_arrow(batch)))
            numbers = pl.Series(LINE, range(line, line + frame.height), pl.Int64)
            line += frame.height
            yield _chunk(file, frame.with_columns(numbers))


def _typed(file: SourceFile, frame: pl.DataFrame) -> pl.DataFrame:
    """Plain strings for dictionary-encoded ones, and text for what JSON has no type for."""
    texts = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Categorical | pl.Enum | pl.Null)]
    own = set(file.spec.names)
    odd = [
        name for name, dtype in frame.schema.items() if name not in own and (dtype.is_temporal() or dtype.is_decimal())
    ]
    frame = frame.with_columns(pl.col(texts + odd).cast(pl.String)) if texts or odd else frame
    anything = [column.name for column in file.spec.columns if column.cell is Cell.ANY]
    return frame.with_columns(
        (pl.col(name).dt.timestamp("ms") if isinstance(dtype, pl.Datetime) else pl.col(name)).cast(pl.String)
        for name, dtype in frame.schema.items()
        if name in anything
    )


def _chunk(file: SourceFile, frame: pl.DataFrame) -> RawChunk:
    others = [name for name in frame.columns if name not in file.spec.names and name != LINE]
    extra: list[dict[str, Any]] | None = None
    if others:
        rows = frame.select(others).to_dicts()
        extra = [{name: cell for name, cell in row.items() if cell is not None} for row in rows]
    return RawChunk(frame.drop(others), [], extra)
