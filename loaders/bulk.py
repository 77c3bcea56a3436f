"""A decoded folder as the CSV files of Neo4j's importer: what an incremental load would leave in the database, settled at once.

Equal identities meet in one part (`Decoded` must have split events by their ids), so each part is settled by itself, with
nothing in the store. One part is in memory at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import polars as pl

from graph.errors import TerminalError
from graph.model import Board, EdgeKind, EventKind, Interest, NodeKind, NodeRow, PlainEdge
from graph.ports import Outcome, StoreCounts
from graph.rules import derived_event_id, edge_digest, edge_key, node_digest
from graph.stores.neo4j.edges import ends_of
from graph.stores.neo4j.nodes import row_of
from graph.stores.neo4j.offline import HEX_IDS, NODE_HEADERS, Header, Offline, edge_header, event_header, paired_header
from graph.stores.neo4j.stored import event_key, looks_derived
from graph.stores.settle import settle_versions
from loaders.batches import tidy
from loaders.decode import EVENT_TABLES, Decoded
from loaders.interchange import Table
from loaders.rows import EDGES, edge_rows, node_rows
from loaders.validation.references import NODE_TABLES

_SIGNED: Final = [str(byte - 256 if byte > 127 else byte) for byte in range(256)]
_EVENT: Final = ("user", "target", "event_key", "at", "weight", "board", "event_id", "group_id")


class Bulk:
    """CSV files in a folder, and what is in them. A context manager: on leaving it the files are whole."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.outcomes: dict[Table, Outcome] = {}
        self.nodes: Counter[NodeKind] = Counter()
        self.events: Counter[EventKind] = Counter()
        self.edges: Counter[EdgeKind] = Counter()
        self._folder = folder
        self._files: dict[str, Any] = {}
        self._nodes: list[tuple[str, Path]] = []
        self._relationships: list[tuple[str, Path]] = []
        self._multiline = False
        self._hex_ids = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def add_all(self, decoded: Decoded) -> None:
        """Writes everything that was decoded."""
        for kind, spill in decoded.bare.items():
            for _, frame in spill.parts():
                self._bare(kind, tidy(frame)[0])
        for table in decoded.tallies:
            self.outcomes[table] = Outcome()
            if table is Table.INTERESTS:
                levels = [frame for _, frame in decoded.parts(table)]
                if levels:
                    self._add(table, pl.concat(levels), decoded)
                continue
            for _, frame in decoded.parts(table):
                self._add(table, frame, decoded)
        if self._hex_ids:
            label, text = HEX_IDS
            path = self._folder / f"{label}.csv"
            path.write_text(text)
            self._nodes.append((label, path))

    def run(self, offline: Offline) -> None:
        """Imports the files; the server must be stopped."""
        offline.import_all(self._nodes, self._relationships, self._folder / "import.log", multiline=self._multiline)

    def check(self, counts: StoreCounts) -> None:
        """Raises TerminalError when the store holds another number of something than was written."""
        for what, written, held in (
            ("nodes", self.nodes, counts.nodes),
            ("events", self.events, counts.events),
            ("edges", self.edges, counts.edges),
        ):
            for kind, count in held.items():
                if written[kind] != count:  # pyright: ignore[reportArgumentType]
                    raise TerminalError(
                        f"{written[kind]} {kind} {what} were imported but {count} are there; empty the database, and load again"  # pyright: ignore[reportArgumentType]
                    )

    def _add(self, table: Table, frame: pl.DataFrame, decoded: Decoded) -> None:
        if table in EVENT_TABLES:
            rows, doubles = tidy(frame, by_event_id=True)
            outcome = self._add_events(rows)
        else:
            rows, doubles = tidy(frame)
            if table in NODE_TABLES:
                kind = NODE_TABLES[table]
                outcome = self._add_nodes(kind, node_rows(kind, rows, decoded.exported_at))
            else:
                outcome = self._add_edges(table, rows, decoded)
        self.outcomes[table] += outcome + Outcome(duplicates=doubles)

    def _bare(self, kind: NodeKind, ids: pl.DataFrame) -> None:
        lacking = [pl.lit(None, pl.String).alias(name) for name in NODE_HEADERS[kind][1:]]
        self._write_nodes(kind, ids.select(pl.col("id").alias(NODE_HEADERS[kind][0]), *lacking))

    def _add_nodes(self, kind: NodeKind, rows: Sequence[NodeRow]) -> Outcome:
        ids = [row.node.id for row in rows]
        digests = [node_digest(row.node, row.deleted_at) for row in rows]
        settled = settle_versions(ids, [row.version_at for row in rows], digests, {})
        chosen = [row_of(kind, rows[i], digests[i]) for i in settled.write]
        for row in chosen:
            row[3] = ";".join([_SIGNED[byte] for byte in row[3]])
        frame = pl.DataFrame(chosen, schema={name: _type(name) for name in NODE_HEADERS[kind]}, orient="row")
        self._write_nodes(kind, frame)
        return settled.outcome + Outcome(edges_written=self._carried(kind, [rows[i] for i in settled.write]))

    def _carried(self, kind: NodeKind, rows: Sequence[NodeRow]) -> int:
        """The edges that boards and interests carry."""
        pairs: list[tuple[str, str]] = []
        if kind is NodeKind.BOARD:
            edge, source, target = EdgeKind.OWNS, NodeKind.USER, NodeKind.BOARD
            pairs = [(row.node.owner, row.node.id) for row in rows if isinstance(row.node, Board)]
        elif kind is NodeKind.INTEREST:
            edge, source, target = EdgeKind.CHILD_OF, NodeKind.INTEREST, NodeKind.INTEREST
            pairs = [
                (row.node.id, row.node.parent)
                for row in rows
                if isinstance(row.node, Interest) and row.node.parent is not None
            ]
        else:
            return 0
        self.edges[edge] += len(pairs)
        header = edge_header(edge, source, target)
        self._write(header, pl.DataFrame(pairs, schema=dict.fromkeys(header.columns, pl.String), orient="row"))
        return len(pairs)

    def _add_edges(self, table: Table, frame: pl.DataFrame, decoded: Decoded) -> Outcome:
        kind = EDGES[table][0]
        rows = edge_rows(table, frame, decoded.exported_at)
        keys = [edge_key(row.edge) for row in rows]
        digests = [edge_digest(row.edge) for row in rows]
        settled = settle_versions(keys, [row.version_at for row in rows], digests, {})
        header = edge_header(kind, *ends_of(kind))
        chosen = [[*_ends(rows[i].edge), rows[i].version_at, *_said(rows[i].edge)] for i in settled.write]
        schema = {name: _type(name) for name in header.columns}
        self.edges[kind] += len(chosen)
        self._write(header, pl.DataFrame(chosen, schema=schema, orient="row"))
        return settled.outcome + Outcome(edges_written=len(chosen))

    def _add_events(self, rows: pl.DataFrame) -> Outcome:
        """Events sorted by id and digest: the first of an id holds, as `rules.distinct` says."""
        kept = rows.unique("event_id", keep="first", maintain_order=True)
        ids = kept["event_id"]
        keys = pl.Series("event_key", [event_key(id_) for id_ in ids.to_list()], pl.Int64)
        given = _given(kept)
        self._hex_ids = self._hex_ids or any(looks_derived(id_) for id_ in ids.filter(given).to_list())
        kept = kept.with_columns(keys, pl.when(given).then(ids).otherwise(None).alias("event_id"))
        edges = 0
        for (kind_name, target_name), of_shape in kept.partition_by(["kind", "target_kind"], as_dict=True).items():
            kind, target = EventKind(kind_name), NodeKind(target_name)
            self.events[kind] += of_shape.height
            self._write(event_header(kind, target), of_shape.select(_EVENT))
            paired = of_shape.filter(pl.col("board").is_not_null())
            if paired.height:
                self._write(paired_header(kind), paired.select("board", "target", "at", "user", "event_id"))
            edges += of_shape.height + paired.height
        return Outcome(written=kept.height, conflicts=rows.height - kept.height, edges_written=edges)

    def _write_nodes(self, kind: NodeKind, frame: pl.DataFrame) -> None:
        self.nodes[kind] += frame.height
        texts = [name for name, type_ in frame.schema.items() if type_ == pl.String]
        if not self._multiline and frame.height:
            breaks = frame.select(pl.any_horizontal(pl.col(texts).str.contains("[\r\n]").any()).fill_null(value=False))
            self._multiline = bool(breaks.item())
        self._append(kind.value, kind.value, frame, self._nodes)

    def _write(self, header: Header, frame: pl.DataFrame) -> None:
        named = frame.rename(dict(zip(frame.columns, header.columns, strict=True)))
        self._append(
            f"{header.type}-{''.join(filter(str.isalpha, header.columns[1]))}", header.type, named, self._relationships
        )

    def _append(self, key: str, name: str, frame: pl.DataFrame, listed: list[tuple[str, Path]]) -> None:
        if not frame.height:
            return
        first = key not in self._files
        if first:
            path = self._folder / f"{key}.csv"
            self._files[key] = path.open("wb")
            listed.append((name, path))
        frame.write_csv(self._files[key], include_header=first)


def _type(column: str) -> pl.DataType | type[pl.DataType]:
    """Of a column by its header."""
    name = column.partition(":")[2]
    return {"long": pl.Int64, "double": pl.Float64, "boolean": pl.Boolean}.get(name, pl.String)


def _ends(edge: PlainEdge) -> tuple[str, str]:
    kind, *parts = edge_key(edge)
    return (parts[0], parts[2]) if kind == EdgeKind.RELATES else (parts[0], parts[1])


def _said(edge: PlainEdge) -> tuple[float | None, str | None]:
    return getattr(edge, "score", None), getattr(edge, "predicate", None)


def _given(rows: pl.DataFrame) -> pl.Series:
    """Whether each row's id is another than the derived one; what says more than its identity is hashed again."""
    given = rows["event_id"] != rows["digest"].bin.encode("hex")
    says_more = rows["group_id"].is_not_null() | (rows["weight"].is_not_null() & (rows["weight"] != 1.0))
    doubtful = (given & says_more).arg_true()
    if not doubtful.len():
        return given
    columns = rows[doubtful].select("event_id", "kind", "user", "target_kind", "target", "board", "at").iter_rows()
    return given.scatter(
        doubtful,
        [
            event_id != derived_event_id(EventKind(kind), user, NodeKind(target_kind), target, board, at)
            for event_id, kind, user, target_kind, target, board, at in columns
        ],
    )
