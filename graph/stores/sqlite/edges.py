"""Writes plain edges: ABOUT, IS and RELATES."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from graph.model import About, EdgeKind, EdgeRow, Is, NodeKind, PlainEdge
from graph.ports import Outcome
from graph.rules import edge_digest, edge_key
from graph.stores.settle import Held, settle_versions
from graph.stores.sqlite.nodes import keys_of

_HELD_ABOUT: Final = "SELECT version_at, digest FROM about WHERE pin_key = ? AND interest_key = ?"
_HELD_IS: Final = "SELECT version_at, digest FROM depicts WHERE pin_key = ? AND entity_key = ?"
_HELD_RELATES: Final = "SELECT version_at, digest FROM relates WHERE head_key = ? AND predicate = ? AND tail_key = ?"
_UPSERT_ABOUT: Final = """
INSERT INTO about (pin_key, interest_key, version_at, digest, score) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET version_at = excluded.version_at, digest = excluded.digest, score = excluded.score
"""
_UPSERT_IS: Final = """
INSERT INTO depicts (pin_key, entity_key, version_at, digest) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET version_at = excluded.version_at, digest = excluded.digest
"""
_UPSERT_RELATES: Final = """
INSERT INTO relates (head_key, predicate, tail_key, version_at, digest) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET version_at = excluded.version_at, digest = excluded.digest
"""
_HELD: Final = {EdgeKind.ABOUT: _HELD_ABOUT, EdgeKind.IS: _HELD_IS, EdgeKind.RELATES: _HELD_RELATES}
_UPSERT: Final = {EdgeKind.ABOUT: _UPSERT_ABOUT, EdgeKind.IS: _UPSERT_IS, EdgeKind.RELATES: _UPSERT_RELATES}
_TYPES: Final = {"ABOUT": EdgeKind.ABOUT, "IS": EdgeKind.IS, "RELATES": EdgeKind.RELATES}


def write(connection: sqlite3.Connection, kind: EdgeKind, rows: Sequence[EdgeRow]) -> Outcome:
    """Writes plain edges of one kind; see `graph.ports.GraphWriter.write_edges`."""
    edges = [row.edge for row in rows]
    if kind not in _UPSERT or any(_TYPES[edge_key(edge)[0]] is not kind for edge in edges):
        raise ValueError(f"not edges of kind {kind}")
    keys = _ends(connection, edges)
    held_under = _HELD[kind]
    held: dict[tuple[int | str, ...], Held] = {}
    for key in set(keys):
        if (row := connection.execute(held_under, key).fetchone()) is not None:
            held[key] = Held(*row)
    digests = [edge_digest(edge) for edge in edges]
    settled = settle_versions(keys, [row.version_at for row in rows], digests, held)
    connection.executemany(
        _UPSERT[kind],
        ((*keys[i], rows[i].version_at, digests[i], *_score(edges[i])) for i in settled.write),
    )
    return settled.outcome + Outcome(edges_written=len(settled.write))


def _score(edge: PlainEdge) -> tuple[float | None, ...]:
    return (edge.score,) if isinstance(edge, About) else ()


def _ends(connection: sqlite3.Connection, edges: list[PlainEdge]) -> list[tuple[int | str, ...]]:
    """Each edge's identity in keys. Raises NotFoundError when an end is missing."""
    pins = keys_of(connection, NodeKind.PIN, (edge.pin for edge in edges if isinstance(edge, About | Is)))
    interests = keys_of(connection, NodeKind.INTEREST, (edge.interest for edge in edges if isinstance(edge, About)))
    named = [end for edge in edges if not isinstance(edge, About) for end in _entities(edge)]
    entities = keys_of(connection, NodeKind.ENTITY, named)
    keys: list[tuple[int | str, ...]] = []
    for edge in edges:
        if isinstance(edge, About):
            keys.append((pins[edge.pin], interests[edge.interest]))
        elif isinstance(edge, Is):
            keys.append((pins[edge.pin], entities[edge.entity]))
        else:
            keys.append((entities[edge.head], edge.predicate, entities[edge.tail]))
    return keys


def _entities(edge: PlainEdge) -> tuple[str, ...]:
    if isinstance(edge, Is):
        return (edge.entity,)
    return () if isinstance(edge, About) else (edge.head, edge.tail)
