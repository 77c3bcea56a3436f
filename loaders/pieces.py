"""Files cut into pieces that can be read at once, each as if it were a file of its own.

Text is cut between lines, Parquet between row groups. What can't be cut is one piece: compressed text, records of a log, and
CSV with a quote in it, since a quoted cell may go on over lines.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow.parquet as pq

from loaders import sources
from loaders.interchange import SourceFile
from loaders.sources.chunk import LINE, RawChunk, Refused, readable

PIECE_BYTES: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `start` to `end` of a text file, the first of them of line `line`; or row group `start` of a Parquet file, from row
    `line`. All of the file if there is no end.
    """

    file: SourceFile
    line: int = 1
    start: int = 0
    end: int | None = None


def cut(file: SourceFile) -> list[Piece]:
    """A file in pieces. Reads all of a text file, to count its lines."""
    with readable(file.path):
        if file.format == "parquet":
            return _row_groups(file)
        if file.compressed or file.format not in {"csv", "jsonl"}:
            return [Piece(file)]
        return _spans(file)


def _row_groups(file: SourceFile) -> list[Piece]:
    pieces: list[Piece] = []
    row, metadata = 1, pq.read_metadata(file.path)
    for group in range(metadata.num_row_groups):
        pieces.append(Piece(file, row, group, group + 1))
        row += metadata.row_group(group).num_rows
    return pieces or [Piece(file)]


def _spans(file: SourceFile) -> list[Piece]:
    pieces: list[Piece] = []
    line = 1
    with file.path.open("rb") as stream:
        while data := stream.read(PIECE_BYTES):
            data += stream.readline()
            if file.format == "csv" and b'"' in data:
                return [Piece(file)]
            end = stream.tell()
            pieces.append(Piece(file, line, end - len(data), end))
            line += data.count(b"\n")
    return pieces if len(pieces) > 1 else [Piece(file)]


def read(piece: Piece) -> Iterator[RawChunk]:
    """The rows of a piece, with the lines that they have in their file."""
    if piece.end is None:
        yield from sources.read(piece.file)
        return
    with tempfile.TemporaryDirectory(prefix="tastegraph-piece-") as place:
        path, before = _copied(piece, Path(place))
        for chunk in sources.read(replace(piece.file, path=path)):
            yield _moved(chunk, piece.line - 1 - before)


def _copied(piece: Piece, place: Path) -> tuple[Path, int]:
    """A file of the piece alone, and how many lines stand before its own."""
    path = place / piece.file.path.name
    with readable(piece.file.path):
        if piece.file.format == "parquet":
            with pq.ParquetFile(piece.file.path) as parquet:
                pq.write_table(parquet.read_row_group(piece.start), path)
            return path, 0
        with piece.file.path.open("rb") as whole, path.open("wb") as part:
            header = whole.readline() if piece.file.format == "csv" and piece.start else b""
            part.write(header)
            whole.seek(piece.start)
            part.write(whole.read((piece.end or 0) - piece.start))
    return path, 1 if header else 0


def _moved(chunk: RawChunk, lines: int) -> RawChunk:
    refused = [Refused(row.line + lines, row.reason, row.raw) for row in chunk.refused]
    return replace(chunk, frame=chunk.frame.with_columns(pl.col(LINE) + lines), refused=refused)
