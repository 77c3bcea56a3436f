"""Rows of a quarantine file, mended by hand, as a folder to load: each as what it was refused as, from where it came from.

What is still wrong is refused again, under its first file and line. A file that was loaded is set aside as `NAME.done`: all of
its rows are then in the store, or in the quarantine file of the load that took them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import orjson

from graph.errors import InvalidInputError
from graph.model import TimeMs
from graph.settings import Home
from loaders.interchange import Folder, Table
from loaders.mapping import as_written
from loaders.sources.chunk import readable
from loaders.sources.records import LogRecord, Spool

_DONE: Final = ".done"


class _Row(msgspec.Struct):
    """A line of a quarantine file; `raw` is what is to be mended. See `loaders.quarantine`."""

    file: str
    line: int
    table: Table
    raw: Any
    reason: str = ""
    exported_at: int | None = None


def newest(home: Home) -> Path:
    """The quarantine file that was written last. Raises InvalidInputError when there is none."""
    found = sorted(home.quarantine.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise InvalidInputError(f"there is no quarantine in {home.quarantine}; nothing was refused, or it was loaded")
    return found[-1]


def mended_folder(path: Path, workspace: Path) -> Folder:
    """The rows of a quarantine file. Raises InvalidInputError, with the line, when it can't be read."""
    workspace = workspace / "mended"
    workspace.mkdir()
    version: int | None = None
    with Spool(workspace, {}) as spool:
        origin = ""
        for row in _rows(path):
            version = row.exported_at if version is None else version
            if row.file != origin:
                origin = row.file
                spool.begin(origin)
            spool.add(row.table, LogRecord(row.line, _said(row.raw), None))
    files = {table: (replace(spool.files[table], mapped=as_written(table)),) for table in Table if table in spool.files}
    if not files:
        raise InvalidInputError(f"{path} holds no row; there is nothing to load")
    return Folder(path, files, None if version is None else TimeMs(version))


def set_aside(path: Path, refused: str | None) -> None:
    """After the load of it has finished. `refused`: the quarantine file of that load, which it may be itself."""
    if path.suffix != _DONE and (refused is None or Path(refused).resolve() != path.resolve()):
        path.replace(path.with_name(path.name + _DONE))


def _rows(path: Path) -> Iterator[_Row]:
    decoder = msgspec.json.Decoder(_Row)
    with readable(path), path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield decoder.decode(line)
                except msgspec.MsgspecError as error:
                    raise InvalidInputError(
                        f"{path} line {number} is no row of a quarantine ({error}); mend it"
                    ) from None


def _said(raw: Any) -> bytes:
    """A row as a JSON object; a line of a file that could not be decoded, and was not mended, as it is."""
    if not isinstance(raw, dict):
        return str(raw).encode()
    row = cast("dict[str, Any]", raw)
    if isinstance(attributes := row.get("attributes"), str):  # CSV and Parquet hold them as text
        with suppress(orjson.JSONDecodeError):  # it is refused as what it is
            row = row | {"attributes": orjson.loads(attributes)}
    return orjson.dumps(row)
