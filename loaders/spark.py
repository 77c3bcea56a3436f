"""Loads beyond one machine: Spark reads, judges, deduplicates and groups a folder, and each partition writes to Neo4j itself.

The rows obey the same rules in the same code, and are written by the same store; so the content is that of the one-process
loader. The only module that imports pyspark; Spark's workers need this package, the folder under the same path, and the
settings of Neo4j in their environment. Batches have no checkpoints of their own: run again, a load finds `unchanged` what an
interrupted one wrote.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
import polars as pl
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.pandas.types import from_arrow_schema

from graph.errors import TerminalError
from graph.model import Id, NodeKind
from graph.ports import GraphStore, LoadState, Outcome
from graph.settings import GraphSettings
from graph.stores import open_store
from loaders.batches import batches, tidy
from loaders.decode import EVENT_TABLES, Tally
from loaders.events import batch_of, identified
from loaders.interchange import TABLES, Cell, Folder, Table
from loaders.pieces import Piece, cut, read
from loaders.quarantine import Quarantine
from loaders.rows import EDGES, edge_rows, node_rows
from loaders.sources.chunk import LINE, Refused
from loaders.validation.references import MENTIONS, NODE_TABLES, References
from loaders.validation.tables import check_rows
from loaders.validation.taxonomy import LEVELS_MAX, by_level

BATCH_ROWS: Final = 10_000
RENEW_S: Final = 5.0
_QUIET: Final = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
_FILE, _REASON, _RAW = "_file", "_reason", "_raw"
_REFUSAL: Final = [pa.field(_FILE, pa.string()), pa.field(_REASON, pa.string()), pa.field(_RAW, pa.string())]
_COUNTS: Final = pa.schema(
    [(name, pa.int64()) for name in ("written", "unchanged", "duplicates", "conflicts", "edges_written")]
)
_TYPES: Final = {Cell.TIME: pa.int64(), Cell.NUMBER: pa.float64(), Cell.FLAG: pa.bool_()}
_EVENT: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("event_id", "kind", "user", "target_kind", "target", "board")),
        ("at", pa.int64()),
        ("weight", pa.float64()),
        ("group_id", pa.string()),
        ("digest", pa.binary()),
    ]
)
"""Columns of interactions and follows once they are judged (`loaders.validation.tables`) and identified."""

_Batches = Iterator[pa.RecordBatch]
_Missing = Callable[[NodeKind, Sequence[Id]], set[Id]]


def _schema(table: Table) -> pa.Schema:
    """Good rows of a table; those that are refused have a reason, and nothing else but their line."""
    if table in EVENT_TABLES:
        fields = list(_EVENT)
    else:
        fields = [pa.field(c.name, _TYPES.get(c.cell, pa.string())) for c in TABLES[table].columns]
    return pa.schema([*fields, pa.field(LINE, pa.int64()), *_REFUSAL])


@dataclass(frozen=True)
class _Judge:
    """Runs in Spark's workers: pieces of a table in, judged rows out."""

    table: Table
    pieces: list[Piece]
    now_ms: int

    def __call__(self, wanted: _Batches) -> _Batches:
        for batch in wanted:
            for index in batch.column("id").to_pylist():
                yield from self._piece(self.pieces[index])

    def _piece(self, piece: Piece) -> _Batches:
        schema = _schema(self.table)
        for raw in read(piece):
            checked = check_rows(self.table, raw, self.now_ms)
            name = raw.origin or piece.file.path.name
            rows = identified(checked.frame) if self.table in EVENT_TABLES else checked.frame
            good = pl.DataFrame({**rows.to_dict(), _FILE: [name] * rows.height})
            raws = [orjson.dumps(row.raw, default=str).decode() for row in checked.refused]
            refused = pl.DataFrame(
                {
                    LINE: [row.line for row in checked.refused],
                    _FILE: [name] * len(raws),
                    _REASON: [row.reason for row in checked.refused],
                    _RAW: raws,
                },
                schema_overrides={LINE: pl.Int64, _FILE: pl.String, _REASON: pl.String, _RAW: pl.String},
            )
            yield from _arrow(pl.concat([good, refused], how="diagonal"), schema)


@dataclass(frozen=True)
class _Write:
    """Runs in Spark's workers: rows of a partition in, what became of them out."""

    store_url: str
    table: Table
    version: Any

    def __call__(self, rows: _Batches) -> _Batches:
        frames = [pl.DataFrame(pl.from_arrow(batch)) for batch in rows]
        if not frames:
            return
        with closing(open_store(self.store_url, GraphSettings())) as store:
            frame, _ = tidy(pl.concat(frames))
            outcome = sum((self._batch(store, batch.rows) for batch in batches("", frame, BATCH_ROWS)), Outcome())
        yield pa.RecordBatch.from_pylist([{name: getattr(outcome, name) for name in _COUNTS.names}], _COUNTS)

    def _batch(self, store: GraphStore, rows: pl.DataFrame) -> Outcome:
        if self.table in NODE_TABLES:
            kind = NODE_TABLES[self.table]
            return store.write_nodes(kind, node_rows(kind, rows, self.version))
        if self.table in EDGES:
            return store.write_edges(EDGES[self.table][0], edge_rows(self.table, rows, self.version))
        return store.write_events(batch_of(rows))


@dataclass(frozen=True)
class _Ensure:
    """Runs in Spark's workers: ids of nodes that only rows mention in, how many were made out."""

    store_url: str
    kind: NodeKind

    def __call__(self, rows: _Batches) -> _Batches:
        ids = sorted({id_ for batch in rows for id_ in batch.column("id").to_pylist()})
        with closing(open_store(self.store_url, GraphSettings())) as store:
            for first in range(0, len(ids), BATCH_ROWS):
                store.ensure_nodes(self.kind, ids[first : first + BATCH_ROWS])
        yield pa.RecordBatch.from_pylist([dict.fromkeys(_COUNTS.names, 0)], _COUNTS)


def _arrow(frame: pl.DataFrame, schema: pa.Schema) -> _Batches:
    """A frame as Spark takes it: its columns in their order, strings with 32-bit offsets."""
    missing = [pl.lit(None).alias(name) for name in schema.names if name not in frame.columns]
    table = frame.with_columns(missing).select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest())
    yield from table.cast(schema).to_batches()


class SparkLoad:
    """A folder in Spark: `judge` all of it, then `write_all` what is good."""

    def __init__(self, session: SparkSession, folder: Folder, now_ms: int) -> None:
        self.tallies = {table: Tally() for table in folder.files}
        self.left_out = 0
        self._session, self._folder, self._now_ms = session, folder, now_ms
        self._width = max(2, session.sparkContext.defaultParallelism)
        session.conf.set("spark.sql.shuffle.partitions", 2 * self._width)
        self._good: dict[Table, DataFrame] = {}
        self._interests = pl.DataFrame()

    @property
    def read(self) -> int:
        """Rows read of all tables."""
        return sum(tally.read for tally in self.tallies.values())

    def judge(self, missing: _Missing, refusals: Quarantine) -> None:
        """Reads everything. `missing` asks the store for boards and interests that the folder does not hold."""
        for table in NODE_TABLES:
            self._judge(table, refusals)
        self._judge_interests(missing, refusals)
        for table in (*EDGES, Table.FOLLOWS, Table.INTERACTIONS):
            self._judge(table, refusals)
        self._refuse_dangling(missing, refusals)

    def _judge(self, table: Table, refusals: Quarantine) -> None:
        if table not in self._folder.files:
            return
        pieces = [piece for file in self._folder.files[table] for piece in cut(file)]
        wanted = self._session.range(len(pieces), numPartitions=len(pieces))
        judge = _Judge(table, pieces, self._now_ms)
        judged = wanted.mapInArrow(judge, from_arrow_schema(_schema(table))).persist(StorageLevel.DISK_ONLY)
        self.tallies[table].read = judged.count()
        self._refuse(table, judged.where(f.col(_REASON).isNotNull()), refusals)
        self._good[table] = judged.where(f.col(_REASON).isNull()).drop(_REASON, _RAW)

    def _refuse(self, table: Table, rows: DataFrame, refusals: Quarantine) -> None:
        few = rows.select(_FILE, LINE, _REASON, _RAW).coalesce(1).sortWithinPartitions(_FILE, LINE)
        for row in few.toLocalIterator():
            refusals.add(row[0], table, [Refused(row[1], row[2], orjson.loads(row[3]))])
            self.tallies[table].quarantined += 1

    def _judge_interests(self, missing: _Missing, refusals: Quarantine) -> None:
        """A taxonomy fits in memory (`loaders.validation.taxonomy`)."""
        if Table.INTERESTS not in self._good:
            return
        arrow = self._good.pop(Table.INTERESTS).toArrow()
        rows, reasons = by_level(pl.DataFrame(pl.from_arrow(arrow)), References(missing))
        for row, reason in zip(rows.iter_rows(named=True), reasons.to_list(), strict=True):
            if reason is not None:
                raw = {name: row[name] for name in TABLES[Table.INTERESTS].names if row[name] is not None}
                refusals.add(row[_FILE], Table.INTERESTS, [Refused(row[LINE], reason, raw)])
                self.tallies[Table.INTERESTS].quarantined += 1
        self._interests = rows.filter(reasons.is_null()).drop(LINE, _FILE)

    def _refuse_dangling(self, missing: _Missing, refusals: Quarantine) -> None:
        """Refuses rows that name a board or an interest which is nowhere."""
        follow = f.col("target_kind")
        for table, column, called, kind, where in (
            (Table.INTERACTIONS, "board", "board_id", NodeKind.BOARD, f.lit(True)),
            (Table.PIN_INTERESTS, "interest_id", "interest_id", NodeKind.INTEREST, f.lit(True)),
            (Table.FOLLOWS, "target", "target_id", NodeKind.BOARD, follow == NodeKind.BOARD.value),
            (Table.FOLLOWS, "target", "target_id", NodeKind.INTEREST, follow == NodeKind.INTEREST.value),
        ):
            if (rows := self._good.get(table)) is None:
                continue
            named = rows.where(where).select(f.col(column).alias("id")).where(f.col("id").isNotNull()).distinct()
            unknown = [Id(row[0]) for row in named.join(self._ids(kind), "id", "left_anti").toLocalIterator()]
            gone = missing(kind, unknown) if unknown else set[Id]()
            if gone:
                nowhere = self._session.createDataFrame([(id_,) for id_ in sorted(gone)], f"`{column}` string")
                nowhere = nowhere.withColumn("_gone", f.lit(True))
                marked = rows.join(f.broadcast(nowhere), column, "left")
                is_gone = f.col("_gone").isNotNull() & where
                reason = f"{called} names no {kind.lower()} of the folder or the store"
                raw = f.to_json(f.struct(*(f.col(name).alias(said) for name, said in _SAID[table])))
                bad = marked.where(is_gone).withColumn(_REASON, f.lit(reason)).withColumn(_RAW, raw)
                self._refuse(table, bad, refusals)
                self._good[table] = marked.where(~is_gone).drop("_gone")

    def _ids(self, kind: NodeKind) -> DataFrame:
        """Ids of the nodes of one kind that the folder describes."""
        if kind is NodeKind.INTEREST:
            ids = self._interests["id"].to_list() if self._interests.height else []
            return self._session.createDataFrame([(id_,) for id_ in ids], "id string")
        table = next(table for table, its_kind in NODE_TABLES.items() if its_kind is kind)
        if table not in self._good:
            return self._session.createDataFrame([], "id string")
        return self._good[table].select("id")

    def write_all(self, store: GraphStore, state: LoadState) -> dict[Table, Outcome]:
        """Writes what is good, nodes first; returns what became of each table's rows."""
        outcomes = {table: Outcome() for table in self.tallies}
        with _renewed(store, state):
            for table in (Table.USERS, Table.PINS, Table.ENTITIES):
                self._write(store, table, outcomes, "id")
            self._make_bare(store)
            self._write_interests(store, outcomes)
            self._write(store, Table.BOARDS, outcomes, "owner_id")
            for table in (*EDGES, Table.FOLLOWS):
                self._write(store, table, outcomes)
            self._write_interactions(store, outcomes)
        return outcomes

    def _write(self, store: GraphStore, table: Table, outcomes: dict[Table, Outcome], by: str | None = None) -> None:
        """Rows of one table; in one partition where they share nodes that would make writers wait for each other."""
        if (rows := self._distinct(table, outcomes)) is not None:
            parted = rows.coalesce(1) if by is None else rows.repartition(self._width, by)
            outcomes[table] += _run(parted, _Write(store.url, table, self._folder.exported_at))

    def _write_interactions(self, store: GraphStore, outcomes: dict[Table, Outcome]) -> None:
        """A grid of users and pins, a diagonal at a time: partitions that run at once share neither."""
        table = Table.INTERACTIONS
        if (rows := self._distinct(table, outcomes)) is None:
            return
        user, pin = (f.pmod(f.xxhash64(name), f.lit(self._width)) for name in ("user", "target"))
        grid = rows.withColumn("_user", user).withColumn("_diagonal", f.pmod(pin - user, f.lit(self._width)))
        grid = grid.persist(StorageLevel.DISK_ONLY)
        for diagonal in range(self._width):
            cells = grid.where(f.col("_diagonal") == diagonal).repartition(self._width, "_user")
            rows = cells.drop("_user", "_diagonal")
            outcomes[table] += _run(rows, _Write(store.url, table, self._folder.exported_at))

    def _distinct(self, table: Table, outcomes: dict[Table, Outcome]) -> DataFrame | None:
        if table not in self._good:
            return None
        rows = self._good[table].drop(LINE, _FILE)
        once = rows.dropDuplicates(["event_id", "digest"]) if table in EVENT_TABLES else rows.dropDuplicates()
        once = once.persist(StorageLevel.DISK_ONLY)
        good = self.tallies[table].read - self.tallies[table].quarantined
        outcomes[table] += Outcome(duplicates=good - once.count())
        return once

    def _make_bare(self, store: GraphStore) -> None:
        for kind in (NodeKind.USER, NodeKind.PIN, NodeKind.ENTITY):
            mentioned = [
                self._good[table].select(f.col(column).alias("id"))
                for table, columns in MENTIONS.items()
                for column, its_kind in columns
                if its_kind is kind and table in self._good
            ]
            if kind is NodeKind.USER and Table.FOLLOWS in self._good:
                followed = self._good[Table.FOLLOWS].where(f.col("target_kind") == NodeKind.USER.value)
                mentioned.append(followed.select(f.col("target").alias("id")))
            if mentioned:
                ids = mentioned[0]
                for more in mentioned[1:]:
                    ids = ids.union(more)
                bare = ids.distinct().join(self._ids(kind), "id", "left_anti").repartition(self._width, "id")
                _run(bare, _Ensure(store.url, kind))

    def _write_interests(self, store: GraphStore, outcomes: dict[Table, Outcome]) -> None:
        for level in range(LEVELS_MAX if self._interests.height else 0):
            rows, doubles = tidy(self._interests.filter(pl.col("level") == level).drop("level"))
            outcomes[Table.INTERESTS] += Outcome(duplicates=doubles)
            for batch in batches("", rows, BATCH_ROWS):
                nodes = node_rows(NodeKind.INTEREST, batch.rows, self._folder.exported_at)
                outcomes[Table.INTERESTS] += store.write_nodes(NodeKind.INTEREST, nodes)


_SAID: Final = {
    Table.INTERACTIONS: [
        *(("user", "user_id"), ("target", "pin_id"), ("board", "board_id"), ("kind", "kind")),
        *((name, name) for name in ("at", "weight", "group_id")),
    ],
    Table.FOLLOWS: [
        ("user", "user_id"),
        ("target", "target_id"),
        ("target_kind", "target_kind"),
        ("kind", "kind"),
        ("at", "at"),
    ],
    Table.PIN_INTERESTS: [(name, name) for name in TABLES[Table.PIN_INTERESTS].names],
}
"""Columns of judged rows, and what they were called: for the quarantine."""


def _run(rows: DataFrame, work: Callable[[_Batches], _Batches]) -> Outcome:
    found = rows.mapInArrow(work, from_arrow_schema(_COUNTS)).collect()
    return sum((Outcome(*row) for row in found), Outcome())


@contextmanager
def _renewed(store: GraphStore, state: LoadState) -> Generator[None]:
    """Says every few seconds that the load is alive, while Spark works."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_S):
            store.renew_load(state.load_id)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def spark_load_of(folder: Folder, now_ms: int) -> Generator[SparkLoad]:
    """A folder in Spark: the cluster that Spark's own settings name (`SPARK_REMOTE`, `spark-submit`), else this machine.

    Raises TerminalError, in one line, for what fails in Spark's workers.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # what runs the workers, on this machine
    builder = SparkSession.builder.appName("tastegraph load")
    for name, value in _QUIET.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")  # what fails is told once, by us
    try:
        yield SparkLoad(session, folder, now_ms)
    except PySparkException as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = next((line for line in lines if line.startswith("graph.errors.")), lines[-1] if lines else "no reason")
        raise TerminalError(f"Spark failed: {told.partition(': ')[2] or told}") from error
    finally:
        session.stop()
