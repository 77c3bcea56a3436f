"""Brings the schema of a database up to date, and refuses one that is newer than this version.

A change of the schema and its record can't be of one transaction in Neo4j. So one transaction holds a lock and writes the
records, and the changes are made beside it: whoever comes second waits, and finds them done. Killed in between, the records
are rolled back and the changes made again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, LiteralString, cast

from neo4j import ManagedTransaction
from neo4j.exceptions import Neo4jError

from graph.errors import InvalidInputError, NotFoundError, StoreUnavailableError
from graph.stores.neo4j.cypher import schema as cypher
from graph.stores.neo4j.driver import SCHEMA_TIMEOUT_S, Database
from graph.stores.neo4j.refusals import one_line

_FOLDER: Final = "graph.stores.neo4j.migrations"
_SCHEMA: Final = ".Schema."


@cache
def migrations() -> Mapping[int, tuple[str, tuple[LiteralString, ...]]]:
    """Version → (name, statements), in order."""
    found: dict[int, tuple[str, tuple[LiteralString, ...]]] = {}
    for file in sorted(files(_FOLDER).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".cypher"):
            name = file.name.removesuffix(".cypher")
            found[int(name.partition("_")[0])] = (name, tuple(_statements(file.read_text("utf-8"))))
    return found


@cache
def made() -> Mapping[str, str]:
    """The constraints and indexes of the whole schema: name → the statement that makes it."""
    statements = [*cypher.BOOTSTRAP, *(statement for _, script in migrations().values() for statement in script)]
    return {statement.split()[2]: statement for statement in statements if statement.startswith("CREATE ")}


def migrate(database: Database) -> list[str]:
    """Applies what is missing; returns the names."""
    if _applied(database) == set(migrations()):
        return []
    for statement in cypher.BOOTSTRAP:
        _change(database, statement)
    return database.write_alone(cypher.LOCK, lambda tx: _apply_missing(tx, database))


def check_schema(database: Database) -> None:
    """Raises unless the database has exactly this version's schema."""
    applied, known = _applied(database), set(migrations())
    if not applied:
        raise NotFoundError(
            f"there is no store in Neo4j at {database.url}; run `tastegraph load --store {database.url}`"
        )
    if applied != known:
        raise InvalidInputError(
            f"Neo4j at {database.url} has an older schema; run `tastegraph load` to bring it up to date"
        )


def _applied(database: Database) -> set[int]:
    """Raises InvalidInputError when there are versions that this one does not know."""
    return database.read(lambda tx: _known_versions(tx, database.url))


def _known_versions(tx: ManagedTransaction, url: str) -> set[int]:
    applied = set(tx.run(cypher.APPLIED).value())
    known = set(migrations())
    if newer := applied - known:
        raise InvalidInputError(
            f"Neo4j at {url} has schema {max(newer)}, this version knows {max(known)}; use a newer tastegraph"
        )
    return applied


def _apply_missing(tx: ManagedTransaction, database: Database) -> list[str]:
    applied = _known_versions(tx, database.url)
    applied_now: list[str] = []
    for version, (name, statements) in migrations().items():
        if version not in applied:
            for statement in statements:
                _change(database, statement)
            tx.run(cypher.RECORD, version=version, name=name).consume()
            applied_now.append(name)
    tx.run(cypher.AWAIT_INDEXES, seconds=int(SCHEMA_TIMEOUT_S)).consume()
    return applied_now


def _change(database: Database, statement: LiteralString) -> None:
    try:
        database.change_schema(statement)
    except Neo4jError as error:
        raise _unfit(error, database.url) from error
    except StoreUnavailableError as error:
        cause = error.__cause__
        if isinstance(cause, Neo4jError) and _SCHEMA in (cause.code or ""):
            raise _unfit(cause, database.url) from error
        raise


def _unfit(error: Neo4jError, url: str) -> InvalidInputError:
    return InvalidInputError(
        f"the database at {url} holds what does not fit our schema ({one_line(error)}); use an empty one, or mend it"
    )


def _statements(script: str) -> Iterator[LiteralString]:
    """The statements of one of our own scripts, which is as good as a literal."""
    lines = (line for line in script.splitlines() if not line.startswith("//"))
    for statement in "\n".join(lines).split(";"):
        if statement.strip():
            yield cast("LiteralString", statement.strip())
