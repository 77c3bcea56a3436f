"""Rows on their way from decoding to writing, in temporary Arrow files, split by the hash of an id or by its first digits.

So that equal rows meet in one part, and a part fits in memory however large the input is. A part that a hub made too large is
split again by a second column when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa

PART_ROWS: Final = 125_000
"""What a part should hold."""
PARTS_MAX: Final = 256
"""Each part is an open file."""
_RESPLIT_ROWS: Final = 4 * PART_ROWS
_PART: Final = "\0part"
_SEEDS: Final = (0x5B11, 0x5B12)
_PLACES: Final = 1 << 32


def parts_for(rows: int) -> int:
    """How many parts so many rows are split into."""
    return max(1, min(PARTS_MAX, -(-rows // PART_ROWS)))


@dataclass(frozen=True, slots=True)
class Split:
    """By which column rows are split, and by which a part is split again that a hub made too large.

    ordered: by the first digits of ids that are random hex digits, so that the ids of a part are near each other; ids that
    are none go by their hash.
    """

    by: str
    then_by: str | None = None
    ordered: bool = False

    def part(self, parts: int, seed: int) -> pl.Expr:
        """Which of so many parts a row belongs to."""
        place = pl.col(self.by).hash(seed) // _PLACES
        if self.ordered:
            digits = pl.col(self.by).str.head(8).str.to_integer(base=16, dtype=pl.UInt64, strict=False)
            place = pl.when(digits < _PLACES).then(digits).otherwise(place)
        return place * parts // _PLACES

    def finer(self) -> Split | None:
        """How rows that this put into one part are split."""
        return None if self.then_by is None else Split(self.then_by)


class Spill:
    """Rows of one kind in `parts` files under `folder`."""

    def __init__(self, folder: Path, name: str, parts: int, split: Split, depth: int = 0) -> None:
        self.name = name
        self.rows = 0
        self._folder = folder / name
        self._split, self._depth = split, depth
        self._part_rows = [0] * parts
        self._writers: list[pa.RecordBatchStreamWriter | None] = [None] * parts

    def add(self, frame: pl.DataFrame) -> None:
        """Appends rows."""
        self.rows += frame.height
        if len(self._writers) == 1:
            self._append(0, frame)
            return
        part = self._split.part(len(self._writers), _SEEDS[self._depth]).alias(_PART)
        split = frame.with_columns(part).partition_by(_PART, as_dict=True, include_key=False)
        for (index,), rows in split.items():
            self._append(int(index), rows)

    def _append(self, index: int, frame: pl.DataFrame) -> None:
        if not frame.height:
            return
        self._part_rows[index] += frame.height
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = self._writers[index]
        if writer is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            writer = pa.ipc.new_stream(self._path(index), table.schema, options=options)
            self._writers[index] = writer
        writer.write_table(table)

    def _path(self, index: int) -> str:
        return str(self._folder / f"{index:04}.arrows")

    def parts(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """The parts that are not empty, by name, each removed from disk once it was taken; nothing can be added any more."""
        for index, writer in enumerate(self._writers):
            if writer is None:
                continue
            writer.close()
            path = Path(self._path(index))
            if self._part_rows[index] > _RESPLIT_ROWS and (finer := self._split.finer()) is not None:
                yield from self._resplit(index, path, finer)
            else:
                yield f"{index:04}", pl.read_ipc_stream(path)
            path.unlink()

    def _resplit(self, index: int, path: Path, finer: Split) -> Iterator[tuple[str, pl.DataFrame]]:
        spill = Spill(self._folder, f"{index:04}.split", parts_for(self._part_rows[index]), finer, depth=1)
        with pa.ipc.open_stream(str(path)) as reader:
            for batch in reader:
                spill.add(pl.DataFrame(pl.from_arrow(batch)))
        for name, frame in spill.parts():
            yield f"{index:04}.{name}", frame
