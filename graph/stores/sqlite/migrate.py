"""Brings a store file's schema up to date, and refuses files that are not ours or are newer than this version."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from graph.errors import InvalidInputError, NotFoundError
from graph.stores.sqlite.connection import APPLICATION_ID, Database

_FOLDER: Final = "graph.stores.sqlite.migrations"
_TABLES: Final = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
_VERSIONS: Final = "SELECT version FROM schema_version"
_CREATE_VERSIONS: Final = (
    "CREATE TABLE IF NOT EXISTS schema_version"
    " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
)
_RECORD: Final = "INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?)"
_MARK: Final = "PRAGMA application_id = 1415672692"


@cache
def migrations() -> Mapping[int, tuple[str, str]]:
    """Version → (name, SQL), in order."""
    found: dict[int, tuple[str, str]] = {}
    for file in sorted(files(_FOLDER).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            name = file.name.removesuffix(".sql")
            found[int(name.partition("_")[0])] = (name, file.read_text("utf-8"))
    return found


def migrate(database: Database) -> list[str]:
    """Applies what is missing, in one transaction; returns the names. Two processes at once: the second waits, and finds it
    done.
    """
    known = migrations()
    applied_now: list[str] = []
    database.create()
    with database.writing() as connection:
        _check_ours(connection, database)
        connection.execute(_CREATE_VERSIONS)
        applied = {version for (version,) in connection.execute(_VERSIONS)}
        _check_not_newer(applied, known, database)
        for version, (name, sql) in known.items():
            if version not in applied:
                for statement in _statements(sql):
                    connection.execute(statement)
                connection.execute(_RECORD, (version, name, int(time.time() * 1000)))
                applied_now.append(name)
        if applied_now:
            connection.execute(_MARK)
    return applied_now


def check_schema(connection: sqlite3.Connection, database: Database) -> None:
    """Raises unless the file is a store of exactly this version's schema."""
    if not connection.execute(_TABLES).fetchone()[0]:
        raise NotFoundError(f"store {database.path} is empty; run `tastegraph load` first")
    _check_ours(connection, database)
    known = migrations()
    applied = {version for (version,) in connection.execute(_VERSIONS)}
    _check_not_newer(applied, known, database)
    if applied != set(known):
        raise InvalidInputError(
            f"store {database.path} has an older schema; run `tastegraph load` to bring it up to date"
        )


def _check_ours(connection: sqlite3.Connection, database: Database) -> None:
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    if mark != APPLICATION_ID and connection.execute(_TABLES).fetchone()[0]:
        raise InvalidInputError(f"{database.path} is a SQLite file but no tastegraph store; name another with --store")


def _check_not_newer(applied: set[int], known: Mapping[int, tuple[str, str]], database: Database) -> None:
    if newer := applied - set(known):
        raise InvalidInputError(
            f"store {database.path} has schema {max(newer)}, this version knows {max(known)}; use a newer tastegraph"
        )


def _statements(sql: str) -> Iterator[str]:
    """The statements of a script. `executescript` would commit in the middle of our transaction."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
