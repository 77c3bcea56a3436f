"""Answers about the record: counts, its hash, one node, one user's saves and events."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Final

from graph.contenthash import ContentHash
from graph.model import (
    Board,
    EdgeKind,
    Entity,
    Event,
    EventId,
    EventKind,
    Id,
    Interest,
    Node,
    NodeKind,
    Pin,
    TimeMs,
    User,
)
from graph.ports import StoreCounts
from graph.rules import holds, node_digest
from graph.stores.sqlite.eventid import told

RUN_ROWS: Final = 50_000
"""Rows that are held in memory at a time."""

_NODE_COUNTS: Final = "SELECT kind, count(*) FROM node GROUP BY kind"
_EVENT_COUNTS: Final = "SELECT kind, count(*) FROM event GROUP BY kind"
_EDGE_COUNTS: Final = """
SELECT 'OWNS', count(owner_key) FROM node UNION ALL SELECT 'CHILD_OF', count(parent_key) FROM node
UNION ALL SELECT 'ABOUT', count(*) FROM about UNION ALL SELECT 'IS', count(*) FROM depicts
UNION ALL SELECT 'RELATES', count(*) FROM relates
"""
_NODE_DIGESTS: Final = "SELECT digest FROM node WHERE digest IS NOT NULL"
_BARE: Final = "SELECT kind, id FROM node WHERE digest IS NULL"
_BARE_TYPES: Final[dict[str, Callable[[Id], Node]]] = {"User": User, "Pin": Pin, "Entity": Entity}
_EDGE_DIGESTS: Final = (
    "SELECT digest FROM about UNION ALL SELECT digest FROM depicts UNION ALL SELECT digest FROM relates"
)
NODES: Final = """
SELECT node.key, node.deleted_at, node.id, node.created_at, node.title, node.description, node.name, node.attributes,
       node.secret, owner.id, parent.id
FROM node LEFT JOIN node AS owner ON owner.key = node.owner_key LEFT JOIN node AS parent ON parent.key = node.parent_key
WHERE node.kind = ?
"""
_NODE: Final = NODES + " AND node.id = ? AND node.deleted_at IS NULL"
_DERIVED_IDS: Final = "SELECT event_id FROM event WHERE digest IS NULL"
_GIVEN_IDS: Final = "SELECT event_id, digest FROM event WHERE digest IS NOT NULL"
_EVENTS: Final = """
SELECT event.event_id, event.kind, user.id, target.kind, target.id, board.id, event.at, event.weight, event.group_id,
       target.deleted_at IS NULL AND board.deleted_at IS NULL AND user.deleted_at IS NULL
FROM node AS user JOIN event ON event.user_key = user.key JOIN node AS target ON target.key = event.target_key
LEFT JOIN node AS board ON board.key = event.board_key
WHERE user.kind = 'User' AND user.id = ?
"""
_RECENT_EVENTS: Final = (
    _EVENTS
    + """
ORDER BY event.at IS NULL, event.at DESC,
         CASE typeof(event.event_id) WHEN 'blob' THEN lower(hex(event.event_id)) ELSE event.event_id END
LIMIT ?
"""
)
_SAVES: Final = _EVENTS + " AND event.kind IN ('SAVE', 'UNSAVE')"
_OFFSET: Final = "SELECT log_offset FROM projection"


def runs(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    """A cursor's rows, a bounded number at a time."""
    while rows := cursor.fetchmany(RUN_ROWS):
        yield rows


def node_of(kind: NodeKind, row: tuple[Any, ...]) -> Node:
    """The node that a row of `NODES` is; a bare one has default properties."""
    _, _, id_, created_at, title, description, name, attributes, secret, owner, parent = row
    match kind:
        case NodeKind.USER:
            return User(id_, created_at, attributes or "{}")
        case NodeKind.PIN:
            return Pin(id_, title, description, created_at, attributes or "{}")
        case NodeKind.BOARD:
            return Board(id_, owner, title, bool(secret))
        case NodeKind.INTEREST:
            return Interest(id_, name, parent)
        case NodeKind.ENTITY:
            return Entity(id_, name)


def counts(connection: sqlite3.Connection) -> StoreCounts:
    """Rows of each kind, those with none included."""
    nodes: dict[str, int] = dict(connection.execute(_NODE_COUNTS))
    events: dict[str, int] = dict(connection.execute(_EVENT_COUNTS))
    edges: dict[str, int] = dict(connection.execute(_EDGE_COUNTS))
    return StoreCounts(
        nodes={kind: nodes.get(kind, 0) for kind in NodeKind},
        events={kind: events.get(kind, 0) for kind in EventKind},
        edges={kind: edges.get(kind, 0) for kind in EdgeKind},
    )


def content_hash(connection: sqlite3.Connection) -> str:
    """See `graph.ports.GraphReader.content_hash`."""
    total = ContentHash()
    for query in (_NODE_DIGESTS, _EDGE_DIGESTS, _DERIVED_IDS):
        for rows in runs(connection.execute(query)):
            total.add([digest for (digest,) in rows])
    for rows in runs(connection.execute(_BARE)):
        total.add([node_digest(_BARE_TYPES[kind](id_)) for kind, id_ in rows])
    for rows in runs(connection.execute(_GIVEN_IDS)):
        total.add_event([told(id_) for id_, _ in rows], [digest for _, digest in rows])
    return total.hexdigest()


def log_offset(connection: sqlite3.Connection) -> int:
    """The projector's position; -1 for none."""
    return connection.execute(_OFFSET).fetchone()[0]


def node(connection: sqlite3.Connection, kind: NodeKind, id: Id) -> Node | None:
    """A node that is not hidden."""
    row = connection.execute(_NODE, (kind.value, id)).fetchone()
    return None if row is None else node_of(kind, row)


def _event(row: tuple[Any, ...]) -> Event:
    event_id, kind, user, target_kind, target, board, at, weight, group_id, _ = row
    return Event(
        EventId(told(event_id)), EventKind(kind), user, NodeKind(target_kind), target, board, at, weight, group_id
    )


def events(connection: sqlite3.Connection, user: Id, first: int) -> list[Event]:
    """Every event of a user, newest first. Uses event_of_user, and sorts that user's rows."""
    return [_event(row) for row in connection.execute(_RECENT_EVENTS, (user, max(first, 0)))]


def saves(connection: sqlite3.Connection, user: Id, first: int) -> list[tuple[Id, Id | None, TimeMs | None]]:
    """What a user holds now, newest first; saves of hidden pins and on hidden boards are left out."""
    saved = holds(_event(row) for row in connection.execute(_SAVES, (user,)) if row[-1]).saved
    found = [(pin, board, at) for (_, pin, board), at in saved.items()]
    found.sort(key=lambda save: (save[2] is None, -(save[2] or 0), save[0], save[1] or ""))
    return found[: max(first, 0)]
