"""Events that the store has already: what is kept of one, and which of a batch's ids they answer to.

An id that was derived is not stored: it is a function of what is, and storing it would cost a second property record and
twice the index. So an event is found in one of two ways. Among what its own user has done, compared field by field: a list a
user, read at half a million edges a second and more, and not at all where the user has nothing. Or by `event_key`, the
CRC-32 of the id, that all events carry in an index: for given ids, which may be anybody's; and for users with so many edges
that reading them all costs more than asking for each. A given id may also be the derived id of another event (32 lower-case
hex digits); from the first one of that form on, derived ids are looked for everywhere as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple
from zlib import crc32

from neo4j import ManagedTransaction

from graph.model import EventKind, NodeKind
from graph.ports import EventBatch
from graph.rules import derived_event_id, payload_digest
from graph.stores.neo4j.cypher import events as cypher

looks_derived: Final = re.compile(r"[0-9a-f]{32}").fullmatch

_PER_ROW: Final = 20
_AT_LEAST: Final = 1_000
"""A user's edges are read when they are at most so many, and so many for each row of the batch; else rows are asked for."""


def event_key(event_id: str) -> int:
    """What the index has of an id."""
    return crc32(event_id.encode())


class Stored(NamedTuple):
    """One event as the graph has it. `edge` is its relationship's id(), good for this transaction."""

    kind: EventKind
    user: str
    target_kind: NodeKind
    edge: int
    target: str
    board: str | None
    at: int | None
    weight: float | None
    group_id: str | None
    given_id: str | None
    log_offset: int | None

    @property
    def event_id(self) -> str:
        """Its id, derived again if it was not given."""
        return self.given_id or derived_event_id(
            self.kind, self.user, self.target_kind, self.target, self.board, self.at
        )

    @property
    def digest(self) -> bytes:
        """Its payload digest."""
        return payload_digest(
            self.kind, self.user, self.target_kind, self.target, self.board, self.at, self.weight, self.group_id
        )


_Identity = tuple[str, str, str, str, str | None, int | None]
"""What a derived id is the hash of."""


class Wanted:
    """A batch's events by identity: `given` marks the rows whose id is not the derived one."""

    def __init__(self, batch: EventBatch) -> None:
        self.batch = batch
        self.given = _given(batch)

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {event_id: i for i, event_id in reversed(list(enumerate(self.batch.event_id)))}

    @cached_property
    def _by_identity(self) -> dict[_Identity, int]:
        batch = self.batch
        rows = zip(batch.kind, batch.user, batch.target_kind, batch.target, batch.board, batch.at, strict=True)
        return {identity: i for i, identity in reversed(list(enumerate(rows))) if not self.given[i]}

    def row_of(self, stored: Stored) -> int | None:
        """The first row that has a stored event's identity."""
        if stored.given_id is not None:
            return self._by_id.get(stored.given_id)
        identity = (stored.kind, stored.user, stored.target_kind, stored.target, stored.board, stored.at)
        return self._by_identity.get(identity)

    def row_of_any(self, stored: Stored) -> int | None:
        """The same, where a given id may be the derived one of what is stored."""
        return self._by_id.get(stored.event_id)

    def digest_of(self, stored: Stored, row: int) -> bytes:
        """A stored event's payload digest: the row's, if that says the same."""
        batch = self.batch
        same = (
            stored.weight == batch.weight[row]
            and stored.group_id == batch.group_id[row]
            and stored.target == batch.target[row]
            and stored.user == batch.user[row]
            and stored.at == batch.at[row]
            and stored.board == batch.board[row]
            and stored.kind == batch.kind[row]
            and stored.target_kind == batch.target_kind[row]
        )
        return batch.digest[row] if same else stored.digest


def _given(batch: EventBatch) -> list[bool]:
    """Whether each row's id is another than the derived one. A weight and a group are payload, but no part of the identity."""
    given = [event_id != digest.hex() for event_id, digest in zip(batch.event_id, batch.digest, strict=True)]
    for i, differs in enumerate(given):
        if differs and (batch.group_id[i] is not None or batch.weight[i] not in (None, 1.0)):
            kind, target_kind = EventKind(batch.kind[i]), NodeKind(batch.target_kind[i])
            given[i] = batch.event_id[i] != derived_event_id(
                kind, batch.user[i], target_kind, batch.target[i], batch.board[i], batch.at[i]
            )
    return given


class Found(NamedTuple):
    """What a batch's ids find: the events, and their digests."""

    events: dict[str, Stored]
    digests: dict[str, bytes]


def find(tx: ManagedTransaction, wanted: Wanted, *, apart: bool) -> Found:
    """What the store has under the ids of a batch, whose users are locked.

    apart: no other batch of the load that holds the store has one of these ids. If all events are of that load then, those
    with derived ids need not be looked for. Whoever writes others beside it locks the same users, and has said so before.
    """
    batch = wanted.batch
    counts = tx.run(cypher.COUNTS).single(strict=True).data()
    everywhere, fresh = counts.pop("given_hex_ids"), counts.pop("fresh")
    found = Found({}, {})
    if not any(counts.values()):
        return found
    too_many: set[tuple[str, str]] = set()
    for shape in sorted(set(zip(batch.kind, batch.target_kind, strict=True))):
        if counts[shape[0]] and not (apart and fresh):
            _find_of_users(tx, wanted, EventKind(shape[0]), NodeKind(shape[1]), found, too_many)
    left = [
        i
        for i, event_id in enumerate(batch.event_id)
        if event_id not in found.events
        and (everywhere or wanted.given[i] or (too_many and (batch.kind[i], batch.user[i]) in too_many))
    ]
    if left:
        _find_of_keys(tx, wanted, left, counts, found)
    return found


def _find_of_users(
    tx: ManagedTransaction,
    wanted: Wanted,
    kind: EventKind,
    target_kind: NodeKind,
    found: Found,
    too_many: set[tuple[str, str]],
) -> None:
    rows: dict[str, int] = {}
    for its_kind, its_target_kind, user in zip(
        wanted.batch.kind, wanted.batch.target_kind, wanted.batch.user, strict=True
    ):
        if its_kind == kind and its_target_kind == target_kind:
            rows[user] = rows.get(user, 0) + 1
    users = [[user, _AT_LEAST + _PER_ROW * count] for user, count in sorted(rows.items())]
    answer = tx.run(cypher.OF_USERS[kind, target_kind], users=users).single(strict=True)
    too_many.update((kind.value, user) for user in answer["too_many"])
    for user, edges in answer["held"]:
        for edge in edges:
            stored = Stored(kind, user, target_kind, *edge)
            if (row := wanted.row_of(stored)) is not None:
                _add(found, wanted, stored, row)


def _find_of_keys(
    tx: ManagedTransaction, wanted: Wanted, rows: Sequence[int], counts: dict[str, int], found: Found
) -> None:
    keys = sorted({event_key(wanted.batch.event_id[i]) for i in rows})
    parameters: dict[str, Any] = {kind: keys if count else [] for kind, count in counts.items()}
    for record in tx.run(cypher.OF_KEYS, parameters):
        kind, user, target_kind, edge = record
        stored = Stored(EventKind(kind), user, NodeKind(target_kind), *edge)
        if (row := wanted.row_of_any(stored)) is not None:
            _add(found, wanted, stored, row)


def _add(found: Found, wanted: Wanted, stored: Stored, row: int) -> None:
    event_id = wanted.batch.event_id[row]
    found.events[event_id] = stored
    found.digests[event_id] = wanted.digest_of(stored, row)
