"""The event log in a SQLite file of its own, so that a load, which holds the store's file for long, never delays an append.

One thread commits: all appends that came while it was at the last commit share the next one, and so one fsync. Several
processes may append to one file; they take turns.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import Final

from graph.errors import ConflictError, InvalidInputError, StoreUnavailableError
from graph.eventlog.port import Record
from graph.stores.sqlite.file import SqliteFile

VERSION: Final = 1
GROUP_RECORDS_MAX: Final = 20_000
"""Records of one commit; what is over that waits for the next."""
WAITING_RECORDS_MAX: Final = 200_000
"""Records that wait for a commit; more are refused."""

_APPLICATION_ID: Final = 0x5461_6C67
"""Marks a SQLite file as an event log ("Talg")."""
_BUSY_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.02
_PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",  # a commit that was acknowledged survives a power cut
    "PRAGMA journal_size_limit = 67108864",
)
_SCHEMA: Final = (
    "PRAGMA application_id = 1415670887",
    "PRAGMA user_version = 1",
    "CREATE TABLE log (log_offset INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT",
    # A row, since the offset of a record that was erased is never given to another.
    "CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), next_offset INTEGER NOT NULL) STRICT",
    "INSERT INTO head (only, next_offset) VALUES (1, 0)",
)
_HEAD: Final = "SELECT next_offset FROM head"
_MOVE_HEAD: Final = "UPDATE head SET next_offset = ?"
_INSERT: Final = "INSERT INTO log (log_offset, record) VALUES (?, ?)"
_READ: Final = "SELECT log_offset, record FROM log WHERE log_offset >= ? ORDER BY log_offset LIMIT ?"


@dataclass(slots=True)
class _Append:
    """Records that somebody waits for, and where their offsets go."""

    records: Sequence[bytes]
    done: Future[list[int]] = field(default_factory=Future[list[int]])


class SqliteLog:
    """`graph.eventlog.port.EventLog` in one file, made at the first append, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = SqliteFile(path, "event log", "is damaged", "move it away, or restore a backup", "can't be opened")
        self._waiting: list[_Append] = []
        self._records_waiting = 0
        self._more = Condition()
        self._thread: Thread | None = None
        self._closed = False
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._reading = Lock()

    @property
    def url(self) -> str:
        """sqlite:///PATH."""
        return f"sqlite:///{self._path}"

    async def append(self, records: Sequence[bytes]) -> list[int]:
        if not records:
            return []
        append = _Append(records)
        with self._more:
            if self._closed:
                raise StoreUnavailableError(f"event log {self._path} was closed; send the same again")
            if self._records_waiting + len(records) > WAITING_RECORDS_MAX and self._waiting:
                raise StoreUnavailableError(
                    f"{self._records_waiting:,} records wait to be written to event log {self._path}; send the same later"
                )
            self._waiting.append(append)
            self._records_waiting += len(records)
            if self._thread is None:
                self._thread = Thread(target=self._commit_for_ever, name="event-log", daemon=True)
                self._thread.start()
            self._more.notify()
        return await asyncio.wrap_future(append.done)

    async def read(self, start: int, limit: int, wait_s: float = 0.0) -> list[Record]:
        deadline = time.monotonic() + wait_s
        while not (found := await asyncio.to_thread(self._read, start, limit)) and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)
        return found

    async def head(self) -> int:
        return await asyncio.to_thread(self._head)

    async def close(self) -> None:
        with self._more:
            self._closed = True
            self._more.notify()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        if self._thread is not None:
            self._thread.join()
        with self._reading:
            for connection in (self._writer, self._reader):
                if connection is not None:
                    connection.close()
            self._writer = self._reader = None

    # The committing thread

    def _commit_for_ever(self) -> None:
        while group := self._next_group():
            try:
                offset = self._commit([record for append in group for record in append.records])
            except Exception as error:
                self._forget_writer()
                for append in group:
                    append.done.set_exception(error)
                continue
            for append in group:
                append.done.set_result(list(range(offset, offset + len(append.records))))
                offset += len(append.records)

    def _next_group(self) -> list[_Append]:
        """All that waits and fits one commit, as soon as there is something; nothing when the log was closed."""
        group: list[_Append] = []
        with self._more:
            while not group:
                self._more.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return []
                taken, records = 0, 0
                for append in self._waiting:
                    if records and records + len(append.records) > GROUP_RECORDS_MAX:
                        break
                    taken, records = taken + 1, records + len(append.records)
                self._records_waiting -= records
                group = [append for append in self._waiting[:taken] if append.done.set_running_or_notify_cancel()]
                del self._waiting[:taken]
        return group

    def _commit(self, records: list[bytes]) -> int:
        """Writes records in one transaction; returns the offset of the first."""
        with self._file.errors_told():
            writer = self._writer = self._writer or self._open_to_write()
            writer.execute("BEGIN IMMEDIATE")
            offset: int = writer.execute(_HEAD).fetchone()[0]
            writer.executemany(_INSERT, enumerate(records, offset))
            writer.execute(_MOVE_HEAD, (offset + len(records),))
            writer.execute("COMMIT")
            return offset

    def _forget_writer(self) -> None:
        """Whatever state it was in: closing rolls back, and the next commit opens the file anew."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open_to_write(self) -> sqlite3.Connection:
        self._file.create()
        connection = self._connect()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            if not _is_ours(connection, self._path):
                for statement in _SCHEMA:
                    connection.execute(statement)
            connection.execute("COMMIT")
            return connection
        except BaseException:
            connection.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        return connection

    # Reading

    def _read(self, start: int, limit: int) -> list[Record]:
        with self._open_to_read() as reader:
            if reader is None:
                found, head = [], 0
            else:
                found = [Record(*row) for row in reader.execute(_READ, (start, limit))]
                head = start if found else reader.execute(_HEAD).fetchone()[0]
        if start > head:
            raise ConflictError(
                f"event log {self._path} ends at offset {head}, before {start}; it is not the one that was read so far"
            )
        return found

    def _head(self) -> int:
        with self._open_to_read() as reader:
            return 0 if reader is None else reader.execute(_HEAD).fetchone()[0]

    @contextmanager
    def _open_to_read(self) -> Generator[sqlite3.Connection | None]:
        """The connection that reads; None as long as nothing was ever appended."""
        with self._reading, self._file.errors_told():
            if self._reader is None and self._path.is_file():
                reader = self._connect()
                if not _is_ours(reader, self._path):
                    reader.close()
                else:
                    self._reader = reader
            yield self._reader


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether a file is an event log; False for an empty one. Raises InvalidInputError for any other, and for a newer one."""
    mark, version, tables = (
        connection.execute(query).fetchone()[0]
        for query in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_schema")
    )
    if not tables:
        return False
    if mark != _APPLICATION_ID:
        raise InvalidInputError(f"{path} is a SQLite file but no event log; name another with TASTEGRAPH_LOG")
    if version > VERSION:
        raise InvalidInputError(f"event log {path} has format {version}, this version knows {VERSION}; use a newer one")
    return True
