"""Loads in Neo4j: who holds the store, which batches are done, and what they amounted to.

A batch reads the lease and does not write it, so that batches written at the same time share no node. A process that slept
through its lease is told at its next batch, or at the end of the one it is in; what it could still commit in the blink
between that and the commit is a batch that is there once, whoever writes it, by the constraint on its name.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from threading import Lock
from typing import Any, Final

from neo4j import ManagedTransaction, Record

from graph.ports import Checkpoint, LoadState, Outcome
from graph.stores.lease import ABANDONED, LEASE_S, Holder, Lease, LoadHistory, not_held, not_interrupted
from graph.stores.neo4j.cypher import loads as cypher
from graph.stores.neo4j.driver import Database, scalar

_RENEW_S: Final = LEASE_S / 3


class Loads:
    """The loads of one opened store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._holder = Holder()
        self._renewed = time.monotonic()
        self._renewing = Lock()

    def begin(self, load_id: str, source: str) -> LoadState:
        """Takes the store for a load. Raises ConflictError while another holds it."""
        holder = self._holder
        mine = {"holder": holder.token, "pid": os.getpid(), "host": holder.host}

        def work(tx: ManagedTransaction) -> LoadState:
            if (lease := _lease(tx.run(cypher.LOCK_LEASE).single())) is not None:
                lease.check_free(holder, load_id)
            fresh = not scalar(tx, cypher.BEGUN_BEFORE, load_id=load_id) and scalar(tx, cypher.NO_EVENTS)
            tx.run(cypher.TAKE_LEASE, {"load_id": load_id, "source": source, "fresh": fresh, **mine}).consume()
            finished = scalar(tx, cypher.FINISHED, load_id=load_id)
            batches = scalar(tx, cypher.BATCHES, load_id=load_id)
            return LoadState(load_id, finished, {batch: Outcome(*counts) for batch, *counts in batches})

        state = self._database.write(work)
        self._renewed = time.monotonic()
        return state

    def renew(self, load_id: str) -> None:
        """Says that the load is alive. Raises ConflictError when it does not hold the store (any more)."""
        self._database.write(lambda tx: self._hold(tx, load_id))
        self._renewed = time.monotonic()

    def finish(self, load_id: str, summary: str) -> None:
        """Marks a load as done and gives the store back."""

        def work(tx: ManagedTransaction) -> None:
            if scalar(tx, cypher.FINISHED_SO, load_id=load_id, summary=summary):
                return  # it was this call, begun again because its commit was cut off
            self._hold(tx, load_id)
            tx.run(cypher.FINISH, load_id=load_id, summary=summary).consume()
            self._give_back(tx, load_id)

        self._database.write(work)

    def release(self, load_id: str) -> None:
        """Gives the store back, if it is held."""
        self._database.write(lambda tx: self._give_back(tx, load_id))

    def abandon(self, load_id: str) -> None:
        """See `graph.ports.GraphWriter.abandon_load`."""

        def work(tx: ManagedTransaction) -> None:
            lease = _lease(tx.run(cypher.LOCK_LEASE).single())
            if lease is not None and lease.load_id == load_id:
                lease.check_free(self._holder, load_id)
                tx.run(cypher.GIVE_BACK_LEASE, load_id=load_id, holder=lease.token).consume()
            if not scalar(tx, cypher.ABANDON, load_id=load_id, summary=ABANDONED):
                raise not_interrupted(load_id)

        self._database.write(work)

    def unfinished(self) -> list[str]:
        """Loads that began and did not finish, oldest first."""
        return self._database.read(lambda tx: tx.run(cypher.UNFINISHED).value())

    def begun(self) -> int:
        """How many loads have begun, ever."""
        return self._database.read(lambda tx: scalar(tx, cypher.BEGUN))

    def keep_alive(self, checkpoint: Checkpoint | None) -> None:
        """Renews the lease, in a transaction of its own, when a batch comes long after it was renewed."""
        if checkpoint is None or time.monotonic() - self._renewed < _RENEW_S:
            return
        with self._renewing:
            if time.monotonic() - self._renewed >= _RENEW_S:
                self.renew(checkpoint.load_id)

    def recorded(self, tx: ManagedTransaction, checkpoint: Checkpoint | None) -> Outcome | None:
        """What a batch that is done already amounted to; None when it is still to do.

        Raises ConflictError when its load does not hold the store.
        """
        if checkpoint is None:
            return None
        record = tx.run(cypher.BATCH, self._named(checkpoint)).single(strict=True)
        if not record["held"]:
            raise not_held(checkpoint.load_id)
        return None if record["outcome"] is None else Outcome(*record["outcome"])

    def record(self, tx: ManagedTransaction, checkpoint: Checkpoint | None, outcome: Outcome) -> None:
        """Records a batch as done. Raises ConflictError when its load does not hold the store any more."""
        if checkpoint is None:
            return
        if not scalar(tx, cypher.RECORD_BATCH, **self._named(checkpoint), **asdict(outcome)):
            raise not_held(checkpoint.load_id)

    def _named(self, checkpoint: Checkpoint) -> dict[str, Any]:
        return {**checkpoint._asdict(), "holder": self._holder.token}

    def _hold(self, tx: ManagedTransaction, load_id: str) -> None:
        if not scalar(tx, cypher.RENEW_LEASE, load_id=load_id, holder=self._holder.token):
            raise not_held(load_id)

    def _give_back(self, tx: ManagedTransaction, load_id: str) -> None:
        tx.run(cypher.GIVE_BACK_LEASE, load_id=load_id, holder=self._holder.token).consume()


def history(tx: ManagedTransaction) -> LoadHistory:
    """All that says how loads went."""
    unfinished = tx.run(cypher.UNFINISHED).value()
    return LoadHistory(unfinished, tx.run(cypher.ENDED).value(), _lease(tx.run(cypher.LEASE).single()))


def _lease(record: Record | None) -> Lease | None:
    if record is None or record["load_id"] is None:
        return None
    return Lease(record["load_id"], record["holder"], record["pid"], record["host"], record["age_ms"] / 1000)


def write_beside(tx: ManagedTransaction) -> None:
    """Called before events are written under no load: a load that runs can't take for granted any more that all are its own.

    Once there are events, no load begins that could; so only the first to write, and those who meet such a load, wait for
    each other. Asked in this order, since the other way round a load might begin in between, and write events.
    """
    if scalar(tx, cypher.NO_EVENTS) or scalar(tx, cypher.IS_FRESH):
        tx.run(cypher.BESIDE_LOADS).consume()


def project(tx: ManagedTransaction, log_offset: int | None) -> None:
    """Records the projector's position."""
    if log_offset is not None:
        tx.run(cypher.PROJECT, log_offset=log_offset).consume()


def projected(tx: ManagedTransaction) -> int:
    """The projector's position; -1 for none."""
    record = tx.run(cypher.PROJECTED).single()
    return -1 if record is None else record["log_offset"]
