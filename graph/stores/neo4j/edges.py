"""Writes plain edges: ABOUT, IS and RELATES."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from neo4j import ManagedTransaction

from graph.model import About, EdgeKind, EdgeRow, Id, Is, NodeKind, PlainEdge, Relates
from graph.ports import Outcome
from graph.rules import edge_digest
from graph.stores.neo4j.cypher import edges as cypher
from graph.stores.neo4j.driver import check_made, scalar
from graph.stores.neo4j.nodes import require
from graph.stores.settle import Held, settle_versions

_EDGE_TYPES: Final[dict[EdgeKind, type[PlainEdge]]] = {
    EdgeKind.ABOUT: About,
    EdgeKind.IS: Is,
    EdgeKind.RELATES: Relates,
}

_Identity = tuple[Id, Id, str | None]
"""Source, target and, for RELATES, the predicate."""


def write(tx: ManagedTransaction, kind: EdgeKind, rows: Sequence[EdgeRow]) -> Outcome:
    """Writes plain edges of one kind; see `graph.ports.GraphWriter.write_edges`."""
    edge_type = _EDGE_TYPES.get(kind)
    if edge_type is None or not all(isinstance(row.edge, edge_type) for row in rows):
        raise ValueError(f"these are not edges of kind {kind}, or the kind is no plain one")
    if not rows:
        return Outcome()
    identities = [_identity(row.edge) for row in rows]
    _lock(tx, kind, identities)
    held = _held(tx, kind, list(dict.fromkeys(identities)))
    digests = [edge_digest(row.edge) for row in rows]
    versions = {identity: Held(version, edge_digest(edge)) for identity, (_, version, edge) in held.items()}
    settled = settle_versions(identities, [row.version_at for row in rows], digests, versions)
    chosen = sorted(settled.write, key=lambda i: identities[i][:2])
    new = [i for i in chosen if identities[i] not in held]
    known = [
        [held[identities[i]][0], rows[i].version_at, _score(rows[i].edge)] for i in chosen if identities[i] in held
    ]
    if new:
        ends = _ends([identities[i] for i in new])
        extra = [(rows[i].version_at, _score(rows[i].edge)) for i in new]
        made = [
            [*places, *more, identities[i][2]] for i, places, more in zip(new, ends.pop("places"), extra, strict=True)
        ]
        check_made(scalar(tx, cypher.CREATE[kind], rows=made, **ends), made)
    if known:
        check_made(scalar(tx, cypher.UPDATE, rows=known), known)
    return settled.outcome + Outcome(edges_written=len(settled.write))


def ends_of(kind: EdgeKind) -> tuple[NodeKind, NodeKind]:
    """Kinds of the nodes that a plain edge is between."""
    return cypher.ENDS[kind]


def _lock(tx: ManagedTransaction, kind: EdgeKind, identities: list[_Identity]) -> None:
    """Locks the sources. Raises NotFoundError when an end is missing."""
    source, target = cypher.ENDS[kind]
    sources = sorted({identity[0] for identity in identities})
    if scalar(tx, cypher.LOCK[kind], ids=sources) != len(sources):
        require(tx, source, sources)
    require(tx, target, {identity[1] for identity in identities})


def _held(
    tx: ManagedTransaction, kind: EdgeKind, identities: list[_Identity]
) -> dict[_Identity, tuple[int, int | None, PlainEdge]]:
    """Those that are there: the edge's id(), its version, and what it says."""
    if not scalar(tx, cypher.COUNT[kind]):
        return {}
    ends = _ends(identities)
    wanted = [
        [*places, None, None, identity[2]] for identity, places in zip(identities, ends.pop("places"), strict=True)
    ]
    found = scalar(tx, cypher.HELD[kind], rows=wanted, **ends)
    return {identities[i]: (edge, version, _edge(kind, identities[i], score)) for i, edge, version, score in found}


def _ends(identities: Sequence[_Identity]) -> dict[str, list[Any]]:
    """The distinct sources and targets, and the places of each edge's among them."""
    sources: dict[str, int] = {}
    targets: dict[str, int] = {}
    places = [
        (sources.setdefault(source, len(sources)), targets.setdefault(target, len(targets)))
        for source, target, _ in identities
    ]
    return {"sources": list(sources), "targets": list(targets), "places": places}


def _identity(edge: PlainEdge) -> _Identity:
    if isinstance(edge, About):
        return edge.pin, edge.interest, None
    if isinstance(edge, Is):
        return edge.pin, edge.entity, None
    return edge.head, edge.tail, edge.predicate


def _score(edge: PlainEdge) -> float | None:
    return edge.score if isinstance(edge, About) else None


def _edge(kind: EdgeKind, identity: _Identity, score: float | None) -> PlainEdge:
    source, target, predicate = identity
    if kind is EdgeKind.ABOUT:
        return About(source, target, score)
    if kind is EdgeKind.IS:
        return Is(source, target)
    return Relates(source, predicate or "", target)
