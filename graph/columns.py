"""Columns of a node table, read at many rows at once, straight from Arrow's buffers.

pyarrow makes an object of each value that it reads, which costs more than the value: an answer with a hundred titles would
spend its time there. Reading only; the buffers stay mapped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

import pyarrow as pa


class Column(Protocol):
    """One property of all nodes of a kind."""

    def at(self, rows: Iterable[int]) -> list[Any]:
        """The values at some rows, in their order; None where one is missing."""
        ...


DECODED_MAX: Final = 32_768
"""Texts of a column that are kept decoded, some 3 MB: what is popular is asked for again and again."""


class TextColumn(dict[int, str | None]):
    """Text, as `large_string` stores it: offsets of 64 bits into UTF-8. As a dict it holds what was decoded of late."""

    def __init__(self, array: pa.Array) -> None:
        super().__init__()
        _, offsets, data = array.buffers()
        self._offsets = memoryview(b"" if offsets is None else offsets).cast("B").cast("q")[array.offset :]
        self._data = memoryview(b"" if data is None else data).cast("B")
        # A byte a row, and only where something is missing at all.
        self._missing = memoryview(array.is_null().to_numpy(zero_copy_only=False)) if array.null_count else None

    def at(self, rows: Iterable[int]) -> list[Any]:
        return list(map(self.__getitem__, rows))

    def __missing__(self, row: int) -> str | None:
        text = None
        if self._missing is None or not self._missing[row]:
            text = str(self._data[self._offsets[row] : self._offsets[row + 1]], "utf-8")
        if len(self) >= DECODED_MAX:
            self.clear()
        self[row] = text
        return text


class AnyColumn:
    """Whatever else there is: numbers and truth values, which are asked for a few at a time."""

    def __init__(self, array: pa.Array) -> None:
        self._array = array

    def at(self, rows: Iterable[int]) -> list[Any]:
        return [self._array[row].as_py() for row in rows]


def column_of(table: pa.Table, name: str) -> Column:
    """A column of a table in one chunk, or in none."""
    chunked = table.column(name)
    array = chunked.chunk(0) if chunked.num_chunks else pa.array([], chunked.type)
    return TextColumn(array) if pa.types.is_large_string(array.type) else AnyColumn(array)
