"""Loads in the SQLite store: who holds the store, which batches are done, and what they amounted to.

A batch is recorded in the transaction that writes it, and only by the holder of the lease: a process that
slept through its lease can't write into a load that another has taken up.
"""

from __future__ import annotations

import os
import sqlite3
import time
from typing import Final

from graph.ports import Checkpoint, LoadState, Outcome
from graph.stores.lease import ABANDONED, Holder, Lease, LoadHistory, not_held, not_interrupted

_LEASE: Final = "SELECT load_id, holder, pid, host, renewed_at FROM lease"
_TAKE: Final = "INSERT OR REPLACE INTO lease (only, load_id, holder, pid, host, renewed_at) VALUES (1, ?, ?, ?, ?, ?)"
_RENEW: Final = "UPDATE lease SET renewed_at = ? WHERE load_id = ? AND holder = ?"
_GIVE_BACK: Final = "DELETE FROM lease WHERE load_id = ? AND holder = ?"
_BEGIN: Final = "INSERT INTO load (load_id, source, began_at) VALUES (?, ?, ?) ON CONFLICT (load_id) DO NOTHING"
_BEGUN: Final = "SELECT count(*) FROM load"
_FINISHED: Final = "SELECT finished_at IS NOT NULL FROM load WHERE load_id = ?"
_FINISH: Final = "UPDATE load SET finished_at = ?, summary = ? WHERE load_id = ?"
_ABANDON: Final = (
    "UPDATE load SET finished_at = ?1, summary = ?2 WHERE load_id = ?3 AND (finished_at IS NULL OR summary = ?2)"
)
_ENDED: Final = "SELECT summary FROM load WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, rowid DESC LIMIT 100"
_UNFINISHED: Final = "SELECT load_id FROM load WHERE finished_at IS NULL ORDER BY began_at, rowid"
_BATCHES: Final = (
    "SELECT batch, written, unchanged, duplicates, conflicts, edges_written FROM load_batch WHERE load_id = ?"
)
_BATCH: Final = (
    "SELECT written, unchanged, duplicates, conflicts, edges_written FROM load_batch WHERE load_id = ? AND batch = ?"
)
_RECORD: Final = (
    "INSERT INTO load_batch (load_id, batch, written, unchanged, duplicates, conflicts, edges_written)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


_EVENTS: Final = "SELECT EXISTS (SELECT 1 FROM event)"
_DROP_INDEX: Final = "DROP INDEX IF EXISTS event_of_user"
_CREATE_INDEX: Final = "CREATE INDEX IF NOT EXISTS event_of_user ON event (user_key)"


def _now_ms() -> int:
    return int(time.time() * 1000)


def begin(connection: sqlite3.Connection, holder: Holder, load_id: str, source: str) -> LoadState:
    """Takes the store for a load. Raises ConflictError while another holds it.

    The first load of a store goes without the index of a user's events: nothing asks for it yet, and it is written at random
    while events come by their ids. `finish` sorts it in one go.
    """
    if (lease := _lease(connection)) is not None:
        lease.check_free(holder, load_id)
    connection.execute(_BEGIN, (load_id, source, _now_ms()))
    connection.execute(_TAKE, (load_id, holder.token, os.getpid(), holder.host, _now_ms()))
    if not connection.execute(_EVENTS).fetchone()[0]:
        connection.execute(_DROP_INDEX)
    finished = bool(connection.execute(_FINISHED, (load_id,)).fetchone()[0])
    batches = {batch: Outcome(*counts) for batch, *counts in connection.execute(_BATCHES, (load_id,))}
    return LoadState(load_id, finished, batches)


def _lease(connection: sqlite3.Connection) -> Lease | None:
    row = connection.execute(_LEASE).fetchone()
    if row is None:
        return None
    *held_by, renewed_at = row
    return Lease(*held_by, age_s=(_now_ms() - renewed_at) / 1000)


def renew(connection: sqlite3.Connection, holder: Holder, load_id: str) -> None:
    """Says that the load is alive. Raises ConflictError when it does not hold the store any more."""
    if not connection.execute(_RENEW, (_now_ms(), load_id, holder.token)).rowcount:
        raise not_held(load_id)


def finish(connection: sqlite3.Connection, holder: Holder, load_id: str, summary: str) -> None:
    """Marks a load as done and gives the store back."""
    renew(connection, holder, load_id)
    connection.execute(_CREATE_INDEX)
    connection.execute(_FINISH, (_now_ms(), summary, load_id))
    release(connection, holder, load_id)


def release(connection: sqlite3.Connection, holder: Holder, load_id: str) -> None:
    """Gives the store back, if it is held."""
    connection.execute(_GIVE_BACK, (load_id, holder.token))


def abandon(connection: sqlite3.Connection, holder: Holder, load_id: str) -> None:
    """See `graph.ports.GraphWriter.abandon_load`."""
    lease = _lease(connection)
    if lease is not None and lease.load_id == load_id:
        lease.check_free(holder, load_id)
        connection.execute(_GIVE_BACK, (load_id, lease.token))
    connection.execute(_CREATE_INDEX)
    if not connection.execute(_ABANDON, (_now_ms(), ABANDONED, load_id)).rowcount:
        raise not_interrupted(load_id)


def history(connection: sqlite3.Connection) -> LoadHistory:
    """All that says how loads went."""
    ended = [summary for (summary,) in connection.execute(_ENDED)]
    return LoadHistory(unfinished(connection), ended, _lease(connection))


def begun(connection: sqlite3.Connection) -> int:
    """How many loads have begun, ever."""
    return connection.execute(_BEGUN).fetchone()[0]


def unfinished(connection: sqlite3.Connection) -> list[str]:
    """Loads that began and did not finish, oldest first."""
    return [load_id for (load_id,) in connection.execute(_UNFINISHED)]


def recorded(connection: sqlite3.Connection, holder: Holder, checkpoint: Checkpoint | None) -> Outcome | None:
    """What a batch that is done already amounted to; None when it is still to do.

    Raises ConflictError when its load does not hold the store.
    """
    if checkpoint is None:
        return None
    renew(connection, holder, checkpoint.load_id)
    row = connection.execute(_BATCH, checkpoint).fetchone()
    return None if row is None else Outcome(*row)


def record(connection: sqlite3.Connection, checkpoint: Checkpoint | None, outcome: Outcome) -> None:
    """Records a batch as done."""
    if checkpoint is not None:
        counts = (outcome.written, outcome.unchanged, outcome.duplicates, outcome.conflicts, outcome.edges_written)
        connection.execute(_RECORD, (*checkpoint, *counts))
