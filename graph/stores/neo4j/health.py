"""What a database says of its own health; see `graph.ports.GraphReader.checks`.

Nothing here is of one transaction, since a large graph takes minutes to read. What looks wrong is therefore believed only if
nothing was written meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.errors import InvalidInputError
from graph.model import EventKind, NodeKind
from graph.ports import Check, StoreCounts
from graph.stores import health
from graph.stores.lease import LoadHistory
from graph.stores.neo4j import loads, migrate, reader
from graph.stores.neo4j.cypher import export
from graph.stores.neo4j.cypher import health as cypher
from graph.stores.neo4j.cypher.names import PAIRED, TYPES
from graph.stores.neo4j.driver import Database
from graph.stores.neo4j.runs import event_columns, held_columns

_ANEW: Final = "restore a backup, or load all data into an empty database"
_HALVES: Final = 'run the statements of docs/operations.md, "Half-saves"'
_COLUMNS: Final = ("user", "target", "board", "at", "event_id")
_NONE: Final = np.empty(0, np.int64)

Row = tuple[Any, ...]
"""user, pin, board, at, event id: the same for a save and for what the board holds."""


def checks(database: Database) -> Iterator[Check]:
    """Reads every save, and for `content` everything."""
    try:
        migrate.check_schema(database)
    except InvalidInputError as error:
        yield Check.failed("schema", error)
        return
    yield Check("schema", f"version {max(migrate.migrations())}, up to date")
    yield _indexes(database)
    counts, history = _written(database)
    yield health.counts(counts)
    yield _unless_written(_dangling(database), database, (counts, history))
    yield _unless_written(_half_saves(database), database, (counts, history))
    yield health.interrupted_loads(history)
    yield health.lease(history)
    offset = database.read(loads.projected)
    content = health.content(history, offset, lambda: reader.content_hash(database))
    yield _unless_written(content, database, (counts, history))


def _written(database: Database) -> tuple[StoreCounts, LoadHistory]:
    return database.read(lambda tx: (reader.counts(tx), loads.history(tx)))


def _unless_written(check: Check, database: Database, before: tuple[StoreCounts, LoadHistory]) -> Check:
    """The check, or that it says nothing because the store was written to while it was made."""
    if check.ok:
        return check
    (counts, history), (counts_before, before_) = _written(database), before
    if (counts, history.unfinished, history.ended) == (counts_before, before_.unfinished, before_.ended):
        return check
    return Check(check.name, "not known: the store was written to meanwhile; look again when that has ended")


def _indexes(database: Database) -> Check:
    """That each constraint and index of the schema is there, and filled. A constraint has an index of its name."""
    constraints = set(database.read(lambda tx: tx.run(cypher.CONSTRAINTS).value()))
    states: dict[str, str] = dict(database.read(lambda tx: tx.run(cypher.INDEXES).values()))
    found: list[str] = []
    mend: list[str] = []
    for name, statement in migrate.made().items():
        is_constraint = statement.startswith("CREATE CONSTRAINT")
        state = states.get(name, "missing") if name in constraints or not is_constraint else "missing"
        if state == "ONLINE":
            continue
        found.append(f"{name} is {state}")
        if state == "missing":
            mend.append(statement)
        elif state == "POPULATING":
            mend.append(f"wait until {name} is filled")
        else:
            mend.append(f"DROP {'CONSTRAINT' if is_constraint else 'INDEX'} {name}; {statement}")
    if not found:
        return Check("indexes", f"{len(states)} indexes, all online")
    return Check("indexes", ", ".join(found), f"in the database: {'; '.join(mend)}")


def _dangling(database: Database) -> Check:
    """Edges whose ends are not of the right kind; Neo4j itself sees to it that they have some."""
    ends = database.read(lambda tx: tx.run(cypher.ENDS).values())
    found = [
        f"{type_} {max(edges - sources, edges - targets):,}"
        for type_, edges, sources, targets in ends
        if not edges == sources == targets
    ]
    return Check("dangling_edges", ", ".join(found), _ANEW) if found else Check("dangling_edges", "none")


def _half_saves(database: Database) -> Check:
    """Saves on boards that the board does not hold, and what boards hold without a save; the same for their ends.

    8 bytes an edge: each is known by a 64-bit hash, and read again to be named only where something is wrong.
    """
    found: list[str] = []
    for kind, paired in PAIRED.items():
        name = TYPES[kind]
        saved, held = _hashes(_saved(database, kind)), _hashes(_held(database, kind))
        if len(lacking := np.setdiff1d(saved, held)):
            found.append(f"{name} without {paired} {_named(lacking, _saved(database, kind))}")
        if len(odd := np.setdiff1d(held, saved)):
            found.append(f"{paired} without {name} {_named(odd, _held(database, kind))}")
        if doubled := len(held) - len(np.unique(held)):
            found.append(f"{paired} twice {doubled:,}")
    return Check("half_saves", "; ".join(found), _HALVES) if found else Check("half_saves", "none")


def _saved(database: Database, kind: EventKind) -> Iterator[list[Row]]:
    for _, columns in event_columns(database, export.EVENT_IDS, shapes=[(kind, NodeKind.PIN)]):
        yield [row for row in _rows(columns) if row[2]]


def _held(database: Database, kind: EventKind) -> Iterator[list[Row]]:
    for columns in held_columns(database, kind):
        yield list(_rows(columns))


def _rows(columns: dict[str, list[Any]]) -> Iterator[Row]:
    return zip(*(columns[name] for name in _COLUMNS), strict=True)


def _hashes(runs: Iterable[list[Row]]) -> NDArray[np.int64]:
    return np.concatenate([_NONE, *(_hashed(rows) for rows in runs)])


def _hashed(rows: list[Row]) -> NDArray[np.int64]:
    return np.fromiter(map(hash, rows), np.int64, len(rows))


def _named(wanted: NDArray[np.int64], runs: Iterable[list[Row]]) -> str:
    """How many, and the first of them as user/pin/board."""
    rows = (row for run in runs for row, is_wanted in zip(run, np.isin(_hashed(run), wanted), strict=True) if is_wanted)
    return health.listed(len(wanted), ("/".join(row[:3]) for row in rows))
