"""What a store file says of its own health; see `graph.ports.GraphReader.checks`."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Final

from graph.errors import InvalidInputError
from graph.ports import Check
from graph.stores import health
from graph.stores.sqlite import loads, migrate, reader
from graph.stores.sqlite.connection import Database

_INTEGRITY: Final = "PRAGMA quick_check(5)"
_FOREIGN_KEYS: Final = "PRAGMA foreign_key_check"
# The keys of events are not declared as references (see the first migration), so they are looked up here.
_EVENTS: Final = """
SELECT count(*) FROM event
LEFT JOIN node AS user ON user.key = event.user_key LEFT JOIN node AS target ON target.key = event.target_key
LEFT JOIN node AS board ON board.key = event.board_key
WHERE user.kind IS NOT 'User' OR target.key IS NULL OR (event.board_key IS NOT NULL AND board.kind IS NOT 'Board')
"""
_BOARDS: Final = "SELECT count(*) FROM node WHERE kind = 'Board' AND owner_key IS NULL"


def checks(connection: sqlite3.Connection, database: Database) -> Iterator[Check]:
    """All within one transaction that reads."""
    try:
        migrate.check_schema(connection, database)
    except InvalidInputError as error:
        yield Check.failed("schema", error)
        return
    anew = f"restore a backup; or move {database.path} away, and load all data into a new store"
    yield Check("schema", f"version {max(migrate.migrations())}, up to date")
    yield _integrity(connection, anew)
    yield health.counts(reader.counts(connection))
    yield _dangling(connection, anew)
    yield Check("half_saves", "none: a save and its board are one row")
    known = loads.history(connection)
    yield health.interrupted_loads(known)
    yield health.lease(known)
    yield health.content(known, reader.log_offset(connection), lambda: reader.content_hash(connection))


def _integrity(connection: sqlite3.Connection, mend: str) -> Check:
    said = [line for (line,) in connection.execute(_INTEGRITY)]
    if said == ["ok"]:
        return Check("integrity", "the file is sound")
    return Check("integrity", f"the file is damaged ({'; '.join(said)})", mend)


def _dangling(connection: sqlite3.Connection, mend: str) -> Check:
    """Edges without their node: of plain edges by declared references, of events and owners by asking."""
    found = Counter(table for table, *_ in connection.execute(_FOREIGN_KEYS))
    found["event"] += connection.execute(_EVENTS).fetchone()[0]
    found["board without an owner"] += connection.execute(_BOARDS).fetchone()[0]
    if not found.total():
        return Check("dangling_edges", "none")
    return Check("dangling_edges", ", ".join(f"{kind} {count:,}" for kind, count in (+found).items()), mend)
