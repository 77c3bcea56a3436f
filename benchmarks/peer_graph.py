"""Loads what a snapshot says was saved, and which board holds what, into Neo4j, as the peer's schema has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import numpy as np
from neo4j import Driver, GraphDatabase

from graph.model import NodeKind
from graph.schema import Link
from graph.snapshot import Csr, LinkTable, Snapshot

BATCH_ROWS = 20_000
_CONSTRAINTS: tuple[LiteralString, ...] = (
    "CREATE CONSTRAINT user_key IF NOT EXISTS FOR (n:User) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT pin_key IF NOT EXISTS FOR (n:Pin) REQUIRE n.key IS UNIQUE",
    "CREATE CONSTRAINT board_key IF NOT EXISTS FOR (n:Board) REQUIRE n.key IS UNIQUE",
)
_NODES: dict[NodeKind, LiteralString] = {
    NodeKind.USER: "UNWIND $rows AS row CREATE (:User {key: row[0]})",
    NodeKind.PIN: "UNWIND $rows AS row CREATE (:Pin {key: row[0], title: row[1]})",
    NodeKind.BOARD: "UNWIND $rows AS row CREATE (:Board {key: row[0], title: row[1]})",
}
_EDGES: dict[Link, LiteralString] = {
    Link.SAVED: "UNWIND $rows AS row MATCH (a:User {key: row[0]}) MATCH (b:Pin {key: row[1]}) "
    "CREATE (a)-[:SAVED {fromSource: row[2], fromTarget: row[3]}]->(b)",
    Link.HOLDS: "UNWIND $rows AS row MATCH (a:Board {key: row[0]}) MATCH (b:Pin {key: row[1]}) "
    "CREATE (a)-[:HOLDS {fromSource: row[2], fromTarget: row[3]}]->(b)",
}
"""MATCH finds each end by the index of its constraint; a batch bounds the rows."""


def load_peer(snapshot: Snapshot, uri: str, auth: tuple[str, str]) -> dict[str, int]:
    """Writes users, pins, boards, saves and places on boards; counts them."""
    counts: dict[str, int] = {}
    with GraphDatabase.driver(uri, auth=auth) as driver:
        for statement in _CONSTRAINTS:
            driver.execute_query(statement)
        for kind, statement in _NODES.items():
            counts[kind] = _write(driver, statement, _nodes(snapshot, kind))
        driver.execute_query("CALL db.awaitIndexes(300)")
        for link, statement in _EDGES.items():
            counts[link] = _write(driver, statement, _edges(snapshot, link))
    return counts


def _write(driver: Driver, statement: LiteralString, rows: Iterator[list[Any]]) -> int:
    count, batch = 0, list[list[Any]]()
    for row in rows:
        batch.append(row)
        count += 1
        if len(batch) == BATCH_ROWS:
            driver.execute_query(statement, rows=batch)
            batch = []
    driver.execute_query(statement, rows=batch)
    return count


def _nodes(snapshot: Snapshot, kind: NodeKind) -> Iterator[list[Any]]:
    table = snapshot.nodes[kind]
    titles = [None] * len(table) if kind is NodeKind.USER else table.values("title", range(len(table)))
    for key, title in zip(table.values("id", range(len(table))), titles, strict=True):
        yield [key, title]


def _edges(snapshot: Snapshot, link: Link) -> Iterator[list[Any]]:
    """Rows of source, target, and where the edge stands among those of its source and of its target."""
    table = snapshot.links[link]
    source, target = snapshot.nodes[table.source], snapshot.nodes[table.target]
    sources, targets = source.values("id", range(len(source))), target.values("id", range(len(target)))
    ends = zip(table.sources().tolist(), table.out.indices.tolist(), *_ranks(table), strict=True)
    for a, b, from_source, from_target in ends:
        yield [sources[a], targets[b], from_source, from_target]


def _ranks(table: LinkTable) -> tuple[list[int], list[int]]:
    """For each edge in the outgoing order its rank among its source's edges, and among its target's."""
    into = np.empty(len(table), np.int64)
    into[table.in_edge] = _rank(table.into)
    return _rank(table.out).tolist(), into.tolist()


def _rank(csr: Csr) -> Any:
    return np.arange(len(csr.indices)) - np.repeat(csr.indptr[:-1], csr.degrees())
