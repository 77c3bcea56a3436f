"""A text file as blocks of whole physical lines, plain or gzipped, in bounded memory.

A line ends with "\n"; nothing else ends one. A line over 64 KiB is refused and blanked, so that numbers stay true.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final, cast

import numpy as np

from graph.errors import InvalidInputError
from loaders.interchange import SourceFile
from loaders.sources.chunk import CHUNK_ROWS, Refused, readable

LINE_BYTES_MAX: Final = 64 * 1024
_READ_BYTES: Final = 4 << 20
_BOM: Final = b"\xef\xbb\xbf"
_NEWLINE: Final = 10


@dataclass(frozen=True, slots=True)
class Block:
    """At most 50,000 lines, each ended by a newline. `refused`: over-long lines, empty in `data`."""

    first_line: int
    data: bytes
    lines: int
    refused: list[Refused]


def blocks(file: SourceFile) -> Iterator[Block]:
    """The file in blocks. Raises InvalidInputError when it can't be read, or its gzip stream is cut short or damaged."""
    carry, line = b"", 1
    with readable(file.path), _open(file) as stream:
        while piece := _read(stream, file):
            data = carry + piece
            if line == 1 and data.startswith(_BOM):
                data = data[len(_BOM) :]
            cut = data.rfind(b"\n") + 1
            for block in _split(data[:cut], line):
                yield block
                line = block.first_line + block.lines
            carry = data[cut : cut + LINE_BYTES_MAX + 1]  # of an over-long line no more than shows that it is one
        if carry:
            yield from _split(carry + b"\n", line)


def head(file: SourceFile) -> bytes:
    """The first line, without its end; empty when the file is."""
    with readable(file.path), _open(file) as stream:
        data = _read(stream, file, LINE_BYTES_MAX + 2)
    line = data.removeprefix(_BOM).partition(b"\n")[0]
    if len(line) > LINE_BYTES_MAX:
        raise InvalidInputError(
            f"{file.path.name}: the first line is over {LINE_BYTES_MAX} bytes long; is it a {file.format} file?"
        )
    return line


def _open(file: SourceFile) -> IO[bytes]:
    if file.compressed:
        return cast("IO[bytes]", gzip.open(file.path, "rb"))
    return file.path.open("rb")


def _read(stream: IO[bytes], file: SourceFile, size_bytes: int = _READ_BYTES) -> bytes:
    try:
        return stream.read(size_bytes)
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInputError(f"{file.path} is no sound gzip file ({error}); copy it again") from None


def _split(data: bytes, line: int) -> Iterator[Block]:
    """Whole lines as blocks of at most CHUNK_ROWS, over-long ones refused."""
    if not data:
        return
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE) + 1
    starts = np.concatenate([[0], ends[:-1]])
    overlong = np.flatnonzero(ends - starts > LINE_BYTES_MAX + 1)
    for first in range(0, len(ends), CHUNK_ROWS):
        last = min(first + CHUNK_ROWS, len(ends))
        part = data[starts[first] : ends[last - 1]]
        refused: list[Refused] = []
        for index in overlong[(overlong >= first) & (overlong < last)].tolist():
            raw = data[starts[index] : starts[index] + LINE_BYTES_MAX]
            reason = f"the line is over {LINE_BYTES_MAX} bytes long"
            refused.append(Refused(line + index, reason, raw.decode(errors="replace")))
        if refused:
            gone = {refusal.line - line for refusal in refused}
            kept = [b"\n" if i in gone else data[starts[i] : ends[i]] for i in range(first, last)]
            part = b"".join(kept)
        yield Block(line + first, part, last - first, refused)
