"""Writes nodes: bare ones that are only mentioned, and rows that say what one is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from neo4j import ManagedTransaction

from graph.errors import NotFoundError
from graph.model import BARE_KINDS, Board, Entity, Id, Interest, Node, NodeKind, NodeRow, Pin, User
from graph.ports import Outcome
from graph.rules import node_digest
from graph.stores.neo4j.cypher import nodes as cypher
from graph.stores.neo4j.driver import check_made, scalar
from graph.stores.settle import Held, settle_versions


def missing(tx: ManagedTransaction, kind: NodeKind, ids: Iterable[str]) -> set[Id]:
    """Those of the ids that have no node."""
    wanted = sorted(set(ids))
    return set(scalar(tx, cypher.MISSING[kind], ids=wanted)) if wanted else set()


def require(tx: ManagedTransaction, kind: NodeKind, ids: Iterable[str]) -> None:
    """Raises NotFoundError when one of the ids has no node."""
    if lacking := missing(tx, kind, ids):
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise NotFoundError(f"there is no {kind.value} {min(lacking)!r}{more}; write nodes before what names them")


def ensure(tx: ManagedTransaction, kind: NodeKind, ids: Sequence[Id]) -> Outcome:
    """Creates bare nodes where there is none."""
    if kind not in BARE_KINDS:
        raise ValueError(f"a {kind} can't be bare")
    wanted = dict.fromkeys(ids)
    some = bool(scalar(tx, cypher.COUNT[kind]))
    lacking = sorted(missing(tx, kind, wanted) if some else wanted)
    if lacking:
        check_made(scalar(tx, cypher.CREATE_BARE[kind], ids=lacking), lacking)
    return Outcome(written=len(lacking), unchanged=len(wanted) - len(lacking), duplicates=len(ids) - len(wanted))


def write(tx: ManagedTransaction, kind: NodeKind, rows: Sequence[NodeRow]) -> Outcome:
    """Writes node rows of one kind; see `graph.ports.GraphWriter.write_nodes`."""
    ids = [row.node.id for row in rows]
    _require_named(tx, [row.node for row in rows], set(ids))
    held = _held(tx, kind, set(ids))
    digests = [node_digest(row.node, row.deleted_at) for row in rows]
    settled = settle_versions(ids, [row.version_at for row in rows], digests, held)
    new: list[list[Any]] = []
    known: list[list[Any]] = []
    for i in sorted(settled.write, key=ids.__getitem__):
        row = rows[i]
        ends = [row.node.owner] if isinstance(row.node, Board) else []
        (known if ids[i] in held else new).append([*row_of(kind, row, digests[i]), *ends])
    owned = kind is NodeKind.BOARD
    if new:
        create = cypher.CREATE_OWNED if owned else cypher.CREATE[kind]
        check_made(scalar(tx, create, rows=new), new)
    if known:
        check_made(scalar(tx, cypher.UPDATE[kind], rows=known), known)
    carriers = [rows[i].node for i in settled.write if not owned or ids[i] in held]
    edges = _carry(tx, kind, carriers, [row[0] for row in known])
    return settled.outcome + Outcome(edges_written=edges + (len(new) if owned else 0))


def row_of(kind: NodeKind, row: NodeRow, digest: bytes) -> list[Any]:
    """A node row as `cypher.nodes.CREATE` and the importer take it."""
    return [row.node.id, row.version_at, row.deleted_at, digest, *_COLUMNS[kind](row.node)]


def _held(tx: ManagedTransaction, kind: NodeKind, ids: set[Id]) -> dict[Id, Held]:
    if not ids or not scalar(tx, cypher.COUNT[kind]):
        return {}
    found = scalar(tx, cypher.HELD[kind], ids=sorted(ids))
    return {id_: Held(version_at, digest) for id_, version_at, digest in found}


def _require_named(tx: ManagedTransaction, nodes: list[Node], ids: set[Id]) -> None:
    require(tx, NodeKind.USER, {node.owner for node in nodes if isinstance(node, Board)})
    parents = {node.parent for node in nodes if isinstance(node, Interest) and node.parent is not None}
    require(tx, NodeKind.INTEREST, parents - ids)


def _carry(tx: ManagedTransaction, kind: NodeKind, nodes: list[Node], known: list[Id]) -> int:
    """The edges that nodes carry, in place of those that the known ones had; returns how many they are now."""
    if kind is NodeKind.BOARD:
        take_away, give = cypher.DISOWN, cypher.OWN
    elif kind is NodeKind.INTEREST:
        take_away, give = cypher.ORPHAN, cypher.ADOPT
    else:
        return 0
    if known:
        tx.run(take_away, ids=known).consume()
    pairs = sorted((node.id, other) for node in nodes if (other := _other_end(node)) is not None)
    if pairs:
        check_made(scalar(tx, give, rows=[list(pair) for pair in pairs]), pairs)
    return len(pairs)


def _other_end(node: Node) -> Id | None:
    if isinstance(node, Board):
        return node.owner
    return node.parent if isinstance(node, Interest) else None


def _of_user(node: Any) -> list[Any]:
    user: User = node
    return [user.created_at, user.attributes]


def _of_pin(node: Any) -> list[Any]:
    pin: Pin = node
    return [pin.created_at, pin.attributes, pin.title, pin.description]


def _of_board(node: Any) -> list[Any]:
    board: Board = node
    return [board.title, board.secret]


def _of_interest(node: Any) -> list[Any]:
    interest: Interest = node
    return [interest.name]


def _of_entity(node: Any) -> list[Any]:
    entity: Entity = node
    return [entity.name]


_COLUMNS: Final[dict[NodeKind, Callable[[Node], list[Any]]]] = {
    NodeKind.USER: _of_user,
    NodeKind.PIN: _of_pin,
    NodeKind.BOARD: _of_board,
    NodeKind.INTEREST: _of_interest,
    NodeKind.ENTITY: _of_entity,
}
"""What follows id, version_at, deleted_at and digest in a row of `cypher.nodes.CREATE` and `UPDATE`."""
