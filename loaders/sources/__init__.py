"""Readers of tables, one module a format, all giving the same chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from loaders.interchange import SourceFile
from loaders.sources import columnar, delimited, jsonlines, records
from loaders.sources.chunk import RawChunk

_READERS: Final = {"csv": delimited, "jsonl": jsonlines, "parquet": columnar, "records": records}


def check_file(file: SourceFile) -> None:
    """Looks at a file's columns only. Raises InvalidInputError when it can't be a file of its table."""
    _READERS[file.format].check(file)


def read(file: SourceFile) -> Iterator[RawChunk]:
    """The rows of a file in chunks of at most some 50,000, in bounded memory.

    A row that can't be decoded is refused with its line; a file that can't be is an InvalidInputError.
    """
    chunks = _READERS[file.format].read(file)
    return chunks if file.mapped is None else map(file.mapped.apply, chunks)
