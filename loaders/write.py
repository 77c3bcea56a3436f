"""The second pass of a load: batches into the store, nodes before what names them, each under its checkpoint."""

from __future__ import annotations

import gc
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final

import polars as pl
from rich.progress import Progress

from graph.model import NodeKind
from graph.ports import Checkpoint, GraphWriter, LoadState, Outcome
from loaders.ahead import ahead
from loaders.batches import Batch, batches, tidy
from loaders.decode import Decoded
from loaders.events import batch_of
from loaders.interchange import Table
from loaders.rows import EDGES, edge_rows, node_rows
from loaders.validation.references import NODE_TABLES

RENEW_S: Final = 5.0
_COLLECT_EVERY: Final = 200_000
_FREE_NODES: Final = (Table.USERS, Table.PINS, Table.ENTITIES)
_LINKED_NODES: Final = (Table.INTERESTS, Table.BOARDS)
_EVENTS: Final = (Table.FOLLOWS, Table.INTERACTIONS)


def write_all(
    store: GraphWriter, state: LoadState, decoded: Decoded, batch_rows: int, bars: Progress
) -> dict[Table, Outcome]:
    """Writes everything but the batches that are done; returns what became of each table's rows."""
    writing = _Writing(store, state, decoded, batch_rows, bars)
    with _rare_collections():
        for table in _FREE_NODES:
            writing.table(table)
        for kind in decoded.bare:
            writing.bare(kind)
        for table in (*_LINKED_NODES, *EDGES, *_EVENTS):
            writing.table(table)
    return writing.outcomes


@contextmanager
def _rare_collections() -> Generator[None]:
    """Batches are heaps of small objects without cycles; looking through them for garbage takes a twentieth of a load."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_EVERY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Writing:
    """One load's way through its batches."""

    def __init__(self, store: GraphWriter, state: LoadState, decoded: Decoded, batch_rows: int, bars: Progress) -> None:
        self.outcomes = {table: Outcome() for table in decoded.tallies}
        self._store, self._state, self._decoded, self._bars = store, state, decoded, bars
        self._batch_rows = batch_rows
        self._renewed = time.monotonic()

    def table(self, table: Table) -> None:
        """Writes what was decoded of a table, if it is there."""
        if table not in self.outcomes:
            return
        bar = self._bars.add_task(f"writing {table}", total=self._decoded.rows(table))
        for ready, doubles in ahead(self._tidied(table)):
            self.outcomes[table] += Outcome(duplicates=doubles)
            self._bars.update(bar, advance=doubles)
            for batch in ready:
                self._renew()
                done = self._state.batches.get(batch.name)
                checkpoint = Checkpoint(self._state.load_id, batch.name)
                self.outcomes[table] += done or self._write(table, batch.rows, checkpoint)
                self._bars.update(bar, advance=batch.rows.height)

    def _tidied(self, table: Table) -> Iterator[tuple[list[Batch], int]]:
        """The batches of each part, and how many doubles it had."""
        by_event_id = self._decoded.by_event_id and table in _EVENTS
        for part, frame in self._decoded.parts(table):
            rows, doubles = tidy(frame, by_event_id=by_event_id)
            yield list(batches(f"{table}/{part}", rows, self._batch_rows)), doubles

    def bare(self, kind: NodeKind) -> None:
        """Creates the nodes that rows mention and no table of the folder holds."""
        for part, frame in self._decoded.bare[kind].parts():
            ids, _ = tidy(frame)
            for batch in batches(f"bare-{kind}/{part}", ids, self._batch_rows):
                self._renew()
                if batch.name not in self._state.batches:
                    checkpoint = Checkpoint(self._state.load_id, batch.name)
                    self._store.ensure_nodes(kind, batch.rows["id"].to_list(), checkpoint)

    def _write(self, table: Table, rows: pl.DataFrame, checkpoint: Checkpoint) -> Outcome:
        version = self._decoded.exported_at
        if table in NODE_TABLES:
            kind = NODE_TABLES[table]
            return self._store.write_nodes(kind, node_rows(kind, rows, version), checkpoint)
        if table in EDGES:
            return self._store.write_edges(EDGES[table][0], edge_rows(table, rows, version), checkpoint)
        return self._store.write_events(batch_of(rows), checkpoint)

    def _renew(self) -> None:
        if time.monotonic() - self._renewed > RENEW_S:
            self._store.renew_load(self._state.load_id)
            self._renewed = time.monotonic()
