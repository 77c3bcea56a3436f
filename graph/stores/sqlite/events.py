"""Writes events: the hot path of a load.

A batch whose ids are all new is one `executemany`; only when some were there before is each of them looked up.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from graph.model import NodeKind
from graph.ports import EventBatch, Outcome
from graph.stores.settle import settle_events
from graph.stores.sqlite.nodes import keys_of

_INSERT: Final = """
INSERT INTO event (event_id, kind, user_key, target_key, board_key, at, weight, group_id, digest, log_offset)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING
"""
_REPLACE: Final = """
UPDATE event SET event_id = ?1, kind = ?2, user_key = ?3, target_key = ?4, board_key = ?5, at = ?6, weight = ?7,
                 group_id = ?8, digest = ?9, log_offset = ?10
WHERE event_id = ?1
"""
_LAST: Final = "SELECT coalesce(max(key), 0) FROM event"
_HELD: Final = "SELECT digest FROM event WHERE event_id = ? AND key <= ?"
_EARLIER: Final = "UPDATE event SET log_offset = ?3 WHERE event_id = ?1 AND digest = ?2 AND log_offset > ?3"
_PROJECTED: Final = "UPDATE projection SET log_offset = ?"


def write(connection: sqlite3.Connection, batch: EventBatch) -> Outcome:
    """Writes a batch of events; see `graph.ports.GraphWriter.write_events`."""
    rows = _rows(connection, batch)
    last: int = connection.execute(_LAST).fetchone()[0]
    if len(set(batch.event_id)) == len(rows):
        inserted = connection.executemany(_INSERT, rows).rowcount
        if inserted == len(rows):
            return Outcome(written=inserted, edges_written=_edges(rows))
    return _write_known(connection, batch, rows, last)


def _write_known(connection: sqlite3.Connection, batch: EventBatch, rows: list[tuple[Any, ...]], last: int) -> Outcome:
    """The same where some ids come twice, or are in the store already (with a key up to `last`)."""
    held: dict[str, bytes] = {}
    for event_id in set(batch.event_id):
        if (found := connection.execute(_HELD, (event_id, last)).fetchone()) is not None:
            held[event_id] = found[0]
    settled = settle_events(batch.event_id, batch.digest, held)
    chosen = [rows[i] for i in settled.write]
    connection.executemany(_INSERT, (row for row in chosen if row[0] not in held))
    connection.executemany(_REPLACE, (row for row in chosen if row[0] in held))
    # One event that came twice is dated in the log by where it came first: an export up to an offset must not lose it.
    connection.executemany(_EARLIER, zip(batch.event_id, batch.digest, batch.log_offset, strict=True))
    return settled.outcome + Outcome(edges_written=_edges(chosen))


def _edges(rows: list[tuple[Any, ...]]) -> int:
    """`graph.model.edges_of`, summed: only saves and their ends have a board."""
    return len(rows) + sum(row[4] is not None for row in rows)


def _rows(connection: sqlite3.Connection, batch: EventBatch) -> list[tuple[Any, ...]]:
    users = keys_of(connection, NodeKind.USER, batch.user)
    boards: dict[str | None, int | None] = {None: None}
    boards |= keys_of(connection, NodeKind.BOARD, {board for board in batch.board if board is not None})
    return list(
        zip(
            batch.event_id,
            batch.kind,
            [users[user] for user in batch.user],
            _targets(connection, batch),
            [boards[board] for board in batch.board],
            batch.at,
            batch.weight,
            batch.group_id,
            batch.digest,
            batch.log_offset,
            strict=True,
        )
    )


def _targets(connection: sqlite3.Connection, batch: EventBatch) -> list[int]:
    kinds = set(batch.target_kind)
    if len(kinds) == 1:
        keys = keys_of(connection, NodeKind(kinds.pop()), batch.target)
        return [keys[target] for target in batch.target]
    keys_by_kind = {
        kind: keys_of(
            connection,
            NodeKind(kind),
            (target for target, its in zip(batch.target, batch.target_kind, strict=True) if its == kind),
        )
        for kind in kinds
    }
    return [keys_by_kind[kind][target] for kind, target in zip(batch.target_kind, batch.target, strict=True)]


def project(connection: sqlite3.Connection, log_offset: int | None) -> None:
    """Records the projector's position in the event log."""
    if log_offset is not None:
        connection.execute(_PROJECTED, (log_offset,))
