"""Streams the record for a snapshot, as columns of keys: the nodes' id(), which are good for the time of one export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.model import EdgeKind, NodeKind
from graph.ports import EdgeExport, EventExport, NodeExport
from graph.stores.neo4j.cypher import export as cypher
from graph.stores.neo4j.driver import Database, check_made, scalar
from graph.stores.neo4j.reader import node_of
from graph.stores.neo4j.runs import edge_columns, event_columns, node_runs


def nodes(database: Database, kind: NodeKind) -> Iterator[NodeExport]:
    """Nodes of one kind, hidden ones marked."""
    for rows in node_runs(database, kind):
        yield NodeExport(
            kind=kind,
            keys=_keys([row[0] for row in rows]),
            nodes=[node_of(kind, row) for row in rows],
            hidden=np.array([row[1] is not None for row in rows], np.bool_),
        )


def events(database: Database, up_to: int) -> Iterator[EventExport]:
    """Events of loads, and of the log up to an offset."""
    for (kind, target_kind), columns in event_columns(database, cypher.EVENT_KEYS, up_to=up_to):
        count = len(columns["user"])
        yield EventExport(
            kind=kind,
            target_kind=target_kind,
            user=_keys(columns["user"]),
            target=_keys(columns["target"]),
            board=_board_keys(database, columns["board"]) if "board" in columns else np.full(count, -1, np.int64),
            at=_keys(columns["at"]),
            weight=np.array(columns["weight"], np.float64) if "weight" in columns else np.ones(count),
        )


def edges(database: Database, kind: EdgeKind) -> Iterator[EdgeExport]:
    """Plain edges of one kind."""
    for columns in edge_columns(database, cypher.EDGE_KEYS, kind):
        yield EdgeExport(
            kind=kind,
            source=_keys(columns["source"]),
            target=_keys(columns["target"]),
            score=np.array(columns["score"], np.float32),
            predicate=columns["predicate"] if kind is EdgeKind.RELATES else [],
        )


def _board_keys(database: Database, boards: list[str]) -> NDArray[np.int64]:
    """The keys of boards that edges name; -1 for none, which is written ''."""
    ids = sorted(set(boards) - {""})
    keys: dict[str, int] = {"": -1}
    if ids:
        found = database.read(lambda tx: scalar(tx, cypher.BOARD_KEYS, ids=ids))
        check_made(len(found), ids)
        keys.update(zip(ids, found, strict=True))
    return _keys([keys[board] for board in boards])


def _keys(values: list[Any]) -> NDArray[np.int64]:
    return np.array(values, np.int64)
