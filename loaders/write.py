"""The second pass of a load: batches into the store, nodes before what names them, each under its checkpoint."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Final

from rich.progress import Progress, TaskID

from graph.ahead import ahead
from graph.errors import StoreUnavailableError
from graph.model import NodeKind
from graph.ports import Checkpoint, GraphWriter, LoadState, Outcome
from loaders.batches import Batch, batches, tidy
from loaders.cells import Cell, Claims, bare_cells, cells, whole
from loaders.decode import Decoded
from loaders.events import batch_of
from loaders.interchange import Table
from loaders.rows import EDGES, edge_rows, node_rows
from loaders.settings import LoadSettings
from loaders.validation.references import NODE_TABLES
from loaders.writers import Writers

RENEW_S: Final = 5.0
_COLLECT_EVERY: Final = 200_000
_FREE_NODES: Final = (Table.USERS, Table.PINS, Table.ENTITIES)
_LINKED_NODES: Final = (Table.INTERESTS, Table.BOARDS)
_EVENTS: Final = (Table.FOLLOWS, Table.INTERACTIONS)


def write_all(
    store: GraphWriter, state: LoadState, decoded: Decoded, settings: LoadSettings, bars: Progress
) -> dict[Table, Outcome]:
    """Writes everything but the batches that are done; returns what became of each table's rows."""
    with _rare_collections(), Writers(settings.writers if store.parallel else 1) as writers:
        writing = _Writing(store, state, decoded, settings.batch_rows, bars, writers)
        try:
            writing.everything()
        except StoreUnavailableError as error:
            done, rows = writing.rows_done, sum(decoded.rows(table) for table in decoded.tallies)
            raise StoreUnavailableError(
                f"{error}; {done} of {rows} rows are done: run the same load again, and it goes on from there"
            ) from error
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

    def __init__(
        self,
        store: GraphWriter,
        state: LoadState,
        decoded: Decoded,
        batch_rows: int,
        bars: Progress,
        writers: Writers,
    ) -> None:
        self.outcomes = {table: Outcome() for table in decoded.tallies}
        self._store, self._state, self._decoded, self._bars = store, state, decoded, bars
        self._batch_rows, self._writers = batch_rows, writers
        self._counting = Lock()
        self._renewed = time.monotonic()

    def everything(self) -> None:
        """Nodes, those without links first, then all that names them."""
        for table in _FREE_NODES:
            self.table(table)
        for kind in self._decoded.bare:
            self.bare(kind)
        for table in (*_LINKED_NODES, *EDGES, *_EVENTS):
            self.table(table)

    @property
    def rows_done(self) -> int:
        """Rows that are in the store, or were there, or need not be."""
        return sum(outcome.rows for outcome in self.outcomes.values())

    def table(self, table: Table) -> None:
        """Writes what was decoded of a table, if it is there."""
        if table not in self.outcomes:
            return
        bar = self._bars.add_task(f"writing {table}", total=self._decoded.rows(table))
        for ready, doubles, apart in ahead(self._tidied(table)):
            self._writers.wait()  # for the part before: claims hold within one
            self._count(table, bar, Outcome(duplicates=doubles), doubles)
            self._put(ready, partial(self._batch, table, bar, apart))
        self._writers.wait()

    def _tidied(self, table: Table) -> Iterator[tuple[list[tuple[Claims, Batch]], int, bool]]:
        """The batches of each part, how many doubles it had, and whether no other batch of the load holds one of their ids."""
        by_event_id = self._decoded.by_event_id and table in _EVENTS
        for part, frame in self._decoded.parts(table):
            rows, doubles = tidy(frame, by_event_id=by_event_id)
            apart = table in _EVENTS and not rows["event_id"].is_duplicated().any()
            cut = cells(table, rows) if self._store.parallel else whole(rows)
            yield self._batches(f"{table}/{part}", cut), doubles, apart

    def bare(self, kind: NodeKind) -> None:
        """Creates the nodes that rows mention and no table of the folder holds."""
        for part, frame in self._decoded.bare[kind].parts():
            ids, _ = tidy(frame)
            cut = bare_cells(kind, ids) if self._store.parallel else whole(ids)
            self._writers.wait()
            self._put(self._batches(f"bare-{kind}/{part}", cut), partial(self._bare_batch, kind))
        self._writers.wait()

    def _batches(self, part: str, cut: list[Cell]) -> list[tuple[Claims, Batch]]:
        return [
            (cell.claims, batch) for cell in cut for batch in batches(part + cell.name, cell.rows, self._batch_rows)
        ]

    def _put(self, ready: list[tuple[Claims, Batch]], write: Callable[[Batch], None]) -> None:
        for claims, batch in ready:
            self._renew()
            self._writers.put(claims, partial(write, batch))

    def _batch(self, table: Table, bar: TaskID, apart: bool, batch: Batch) -> None:
        done = self._state.batches.get(batch.name) or self._write(table, batch, apart)
        self._count(table, bar, done, batch.rows.height)

    def _bare_batch(self, kind: NodeKind, batch: Batch) -> None:
        if batch.name not in self._state.batches:
            self._store.ensure_nodes(kind, batch.rows["id"].to_list(), self._checkpoint(batch))

    def _count(self, table: Table, bar: TaskID, outcome: Outcome, rows: int) -> None:
        with self._counting:
            self.outcomes[table] += outcome
            self._bars.update(bar, advance=rows)

    def _checkpoint(self, batch: Batch) -> Checkpoint:
        return Checkpoint(self._state.load_id, batch.name)

    def _write(self, table: Table, batch: Batch, apart: bool) -> Outcome:
        rows, checkpoint, version = batch.rows, self._checkpoint(batch), self._decoded.exported_at
        if table in NODE_TABLES:
            kind = NODE_TABLES[table]
            return self._store.write_nodes(kind, node_rows(kind, rows, version), checkpoint)
        if table in EDGES:
            return self._store.write_edges(EDGES[table][0], edge_rows(table, rows, version), checkpoint)
        return self._store.write_events(replace(batch_of(rows), apart=apart), checkpoint)

    def _renew(self) -> None:
        if time.monotonic() - self._renewed > RENEW_S:
            self._store.renew_load(self._state.load_id)
            self._renewed = time.monotonic()
