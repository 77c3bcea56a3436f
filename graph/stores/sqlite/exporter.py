"""Streams the record for a snapshot, as columns of keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph.model import EdgeKind, EventKind, NodeKind
from graph.ports import NULL_TIME, EdgeExport, EventExport, NodeExport
from graph.stores.sqlite.reader import NODES, node_of, runs

_EVENTS: Final = """
SELECT user_key, target_key, coalesce(board_key, -1), at, coalesce(weight, 1.0)
FROM event CROSS JOIN node ON node.key = event.target_key
WHERE event.kind = ? AND node.kind = ? AND log_offset <= ?
"""
_ABOUT: Final = "SELECT pin_key, interest_key, score, '' FROM about"
_IS: Final = "SELECT pin_key, entity_key, NULL, '' FROM depicts"
_RELATES: Final = "SELECT head_key, tail_key, NULL, predicate FROM relates"
_EDGES: Final = {EdgeKind.ABOUT: _ABOUT, EdgeKind.IS: _IS, EdgeKind.RELATES: _RELATES}


def nodes(connection: sqlite3.Connection, kind: NodeKind) -> Iterator[NodeExport]:
    """Nodes of one kind, hidden ones marked."""
    for rows in runs(connection.execute(NODES, (kind.value,))):
        yield NodeExport(
            kind=kind,
            keys=np.array([row[0] for row in rows], np.int64),
            nodes=[node_of(kind, row) for row in rows],
            hidden=np.array([row[1] is not None for row in rows], np.bool_),
        )


def events(connection: sqlite3.Connection, kind: EventKind, target_kind: NodeKind, up_to: int) -> Iterator[EventExport]:
    """Events of one kind and target kind: of loads, and of the log up to an offset."""
    for rows in runs(connection.execute(_EVENTS, (kind.value, target_kind.value, up_to))):
        user, target, board, at, weight = zip(*rows, strict=True)
        yield EventExport(
            kind=kind,
            target_kind=target_kind,
            user=_keys(user),
            target=_keys(target),
            board=_keys(board),
            at=_keys([NULL_TIME if time is None else time for time in at]),
            weight=np.array(weight, np.float64),
        )


def _keys(values: Any) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def edges(connection: sqlite3.Connection, kind: EdgeKind) -> Iterator[EdgeExport]:
    """Plain edges of one kind."""
    for rows in runs(connection.execute(_EDGES[kind])):
        source, target, score, predicate = zip(*rows, strict=True)
        yield EdgeExport(
            kind=kind,
            source=_keys(source),
            target=_keys(target),
            score=np.array([np.nan if value is None else value for value in score], np.float32),
            predicate=list(predicate) if kind is EdgeKind.RELATES else [],
        )
