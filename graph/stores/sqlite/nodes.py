"""Writes nodes: bare ones that are only mentioned, and rows that say what one is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

from graph.model import BARE_KINDS, Board, Entity, Id, Interest, Node, NodeKind, NodeRow, Pin, User
from graph.ports import Outcome
from graph.rules import node_digest
from graph.stores.settle import Held, settle_versions
from graph.stores.sqlite.keys import NodeKeys, id_list

_VERSIONS: Final = """
SELECT node.id, node.version_at, node.digest
FROM json_each(?) AS wanted CROSS JOIN node ON node.kind = ? AND node.id = wanted.value
"""
_MISSING: Final = """
SELECT wanted.value FROM json_each(?) AS wanted LEFT JOIN node ON node.kind = ? AND node.id = wanted.value
WHERE node.key IS NULL
"""
_ENSURE: Final = (
    "INSERT INTO node (kind, id) SELECT ?, value FROM json_each(?) WHERE true ON CONFLICT (kind, id) DO NOTHING"
)
_UPSERT: Final = """
INSERT INTO node (kind, id, version_at, deleted_at, digest, created_at, title, description, name, attributes, secret,
                  owner_key, parent_key)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
        (SELECT key FROM node WHERE kind = 'User' AND id = ?12), (SELECT key FROM node WHERE kind = 'Interest' AND id = ?13))
ON CONFLICT (kind, id) DO UPDATE SET
    version_at = excluded.version_at, deleted_at = excluded.deleted_at, digest = excluded.digest,
    created_at = excluded.created_at, title = excluded.title, description = excluded.description, name = excluded.name,
    attributes = excluded.attributes, secret = excluded.secret, owner_key = excluded.owner_key,
    parent_key = excluded.parent_key
"""


def missing(connection: sqlite3.Connection, kind: NodeKind, ids: Sequence[Id]) -> set[Id]:
    """Those of the ids that have no node."""
    return {Id(id_) for (id_,) in connection.execute(_MISSING, (id_list(set(ids)), kind.value))}


def ensure(connection: sqlite3.Connection, kind: NodeKind, ids: Sequence[Id]) -> Outcome:
    """Creates bare nodes where there is none."""
    if kind not in BARE_KINDS:
        raise ValueError(f"a {kind} can't be bare")
    wanted = dict.fromkeys(ids)
    made = connection.execute(_ENSURE, (kind.value, id_list(wanted))).rowcount
    return Outcome(written=made, unchanged=len(wanted) - made, duplicates=len(ids) - len(wanted))


def write(connection: sqlite3.Connection, keys: NodeKeys, kind: NodeKind, rows: Sequence[NodeRow]) -> Outcome:
    """Writes node rows of one kind; see `graph.ports.GraphWriter.write_nodes`."""
    ids = [row.node.id for row in rows]
    _check_named(connection, keys, [row.node for row in rows], set(ids))
    digests = [node_digest(row.node, row.deleted_at) for row in rows]
    versions = connection.execute(_VERSIONS, (id_list(set(ids)), kind.value))
    held = {id_: Held(version_at, digest) for id_, version_at, digest in versions}
    settled = settle_versions(ids, [row.version_at for row in rows], digests, held)
    if kind is NodeKind.INTEREST:  # a parent may come later in the same call
        connection.execute(_ENSURE, (kind.value, id_list(ids[i] for i in settled.write)))
    columns = _COLUMNS[kind]
    connection.executemany(
        _UPSERT,
        (
            (kind.value, ids[i], rows[i].version_at, rows[i].deleted_at, digests[i], *columns(rows[i].node))
            for i in settled.write
        ),
    )
    return settled.outcome + Outcome(edges_written=sum(_edges(rows[i].node) for i in settled.write))


def _check_named(connection: sqlite3.Connection, keys: NodeKeys, nodes: list[Node], ids: set[Id]) -> None:
    keys.of(connection, NodeKind.USER, [node.owner for node in nodes if isinstance(node, Board)])
    parents = {node.parent for node in nodes if isinstance(node, Interest) and node.parent is not None}
    keys.of(connection, NodeKind.INTEREST, list(parents - ids))


def _edges(node: Node) -> int:
    """OWNS of a board, CHILD_OF of an interest below another."""
    return int(isinstance(node, Board) or (isinstance(node, Interest) and node.parent is not None))


_Values = tuple[Any, ...]


def _of_user(node: Any) -> _Values:
    user: User = node
    return user.created_at, None, None, None, user.attributes, None, None, None


def _of_pin(node: Any) -> _Values:
    pin: Pin = node
    return pin.created_at, pin.title, pin.description, None, pin.attributes, None, None, None


def _of_board(node: Any) -> _Values:
    board: Board = node
    return None, board.title, None, None, None, board.secret, board.owner, None


def _of_interest(node: Any) -> _Values:
    interest: Interest = node
    return None, None, None, interest.name, None, None, None, interest.parent


def _of_entity(node: Any) -> _Values:
    entity: Entity = node
    return None, None, None, entity.name, None, None, None, None


_COLUMNS: Final[dict[NodeKind, Callable[[Node], _Values]]] = {
    NodeKind.USER: _of_user,
    NodeKind.PIN: _of_pin,
    NodeKind.BOARD: _of_board,
    NodeKind.INTEREST: _of_interest,
    NodeKind.ENTITY: _of_entity,
}
"""created_at, title, description, name, attributes, secret, owner, parent."""
