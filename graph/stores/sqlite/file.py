"""What every SQLite file of ours has in common, store and event log: who may read it, and how the driver's errors are told.

Knows no schema, and opens nothing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.errors import CorruptFileError, InvalidInputError, StoreUnavailableError, TastegraphError

_CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_REFUSED: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
)
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DISK: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM})


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file, what it is called, and what is said when it is damaged or can't be opened."""

    path: Path
    name: str
    damaged: str
    damaged_mend: str
    refused: str

    def create(self) -> None:
        """Makes the file, readable by its owner only, where there is none. Raises InvalidInputError where that can't be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            reason = error.strerror or str(error)
            raise InvalidInputError(
                f"{self.name} {self.path} can't be made ({reason}); check the path and its permissions"
            ) from None

    @contextmanager
    def errors_told(self) -> Generator[None]:
        """Turns what SQLite raises into one line of ours; a mistake in our own SQL is seen as it is."""
        try:
            yield
        except sqlite3.Error as error:
            told = self._told(error)
            if told is None:
                raise
            raise told from error

    def _told(self, error: sqlite3.Error) -> TastegraphError | None:
        called = f"{self.name} {self.path}"
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
        if code in _CORRUPT:
            return CorruptFileError(f"{called} {self.damaged} ({error}); {self.damaged_mend}")
        if code in _REFUSED:
            return InvalidInputError(f"{called} {self.refused} ({error}); check the path and its permissions")
        if code in _BUSY:
            return StoreUnavailableError(f"{called} is kept busy by another process ({error}); try again later")
        if code in _DISK:
            return StoreUnavailableError(f"{called} can't be written ({error}); free some disk space and try again")
        return None
