"""Rows on their way from decoding to writing, in temporary Arrow files, split by the hash of an id.

So that equal rows meet in one part, and a part fits in memory however large the input is. A part that a hub made too large is
split again by a second column when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def parts_for(rows: int) -> int:
    """How many parts so many rows are split into."""
    return max(1, min(PARTS_MAX, -(-rows // PART_ROWS)))


class Spill:
    """Rows of one kind in `parts` files under `folder`, split by the hash of column `by`, and by `then_by` where that fails."""

    def __init__(
        self, folder: Path, name: str, parts: int, by: str, then_by: str | None = None, depth: int = 0
    ) -> None:
        self.name = name
        self.rows = 0
        self._folder = folder / name
        self._by, self._then_by, self._depth = by, then_by, depth
        self._part_rows = [0] * parts
        self._writers: list[pa.RecordBatchStreamWriter | None] = [None] * parts

    def add(self, frame: pl.DataFrame) -> None:
        """Appends rows."""
        self.rows += frame.height
        if len(self._writers) == 1:
            self._append(0, frame)
            return
        part = (pl.col(self._by).hash(_SEEDS[self._depth]) % len(self._writers)).alias(_PART)
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
            if self._part_rows[index] > _RESPLIT_ROWS and self._then_by is not None:
                yield from self._resplit(index, path)
            else:
                yield f"{index:04}", pl.read_ipc_stream(path)
            path.unlink()

    def _resplit(self, index: int, path: Path) -> Iterator[tuple[str, pl.DataFrame]]:
        parts = parts_for(self._part_rows[index])
        finer = Spill(self._folder, f"{index:04}.split", parts, self._then_by or self._by, depth=1)
        with pa.ipc.open_stream(str(path)) as reader:
            for batch in reader:
                finer.add(pl.DataFrame(pl.from_arrow(batch)))
        for name, frame in finer.parts():
            yield f"{index:04}.{name}", frame
