"""Answers about the record: counts, its hash, one node, one user's saves and events."""

from __future__ import annotations

import math
from collections.abc import Iterator
from heapq import nsmallest
from typing import Any, Final

from neo4j import ManagedTransaction

from graph.contenthash import ContentHash
from graph.model import (
    About,
    Board,
    EdgeKind,
    Entity,
    Event,
    EventId,
    EventKind,
    Id,
    Interest,
    Is,
    Node,
    NodeKind,
    Pin,
    PlainEdge,
    Relates,
    TimeMs,
    User,
)
from graph.ports import NULL_TIME, StoreCounts
from graph.rules import derived_event_id, edge_digest, holds, node_digest, payload_digest
from graph.stores.neo4j.cypher import export, reading
from graph.stores.neo4j.cypher.names import SHAPES, Shape
from graph.stores.neo4j.driver import Database
from graph.stores.neo4j.runs import edge_columns, event_columns, node_runs
from graph.stores.neo4j.stored import Stored

_SAVES: Final = ((EventKind.SAVE, NodeKind.PIN), (EventKind.UNSAVE, NodeKind.PIN))


def node_of(kind: NodeKind, row: list[Any]) -> Node:
    """The node that a list of `cypher.reading` is; a bare one has default properties."""
    _, _, id_, *columns = row
    match kind:
        case NodeKind.USER:
            created_at, attributes = columns
            return User(id_, created_at, attributes or "{}")
        case NodeKind.PIN:
            created_at, attributes, title, description = columns
            return Pin(id_, title, description, created_at, attributes or "{}")
        case NodeKind.BOARD:
            title, secret, owner = columns
            return Board(id_, owner, title, bool(secret))
        case NodeKind.INTEREST:
            name, parent = columns
            return Interest(id_, name, parent)
        case NodeKind.ENTITY:
            return Entity(id_, columns[0])


def counts(tx: ManagedTransaction) -> StoreCounts:
    """Rows of each kind."""
    found = tx.run(reading.COUNTS).single(strict=True)
    return StoreCounts(
        nodes={kind: found[kind.value] for kind in NodeKind},
        events={kind: found[kind.value] for kind in EventKind},
        edges={kind: found[kind.value] for kind in EdgeKind},
    )


def node(tx: ManagedTransaction, kind: NodeKind, id: Id) -> Node | None:
    """A node that is not hidden."""
    found = tx.run(reading.ONE[kind], id=id).single()
    if found is None or found["node"][1] is not None:
        return None
    return node_of(kind, found["node"])


def events(tx: ManagedTransaction, user: Id, first: int) -> list[Event]:
    """Every event of a user, newest first."""
    found = (event for shape in SHAPES for event, _ in _events(tx, user, shape))
    return nsmallest(max(first, 0), found, key=_newest_first)


def _newest_first(event: Event) -> tuple[bool, int, bytes]:
    return event.at is None, -(event.at or 0), event.event_id.encode()


def saves(tx: ManagedTransaction, user: Id, first: int) -> list[tuple[Id, Id | None, TimeMs | None]]:
    """What a user holds now, newest first; saves of hidden pins and on hidden boards are left out."""
    saved = holds(event for shape in _SAVES for event, visible in _events(tx, user, shape) if visible).saved
    found = [(pin, board, at) for (_, pin, board), at in saved.items()]
    found.sort(key=lambda save: (save[2] is None, -(save[2] or 0), save[0], save[1] or ""))
    return found[: max(first, 0)]


def _events(tx: ManagedTransaction, user: Id, shape: Shape) -> Iterator[tuple[Event, bool]]:
    """The user's events of one shape, and whether all their ends are visible."""
    for edge, visible in tx.run(reading.EVENTS[shape], user=user):
        stored = Stored(shape[0], user, shape[1], *edge)
        yield (
            Event(
                EventId(stored.event_id),
                shape[0],
                user,
                shape[1],
                Id(stored.target),
                None if stored.board is None else Id(stored.board),
                None if stored.at is None else TimeMs(stored.at),
                stored.weight,
                stored.group_id,
            ),
            visible,
        )


def content_hash(database: Database) -> str:
    """See `graph.ports.GraphReader.content_hash`."""
    total = ContentHash()
    for kind in NodeKind:
        for rows in node_runs(database, kind):
            total.add(node_digest(node_of(kind, row), row[1]) for row in rows)
    for kind in export.ENDS:
        for columns in edge_columns(database, export.EDGE_IDS, kind):
            total.add(edge_digest(edge) for edge in _plain_edges(kind, columns))
    for shape, columns in event_columns(database, export.EVENT_IDS):
        _add_events(total, shape, columns)
    return total.hexdigest()


def _plain_edges(kind: EdgeKind, columns: dict[str, list[Any]]) -> Iterator[PlainEdge]:
    for source, target, score, predicate in zip(
        columns["source"], columns["target"], columns["score"], columns["predicate"], strict=True
    ):
        if kind is EdgeKind.ABOUT:
            yield About(source, target, None if math.isnan(score) else score)
        elif kind is EdgeKind.IS:
            yield Is(source, target)
        else:
            yield Relates(source, predicate, target)


def _add_events(total: ContentHash, shape: Shape, columns: dict[str, list[Any]]) -> None:
    """Adds a run's events. Where nothing but the edge itself makes the id, the id is the payload's digest."""
    kind, target_kind = shape
    count = len(columns["user"])
    none: list[None] = [None] * count
    derived: list[bytes] = []
    ids: list[str] = []
    digests: list[bytes] = []
    for user, target, at, event_id, group_id, board, weight in zip(
        *(columns[name] for name in ("user", "target", "at", "event_id", "group_id")),
        columns.get("board", none),
        columns.get("weight", none),
        strict=True,
    ):
        time = None if at == NULL_TIME else at
        digest = payload_digest(kind, user, target_kind, target, board or None, time, weight, group_id or None)
        if event_id or group_id or weight not in (None, 1.0):
            ids.append(event_id or derived_event_id(kind, user, target_kind, target, board or None, time))
            digests.append(digest)
        else:
            derived.append(digest)
    total.add(derived)
    total.add_event(ids, digests)
