"""CSV: one header line, comma, double quotes, UTF-8; a record may hold quoted newlines.

Two ways give the same rows (a property test compares them): a block that holds no quote and nothing odd is split by polars;
any other is read record by record, strictly, and what is wrong costs its own physical line, never the rest of the file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from graph.errors import InvalidInputError
from loaders.interchange import SourceFile, check_columns
from loaders.sources.chunk import LINE, RawChunk, Refused
from loaders.sources.lines import LINE_BYTES_MAX, Block, blocks, head

_RECORD_LINES_MAX: Final = 1_024


def check(file: SourceFile) -> None:
    """Raises InvalidInputError when the header is not one of the table."""
    check_columns(file, header(file))


def header(file: SourceFile) -> list[str]:
    """The names in the first line."""
    try:
        names = next(csv.reader([head(file).decode()], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(
            f"{file.path.name}: the first line names no columns ({error}); is it a CSV file?"
        ) from None
    if not names:
        raise InvalidInputError(f"{file.path.name} is empty; its first line must name the columns")
    return names


def read(file: SourceFile) -> Iterator[RawChunk]:
    """The rows of a CSV file."""
    names = header(file)
    open_lines: list[bytes] = []  # of a record that the last block left unfinished
    next_line = 2
    for block in _without_header(blocks(file)):
        next_line = block.first_line + block.lines
        frame = None if open_lines else _fast(block, names)
        if frame is not None:
            yield _chunk(file, frame, block.refused)
            continue
        lines = open_lines + block.data.split(b"\n")[:-1]
        records = parse_records(lines, next_line - len(lines), len(names), final=False)
        open_lines = lines[records.used :]
        yield _chunk(file, _frame(records, names), block.refused + records.refused)
    if open_lines:
        records = parse_records(open_lines, next_line - len(open_lines), len(names), final=True)
        yield _chunk(file, _frame(records, names), records.refused)


def _without_header(found: Iterator[Block]) -> Iterator[Block]:
    for block in found:
        if block.first_line == 1:
            if block.lines > 1:
                yield Block(2, block.data[block.data.index(b"\n") + 1 :], block.lines - 1, block.refused)
        else:
            yield block


def _fast(block: Block, names: list[str]) -> pl.DataFrame | None:
    """The block as a frame; None when anything in it needs the careful way."""
    data = block.data
    if b'"' in data or block.refused:
        return None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        if b"\r" in data:
            return None
    if data.startswith(b"\n") or b"\n\n" in data or data.count(b",") != block.lines * (len(names) - 1):
        return None
    try:
        data.decode()
        frame = pl.read_csv(
            io.BytesIO(data), has_header=False, quote_char=None, infer_schema=False, raise_if_empty=False
        )
    except (UnicodeDecodeError, pl.exceptions.PolarsError):
        return None
    if frame.shape != (block.lines, len(names)):
        return None
    numbers = pl.Series(LINE, np.arange(block.first_line, block.first_line + block.lines), pl.Int64)
    return frame.rename(dict(zip(frame.columns, names, strict=True))).with_columns(numbers)


@dataclass(slots=True)
class Records:
    """Records of some lines: cells, the number of each one's first line, refusals, and how many lines were used up."""

    cells: list[list[str]] = field(default_factory=list[list[str]])
    numbers: list[int] = field(default_factory=list[int])
    refused: list[Refused] = field(default_factory=list[Refused])
    used: int = 0


class _RecordTooLongError(Exception):
    """A quoted record that does not end where one should: its quote was probably never closed."""


class _Feed:
    """Decoded lines for one csv.reader; knows how far it is, and stops a record that never ends."""

    def __init__(self, lines: Sequence[bytes], start: int) -> None:
        self.lines, self.at = lines, start
        self.record, self.record_bytes = start, 0

    def __iter__(self) -> Iterator[str]:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.record_bytes += len(line) + 1
            if self.at > self.record and (
                self.record_bytes > LINE_BYTES_MAX or self.at - self.record >= _RECORD_LINES_MAX
            ):
                raise _RecordTooLongError
            self.at += 1
            yield line.decode() + "\n"

    def next_record(self) -> int:
        """The index of the line that the record just read began at; the next one begins here."""
        began, self.record, self.record_bytes = self.record, self.at, 0
        return began


def parse_records(lines: Sequence[bytes], first_line: int, width: int, *, final: bool) -> Records:
    """Records of `width` cells from physical lines without their ends.

    What is broken is refused by its first line, and reading goes on from the next. A record that is still open at the end is
    left for the next block, unless this one is `final`.
    """
    records = Records()
    while records.used < len(lines):
        feed = _Feed(lines, records.used)
        try:
            for cells in csv.reader(iter(feed), strict=True):
                began = feed.next_record()
                records.used = feed.at
                if len(cells) == width:
                    records.cells.append(cells)
                    records.numbers.append(first_line + began)
                elif cells:
                    raw = b"\n".join(lines[began : feed.at]).decode()
                    reason = f"the row has {len(cells)} fields, the header names {width}"
                    records.refused.append(Refused(first_line + began, reason, raw))
        except (csv.Error, UnicodeDecodeError, _RecordTooLongError) as error:
            unfinished = isinstance(error, csv.Error) and "unexpected end of data" in str(error)
            if unfinished and not final:
                return records
            further = feed.at - records.used > 1
            raw = lines[records.used].decode(errors="backslashreplace")
            records.refused.append(Refused(first_line + records.used, _reason(error, unfinished, further), raw))
            records.used += 1
    return records


def _reason(error: Exception, unfinished: bool, further: bool) -> str:
    """Why a line is refused. `further`: what is wrong was met in a later line of the same record."""
    if unfinished or isinstance(error, _RecordTooLongError) or (further and isinstance(error, UnicodeDecodeError)):
        return "a quote that opens here is not closed"
    if isinstance(error, UnicodeDecodeError):
        return "the line is not valid UTF-8"
    return f"not CSV: {error}"


def _frame(records: Records, names: list[str]) -> pl.DataFrame:
    columns = zip(*records.cells, strict=True) if records.cells else [()] * len(names)
    frame = pl.DataFrame([pl.Series(name, cells, pl.String) for name, cells in zip(names, columns, strict=True)])
    return frame.with_columns(pl.Series(LINE, records.numbers, pl.Int64))


def _chunk(file: SourceFile, frame: pl.DataFrame, refused: list[Refused]) -> RawChunk:
    """The table's own columns, and the others as attributes."""
    known = [name for name in frame.columns if name in file.spec.names]
    others = [name for name in frame.columns if name not in known and name != LINE]
    extra: list[dict[str, Any]] | None = None
    if others and file.spec.attributes:
        rows = zip(*(frame[name].to_list() for name in others), strict=True)
        extra = [{name: cell for name, cell in zip(others, row, strict=True) if cell} for row in rows]
    return RawChunk(frame.select(*known, LINE), refused, extra)
