"""Writes events: the hot path of a load.

A batch whose ids are all new is one `executemany`; only when some were there before is each of them looked up. What most
events of a load lack (a group, an id of their own, a place in the log) is not even bound.

Python's sqlite3 takes a number, a text and a bytearray as they are, but asks for an adapter of each None and each bytes,
which takes half as long as a row's insertion. So ids are bound as bytearrays, and what is missing as a value for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from graph.model import NodeKind
from graph.ports import NULL_TIME, EventBatch, Outcome
from graph.stores.settle import settle_events
from graph.stores.sqlite.eventid import StoredId, stored_all, stored_digest, told_digest
from graph.stores.sqlite.keys import NodeKeys

_NO_BOARD: Final = 0
_NO_WEIGHT: Final = 0.0
_INSERT_PLAIN: Final = """
INSERT INTO event (event_id, kind, user_key, target_key, board_key, at, weight)
VALUES (?, ?, ?, ?, nullif(?, 0), nullif(?, -9223372036854775808), nullif(?, 0.0))
ON CONFLICT (event_id) DO NOTHING
"""
T = TypeVar("T")
_INSERT: Final = """
INSERT INTO event (event_id, kind, user_key, target_key, board_key, at, weight, group_id, digest, log_offset)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING
"""
_REPLACE: Final = """
UPDATE event SET kind = ?2, user_key = ?3, target_key = ?4, board_key = ?5, at = ?6, weight = ?7, group_id = ?8,
                 digest = ?9, log_offset = ?10
WHERE event_id = ?1
"""
_HELD: Final = "SELECT key, digest, log_offset FROM event WHERE event_id = ?"
_EARLIER: Final = "UPDATE event SET log_offset = ? WHERE key = ? AND log_offset > ?1"
_PROJECTED: Final = "UPDATE projection SET log_offset = ?"


@dataclass(frozen=True, slots=True)
class _Columns:
    """A batch in keys; its columns are sequences of one length."""

    ids: list[StoredId]
    kind: Sequence[str]
    user: list[int]
    target: list[int]
    board: list[int | None]
    batch: EventBatch

    def plain(self) -> bool:
        """Whether every event came with a load, has an id that is its digest, and no group."""
        batch = self.batch
        return not any(batch.group_id) and self.ids == batch.digest and batch.log_offset.count(-1) == len(batch)

    def plain_rows(self) -> Iterator[tuple[Any, ...]]:
        """What `_INSERT_PLAIN` takes."""
        batch = self.batch
        return zip(
            map(bytearray, batch.digest),
            self.kind,
            self.user,
            self.target,
            _or(self.board, _NO_BOARD),
            _or(batch.at, NULL_TIME),
            _or(batch.weight, _NO_WEIGHT),
            strict=True,
        )

    def rows(self) -> list[tuple[Any, ...]]:
        batch = self.batch
        digests = [stored_digest(id_, digest) for id_, digest in zip(self.ids, batch.digest, strict=True)]
        return list(
            zip(
                *(self.ids, self.kind, self.user, self.target, self.board),
                *(batch.at, batch.weight, batch.group_id, digests, batch.log_offset),
                strict=True,
            )
        )


def write(connection: sqlite3.Connection, keys: NodeKeys, batch: EventBatch) -> Outcome:
    """Writes a batch of events; see `graph.ports.GraphWriter.write_events`."""
    if not len(batch):
        return Outcome()
    columns = _columns(connection, keys, batch)
    first_is_new = connection.execute(_HELD, (columns.ids[0],)).fetchone() is None
    if first_is_new and _all_new(connection, columns):
        return Outcome(written=len(batch), edges_written=_edges(columns.board))
    return _write_known(connection, columns)


def _all_new(connection: sqlite3.Connection, columns: _Columns) -> bool:
    """Inserts the events if no id of them is there, nor comes twice; otherwise leaves the table as it was."""
    connection.execute("SAVEPOINT new_events")
    if columns.plain():
        inserted = connection.executemany(_INSERT_PLAIN, columns.plain_rows()).rowcount
    else:
        inserted = connection.executemany(_INSERT, columns.rows()).rowcount
    all_new = inserted == len(columns.batch)
    if not all_new:
        connection.execute("ROLLBACK TO new_events")
    connection.execute("RELEASE new_events")
    return all_new


def _write_known(connection: sqlite3.Connection, columns: _Columns) -> Outcome:
    """The same where some ids come twice, or were in the store before."""
    batch = columns.batch
    held: dict[str, bytes] = {}
    # An event that came twice is as old as where it came first: an export up to an offset must not miss it.
    earlier: list[tuple[int, int]] = []
    for event_id, id_, digest, offset in zip(batch.event_id, columns.ids, batch.digest, batch.log_offset, strict=True):
        if (found := connection.execute(_HELD, (id_,)).fetchone()) is not None:
            key, held_digest, held_offset = found
            held[event_id] = told_digest(id_, held_digest)
            if offset < held_offset and digest == held[event_id]:
                earlier.append((offset, key))
    connection.executemany(_EARLIER, earlier)
    settled = settle_events(batch, held)
    if settled.write:
        rows = columns.rows()
        connection.executemany(_INSERT, (rows[i] for i in settled.write if batch.event_id[i] not in held))
        connection.executemany(_REPLACE, (rows[i] for i in settled.write if batch.event_id[i] in held))
    return settled.outcome + Outcome(edges_written=_edges([columns.board[i] for i in settled.write]))


def _or(values: Sequence[T | None], missing: T) -> list[T]:
    return [missing if value is None else value for value in values]


def _edges(boards: Sequence[int | None]) -> int:
    """`graph.model.edges_of`, summed: only saves and their ends have a board."""
    return 2 * len(boards) - boards.count(None)


def _columns(connection: sqlite3.Connection, keys: NodeKeys, batch: EventBatch) -> _Columns:
    """Raises NotFoundError when a node is missing."""
    on_board = [board for board in batch.board if board is not None]
    boards: dict[str | None, int | None] = {None: None}
    boards |= zip(on_board, keys.of(connection, NodeKind.BOARD, on_board), strict=True)
    return _Columns(
        ids=stored_all(batch.event_id, batch.digest),
        kind=batch.kind,
        user=keys.of(connection, NodeKind.USER, batch.user),
        target=_targets(connection, keys, batch),
        board=[boards[board] for board in batch.board],
        batch=batch,
    )


def _targets(connection: sqlite3.Connection, keys: NodeKeys, batch: EventBatch) -> list[int]:
    kinds = set(batch.target_kind)
    if len(kinds) == 1:
        return keys.of(connection, NodeKind(kinds.pop()), batch.target)
    found: list[int] = [0] * len(batch)
    for kind in kinds:
        places = [place for place, its_kind in enumerate(batch.target_kind) if its_kind == kind]
        for place, key in zip(
            places, keys.of(connection, NodeKind(kind), [batch.target[place] for place in places]), strict=True
        ):
            found[place] = key
    return found


def project(connection: sqlite3.Connection, log_offset: int | None) -> None:
    """Records the projector's position in the event log."""
    if log_offset is not None:
        connection.execute(_PROJECTED, (log_offset,))
