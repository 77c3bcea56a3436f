"""Records of a log, put aside by table while they are read from it, and read again as often as a load needs.

A load reads its source more than once: to know its identity, and to judge it. A log can't promise that: it forgets, and may
be gone the next minute. So what is read of it is a file of the load, Arrow IPC, in batches of one partition each. Rows are
JSON, with the rules of `jsonlines`; what a line is there is a record here, and its number is its offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

import pyarrow as pa

from loaders.interchange import SourceFile, Table
from loaders.sources import jsonlines
from loaders.sources.chunk import CHUNK_ROWS, RawChunk, Refused, readable
from loaders.sources.lines import LINE_BYTES_MAX

SUFFIX: Final = ".records"
BATCH_BYTES_MAX: Final = 8 << 20
_SCHEMA: Final = pa.schema(
    [("offset", pa.int64()), ("at", pa.int64()), ("unknown_table", pa.string()), ("value", pa.binary())]
)


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record. at: its own time, UTC milliseconds, None if it has none. unknown_table: what it calls a table and is none."""

    offset: int
    value: bytes | None
    at: int | None
    unknown_table: str | None = None


@dataclass(slots=True)
class _Open:
    """A table's file, and the records that are not in it yet."""

    file: SourceFile
    writer: pa.RecordBatchStreamWriter
    records: list[LogRecord] = field(default_factory=list[LogRecord])
    size_bytes: int = 0


class Spool:
    """Takes records partition by partition. The same records in the same order make the same bytes.

    about: goes into every file, so that it counts for the identity of the load.
    """

    def __init__(self, folder: Path, about: Mapping[str, str]) -> None:
        self._folder = folder
        self._schema = _SCHEMA.with_metadata(dict(about))
        self._open: dict[Table, _Open] = {}
        self._origin = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for table in self._open.values():
            if kind is None:
                self._flush(table)
            table.writer.close()

    @property
    def files(self) -> dict[Table, SourceFile]:
        return {table: opened.file for table, opened in self._open.items()}

    def begin(self, origin: str) -> None:
        """What is added from now on comes from there, such as `topic/0`."""
        for opened in self._open.values():
            self._flush(opened)
        self._origin = origin

    def make(self, table: Table) -> None:
        """Makes a table's file, if it is not there, so that it is there without a record too."""
        if table not in self._open:
            path = self._folder / f"{table}{SUFFIX}"
            self._open[table] = _Open(SourceFile(table, path), pa.ipc.new_stream(path, self._schema))

    def add(self, table: Table, record: LogRecord) -> None:
        """Keeps a record; of an over-long one no more than shows that it is one."""
        self.make(table)
        opened = self._open[table]
        if record.value is not None and len(record.value) > LINE_BYTES_MAX:
            record = replace(record, value=record.value[: LINE_BYTES_MAX + 1])
        opened.records.append(record)
        opened.size_bytes += len(record.value or b"")
        if len(opened.records) >= CHUNK_ROWS or opened.size_bytes >= BATCH_BYTES_MAX:
            self._flush(opened)

    def _flush(self, opened: _Open) -> None:
        if opened.records:
            columns = [[getattr(record, name) for record in opened.records] for name in _SCHEMA.names]
            batch = pa.record_batch(columns, schema=self._schema)
            opened.writer.write_batch(batch, custom_metadata={"origin": self._origin})
            opened.records, opened.size_bytes = [], 0


def check(file: SourceFile) -> None:
    """Nothing: a log has no header, each record has its own columns."""


def read(file: SourceFile) -> Iterator[RawChunk]:
    """The rows of a table, each chunk of one partition."""
    with readable(file.path), pa.OSFile(str(file.path)) as source, pa.ipc.open_stream(source) as reader:
        while True:
            try:
                batch, metadata = reader.read_next_batch_with_custom_metadata()
            except StopIteration:
                return
            yield _chunk(file, batch.to_pydict(), metadata[b"origin"].decode())


def _chunk(file: SourceFile, batch: dict[str, list[Any]], origin: str) -> RawChunk:
    lines: list[tuple[int, bytes]] = []
    refused: list[Refused] = []
    for offset, unknown, value in zip(batch["offset"], batch["unknown_table"], batch["value"], strict=True):
        reason = _reason(unknown, value)
        if reason is None:
            lines.append((offset, value))
        else:
            raw = cast("bytes", value or b"")[:LINE_BYTES_MAX].decode(errors="backslashreplace")
            refused.append(Refused(offset, reason, raw))
    rows, numbers, broken = jsonlines.decode(lines, "record")
    if "updated_at" in file.spec.names:
        _date(rows, numbers, dict(zip(batch["offset"], batch["at"], strict=True)))
    return replace(jsonlines.chunk(file, rows, numbers, refused + broken), origin=origin)


def _reason(unknown_table: str | None, value: bytes | None) -> str | None:
    """Why a record is refused whatever it says."""
    if unknown_table is not None:
        return f"the header table names no table: {unknown_table[:64]!r}"
    if value is None or not value.strip():
        return "the record is empty; to delete a row, send it with deleted_at"
    return f"the record is over {LINE_BYTES_MAX} bytes long" if len(value) > LINE_BYTES_MAX else None


def _date(rows: list[dict[str, Any]], numbers: list[int], times: dict[int, int | None]) -> None:
    """Gives rows without a version the time of their record: the later record of a node is the newer one."""
    for row, number in zip(rows, numbers, strict=True):
        if row.get("updated_at") in (None, ""):
            row["updated_at"] = times[number]
