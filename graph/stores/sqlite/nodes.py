"""Writes nodes: bare ones that are only mentioned, and rows that say what one is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final

from graph.model import BARE_KINDS, Board, Id, Interest, Node, NodeKind, NodeRow
from graph.ports import NULL_TIME, Outcome
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
_UPSERTS: Final = {
    NodeKind.USER: """
INSERT INTO node (kind, id, version_at, deleted_at, digest, created_at, attributes)
VALUES ('User', ?, nullif(?, -9223372036854775808), nullif(?, -9223372036854775808), ?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE
SET version_at = excluded.version_at, deleted_at = excluded.deleted_at, digest = excluded.digest,
    created_at = excluded.created_at, attributes = excluded.attributes
""",
    NodeKind.PIN: """
INSERT INTO node (kind, id, version_at, deleted_at, digest, title, description, created_at, attributes)
VALUES ('Pin', ?, nullif(?, -9223372036854775808), nullif(?, -9223372036854775808), ?, ?, ?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE
SET version_at = excluded.version_at, deleted_at = excluded.deleted_at, digest = excluded.digest,
    title = excluded.title, description = excluded.description,
    created_at = excluded.created_at, attributes = excluded.attributes
""",
    NodeKind.BOARD: """
INSERT INTO node (kind, id, version_at, deleted_at, digest, title, secret, owner_key)
VALUES ('Board', ?, nullif(?, -9223372036854775808), nullif(?, -9223372036854775808), ?, ?, ?,
        (SELECT key FROM node WHERE kind = 'User' AND id = ?))
ON CONFLICT (kind, id) DO UPDATE
SET version_at = excluded.version_at, deleted_at = excluded.deleted_at, digest = excluded.digest,
    title = excluded.title, secret = excluded.secret,
    owner_key = excluded.owner_key
""",
    NodeKind.INTEREST: """
INSERT INTO node (kind, id, version_at, deleted_at, digest, name, parent_key)
VALUES ('Interest', ?, nullif(?, -9223372036854775808), nullif(?, -9223372036854775808), ?, ?,
        (SELECT key FROM node WHERE kind = 'Interest' AND id = ?))
ON CONFLICT (kind, id) DO UPDATE
SET version_at = excluded.version_at, deleted_at = excluded.deleted_at, digest = excluded.digest,
    name = excluded.name, parent_key = excluded.parent_key
""",
    NodeKind.ENTITY: """
INSERT INTO node (kind, id, version_at, deleted_at, digest, name)
VALUES ('Entity', ?, nullif(?, -9223372036854775808), nullif(?, -9223372036854775808), ?, ?)
ON CONFLICT (kind, id) DO UPDATE
SET version_at = excluded.version_at, deleted_at = excluded.deleted_at, digest = excluded.digest,
    name = excluded.name
""",
}
"""Id, version and deletion (NULL_TIME for none), digest, and what the kind's function in `_SAID` gives."""


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
    connection.executemany(
        _UPSERTS[kind], _rows(kind, [rows[i] for i in settled.write], [digests[i] for i in settled.write])
    )
    return settled.outcome + Outcome(edges_written=sum(_edges(rows[i].node) for i in settled.write))


def _check_named(connection: sqlite3.Connection, keys: NodeKeys, nodes: list[Node], ids: set[Id]) -> None:
    keys.of(connection, NodeKind.USER, [node.owner for node in nodes if isinstance(node, Board)])
    parents = {node.parent for node in nodes if isinstance(node, Interest) and node.parent is not None}
    keys.of(connection, NodeKind.INTEREST, list(parents - ids))


def _edges(node: Node) -> int:
    """OWNS of a board, CHILD_OF of an interest below another."""
    return int(isinstance(node, Board) or (isinstance(node, Interest) and node.parent is not None))


def _rows(kind: NodeKind, rows: Sequence[NodeRow], digests: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
    """What a kind's upsert takes."""
    said = _SAID[kind]
    for row, digest in zip(rows, digests, strict=True):
        version = NULL_TIME if row.version_at is None else row.version_at
        deleted = NULL_TIME if row.deleted_at is None else row.deleted_at
        yield row.node.id, version, deleted, bytearray(digest), *said(row.node)


_SAID: Final[dict[NodeKind, Callable[[Any], tuple[Any, ...]]]] = {
    NodeKind.USER: attrgetter("created_at", "attributes"),
    NodeKind.PIN: attrgetter("title", "description", "created_at", "attributes"),
    NodeKind.BOARD: attrgetter("title", "secret", "owner"),
    NodeKind.INTEREST: attrgetter("name", "parent"),
    NodeKind.ENTITY: lambda entity: (entity.name,),
}
