"""Writes plain edges: ABOUT, IS and RELATES."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from graph.model import About, EdgeKind, EdgeRow, Id, Is, NodeKind, PlainEdge, Relates
from graph.ports import Outcome
from graph.rules import edge_digest
from graph.stores.settle import Held, settle_versions
from graph.stores.sqlite.keys import NodeKeys


@dataclass(frozen=True, slots=True)
class _Table:
    """Where edges of one kind are kept. An identity is (source key, target key) and, for RELATES, the predicate."""

    edge_type: type[PlainEdge]
    source: NodeKind
    target: NodeKind
    held: LiteralString
    insert: LiteralString
    update: LiteralString


_REPLACED: Final = "ON CONFLICT DO UPDATE SET version_at = excluded.version_at, digest = excluded.digest"
_TABLES: Final = {
    EdgeKind.ABOUT: _Table(
        About,
        NodeKind.PIN,
        NodeKind.INTEREST,
        "SELECT version_at, digest FROM about WHERE pin_key = ? AND interest_key = ?",
        "INSERT INTO about (pin_key, interest_key, version_at, digest, score) VALUES (?, ?, ?, ?, ?) ",
        _REPLACED + ", score = excluded.score",
    ),
    EdgeKind.IS: _Table(
        Is,
        NodeKind.PIN,
        NodeKind.ENTITY,
        "SELECT version_at, digest FROM depicts WHERE pin_key = ? AND entity_key = ?",
        "INSERT INTO depicts (pin_key, entity_key, version_at, digest) VALUES (?, ?, ?, ?) ",
        _REPLACED,
    ),
    EdgeKind.RELATES: _Table(
        Relates,
        NodeKind.ENTITY,
        NodeKind.ENTITY,
        "SELECT version_at, digest FROM relates WHERE head_key = ? AND tail_key = ? AND predicate = ?",
        "INSERT INTO relates (head_key, tail_key, predicate, version_at, digest) VALUES (?, ?, ?, ?, ?) ",
        _REPLACED,
    ),
}

_Identity = tuple[int | str, ...]


def write(connection: sqlite3.Connection, keys: NodeKeys, kind: EdgeKind, rows: Sequence[EdgeRow]) -> Outcome:
    """Writes plain edges of one kind; see `graph.ports.GraphWriter.write_edges`."""
    table = _TABLES.get(kind)
    edges = [row.edge for row in rows]
    if table is None or not all(isinstance(edge, table.edge_type) for edge in edges):
        raise ValueError(f"these are not edges of kind {kind}, or the kind is no plain one")
    identities = _identities(connection, keys, table, edges)
    digests = [edge_digest(edge) for edge in edges]
    found = [
        (*identity, row.version_at, bytearray(digest), *_score(row.edge))
        for identity, row, digest in zip(identities, rows, digests, strict=True)
    ]
    if _all_new(connection, table, found):
        return Outcome(written=len(rows), edges_written=len(rows))
    held: dict[_Identity, Held] = {}
    for identity in set(identities):
        if (row := connection.execute(table.held, identity).fetchone()) is not None:
            held[identity] = Held(*row)
    settled = settle_versions(identities, [row.version_at for row in rows], digests, held)
    connection.executemany(table.insert + table.update, (found[i] for i in settled.write))
    return settled.outcome + Outcome(edges_written=len(settled.write))


def _all_new(connection: sqlite3.Connection, table: _Table, rows: Sequence[tuple[Any, ...]]) -> bool:
    """Inserts the rows if none of them is there, nor comes twice; otherwise leaves the table as it was."""
    connection.execute("SAVEPOINT new_edges")
    inserted = connection.executemany(table.insert + "ON CONFLICT DO NOTHING", rows).rowcount
    if inserted < len(rows):
        connection.execute("ROLLBACK TO new_edges")
    connection.execute("RELEASE new_edges")
    return inserted == len(rows)


def _identities(
    connection: sqlite3.Connection, keys: NodeKeys, table: _Table, edges: list[PlainEdge]
) -> list[_Identity]:
    """Raises NotFoundError when an end is missing."""
    names = [_names(edge) for edge in edges]
    sources = keys.of(connection, table.source, [source for source, _, _ in names])
    targets = keys.of(connection, table.target, [target for _, target, _ in names])
    return [(source, target, *more) for source, target, (_, _, more) in zip(sources, targets, names, strict=True)]


def _names(edge: PlainEdge) -> tuple[Id, Id, tuple[str, ...]]:
    if isinstance(edge, About):
        return edge.pin, edge.interest, ()
    if isinstance(edge, Is):
        return edge.pin, edge.entity, ()
    return edge.head, edge.tail, (edge.predicate,)


def _score(edge: PlainEdge) -> tuple[float | None, ...]:
    return (edge.score,) if isinstance(edge, About) else ()
