"""What every reader yields: some rows of a table, undecided, and the rows that could not even be decoded."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from graph.errors import InvalidInputError

CHUNK_ROWS: Final = 50_000
LINE: Final = "line"
"""The column of a chunk that says where a row stands: the physical line in CSV (the first of a quoted record) and JSONL, the
row in Parquet, both from 1; the offset in a log's partition."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not loaded: where it stands, why, and what it says (columns by name, or the line as it is)."""

    line: int
    reason: str
    raw: str | dict[str, Any]


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Rows as they were written.

    `frame`: `line` (Int64) and those columns of the table that the file has, as text or in the file's own type; null and ""
    both mean that there is none. `extra`: for each row the columns that the table does not have (attributes of a node), or
    None when there are none at all. `origin`: what the rows are from, where that is not the file: a partition of a log.
    """

    frame: pl.DataFrame
    refused: list[Refused] = field(default_factory=list[Refused])
    extra: list[dict[str, Any]] | None = None
    origin: str | None = None

    @property
    def rows(self) -> int:
        """Rows read, the refused ones included."""
        return self.frame.height + len(self.refused)


@contextmanager
def readable(path: Path) -> Generator[None]:
    """Turns what goes wrong while a file is read into one clear line."""
    try:
        yield
    except EOFError:
        raise InvalidInputError(f"{path} is cut short: its gzip stream has no end; copy it again") from None
    except OSError as error:
        raise InvalidInputError(f"{path} can't be read ({error.strerror or error}); check the file") from None
