"""How the file is opened and how its errors are told: pragmas, transactions, one clear line instead of a driver's traceback.

Knows nothing of the schema but the two places where its version is kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Final

from graph.errors import NotFoundError
from graph.stores.sqlite.file import SqliteFile

APPLICATION_ID: Final = 0x54617374
"""Marks a SQLite file as a tastegraph store ("Tast")."""

_BUSY_TIMEOUT_S: Final = 30.0

_PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",  # a commit that was acknowledged survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = FILE",  # so that an index is sorted in the cache's size, however large it gets
    "PRAGMA cache_size = -32768",  # 32 MiB: events come in the order of their ids, see graph.stores.by_event_id
    "PRAGMA wal_autocheckpoint = 16384",  # 64 MiB: a page that many batches touch is copied back once
    "PRAGMA journal_size_limit = 67108864",
)


class Database:
    """One store file: a connection that writes, opened when first needed, and a fresh one for each read.

    Safe to use from several threads; writes take turns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = SqliteFile(
            path, "store", "is damaged or no store", "restore a backup or load anew", "can't be opened for writing"
        )
        self._lock = RLock()
        self._writer: sqlite3.Connection | None = None

    def create(self) -> None:
        """Makes the file, readable by its owner only, where there is none."""
        self._file.create()

    def _open(self) -> sqlite3.Connection:
        if not self.path.is_file():
            raise NotFoundError(
                f"there is no store at {self.path}; run `tastegraph load` first, or name another with --store"
            )
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            return connection
        except BaseException:
            connection.close()
            raise

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """A transaction that writes: committed at the end, rolled back on any error."""
        with self._lock, self._file.errors_told():
            if self._writer is None:
                writer = self._open()
                writer.execute("PRAGMA journal_mode = WAL")
                self._writer = writer
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """A transaction that reads one state of the store, however long it takes and whatever is written meanwhile."""
        with self._file.errors_told(), closing(self._open()) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            yield connection

    def close(self) -> None:
        """Closes the writing connection; the next use opens it again."""
        with self._lock, self._file.errors_told():
            if self._writer is not None:
                self._writer.close()
                self._writer = None
