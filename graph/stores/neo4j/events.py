"""Writes events: the hot path of a load.

All edges of an event are of one statement, and all statements of a batch of one transaction. What goes into the database is
[place, place, number, …] a row: ids are sent once a batch, sorted, so that a user's edges lie together.

Why `event_key` and no uniqueness constraint on the id (measured on 200,000 saves with their boards, two edges each; the
server's CPU, with nothing stored beside): a constraint on the id per relationship type costs half as much again, an index on
it a fifth, an index on this number a tenth. A constraint would be of one type each, while ids are unique over all of them;
and most ids are derived, a function of the edge itself. `stored.py` tells how an event is found, `inflight.py` what keeps
two threads from writing one id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from neo4j import ManagedTransaction

from graph.model import EventKind, NodeKind
from graph.ports import EventBatch, Outcome
from graph.stores.neo4j.cypher import events as cypher
from graph.stores.neo4j.driver import check_made, scalar
from graph.stores.neo4j.nodes import require
from graph.stores.neo4j.stored import Stored, Wanted, event_key, find, looks_derived
from graph.stores.settle import settle_events

T = TypeVar("T")


def write(tx: ManagedTransaction, batch: EventBatch, *, of_load: bool) -> Outcome:
    """Writes a batch of events; see `graph.ports.GraphWriter.write_events`. `of_load`: the load that holds the store."""
    if not len(batch):
        return Outcome()
    users = sorted(set(batch.user))
    if scalar(tx, cypher.LOCK_USERS, ids=users) != len(users):
        require(tx, NodeKind.USER, users)
    wanted = Wanted(batch)
    found = find(tx, wanted, apart=of_load and batch.apart)
    settled = settle_events(batch, found.digests)
    if len(settled.write) < len(batch) or found.events:
        _require_unwritten(tx, batch, found.digests, settled.write)
        _date_back(tx, batch, found.events, found.digests)
        _remove(tx, [found.events[id_] for i in settled.write if (id_ := batch.event_id[i]) in found.events])
    _create(tx, wanted, settled.write)
    edges = 2 * len(settled.write) - [batch.board[i] for i in settled.write].count(None)
    return settled.outcome + Outcome(edges_written=edges)


def _require_unwritten(tx: ManagedTransaction, batch: EventBatch, held: dict[str, bytes], write: Iterable[int]) -> None:
    """Also a row that loses must name nodes that are there. One that the store has does."""
    rows = [i for i in set(range(len(batch))).difference(write) if held.get(batch.event_id[i]) != batch.digest[i]]
    _require_ends(tx, batch, rows)


def _require_ends(tx: ManagedTransaction, batch: EventBatch, rows: Iterable[int]) -> None:
    ends: dict[str, set[str]] = {}
    for i in rows:
        ends.setdefault(batch.target_kind[i], set()).add(batch.target[i])
        if (board := batch.board[i]) is not None:
            ends.setdefault(NodeKind.BOARD, set()).add(board)
    for kind, ids in ends.items():
        require(tx, NodeKind(kind), ids)


def _date_back(tx: ManagedTransaction, batch: EventBatch, held: dict[str, Stored], digests: dict[str, bytes]) -> None:
    """An event that came twice is as old as where it came first: an export up to an offset must not miss it."""
    earlier: dict[int, int] = {}
    for event_id, digest, offset in zip(batch.event_id, batch.digest, batch.log_offset, strict=True):
        stored = held.get(event_id)
        if stored is None or stored.log_offset is None or digest != digests[event_id]:
            continue
        if offset < earlier.get(stored.edge, stored.log_offset):
            earlier[stored.edge] = offset
    if earlier:
        tx.run(cypher.SET_OFFSET, rows=[[edge, _offset(offset)] for edge, offset in earlier.items()]).consume()


def _offset(offset: int) -> int | None:
    """A load's events have none."""
    return None if offset == -1 else offset


def _remove(tx: ManagedTransaction, losers: Sequence[Stored]) -> None:
    """Takes away all edges of events that another payload replaces."""
    if not losers:
        return
    check_made(scalar(tx, cypher.DELETE, ids=[loser.edge for loser in losers]), losers)
    for kind, query in cypher.DELETE_PAIRED.items():
        pairs = [
            [loser.board, loser.target, loser.user, loser.at, loser.given_id]
            for loser in losers
            if loser.kind is kind and loser.board is not None
        ]
        if pairs:
            check_made(scalar(tx, query, rows=pairs), pairs)


def _create(tx: ManagedTransaction, wanted: Wanted, rows: Sequence[int]) -> None:
    """Raises NotFoundError when a node is missing."""
    batch = wanted.batch
    shapes: dict[tuple[str, str, bool], list[int]] = {}
    for i in sorted(rows, key=batch.user.__getitem__):
        shapes.setdefault((batch.kind[i], batch.target_kind[i], batch.board[i] is not None), []).append(i)
    for (kind_name, target_name, on_board), chosen in sorted(shapes.items()):
        kind, target_kind = EventKind(kind_name), NodeKind(target_name)
        query = cypher.CREATE_ON_BOARD[kind] if on_board else cypher.CREATE[kind, target_kind]
        if scalar(tx, query, **_columns(wanted, chosen, on_board=on_board)) != len(chosen):
            _require_ends(tx, batch, chosen)
            check_made(-1, chosen)
    if any(looks_derived(batch.event_id[i]) for i in rows if wanted.given[i]):
        tx.run(cypher.REMEMBER_HEX_IDS).consume()


def _columns(wanted: Wanted, rows: Sequence[int], *, on_board: bool) -> dict[str, list[Any]]:
    """Rows of one shape as `cypher.CREATE` and `CREATE_ON_BOARD` take them."""
    batch = wanted.batch
    event_ids = [batch.event_id[i] for i in rows]
    users, user_places = _placed([batch.user[i] for i in rows])
    targets, target_places = _placed([batch.target[i] for i in rows])
    boards, fifth = _placed([batch.board[i] for i in rows]) if on_board else ([], [batch.weight[i] for i in rows])
    columns: list[Iterable[Any]] = [
        user_places,
        target_places,
        map(event_key, event_ids),
        [batch.at[i] for i in rows],
        fifth,
    ]
    rare = [
        [event_id if wanted.given[i] else None for i, event_id in zip(rows, event_ids, strict=True)],
        [batch.group_id[i] for i in rows],
        [_offset(batch.log_offset[i]) for i in rows],
    ]
    if any(column.count(None) < len(rows) for column in rare):
        columns += rare
    return {"users": users, "targets": targets, "boards": boards, "rows": list(zip(*columns, strict=True))}


def _placed(values: Sequence[T]) -> tuple[list[T], list[int]]:
    """The distinct values, and the place of each among them."""
    distinct = list(dict.fromkeys(values))
    places = {value: place for place, value in enumerate(distinct)}
    return distinct, [places[value] for value in values]
