"""A snapshot: what held in the store at one moment, as memory-mapped arrays that all processes of a host share.

Reading only; `graph.export` makes them. Layout of `snapshots/VERSION/` (format 1):

    schema.json                    version, counts, log offset, erasure epoch, checksums: not part of the content hash
    nodes/KIND.arrow               ids and properties, sorted by the UTF-8 bytes of the id: a node's row is its place here
    edges/LINK/out.indptr.npy      int64, sources + 1
    edges/LINK/out.indices.npy     int32 target rows; within a source newest first, then by target row
    edges/LINK/in.indptr.npy       int64, targets + 1
    edges/LINK/in.indices.npy      int32 source rows; within a target newest first, then by source row
    edges/LINK/in.edge.npy         int32, the place of that edge in the outgoing order
    edges/LINK/COLUMN.npy          `graph.schema.LINKS`, in the outgoing order
    edges/RELATES/predicates.arrow
    retracted/*.arrow              what an UNSAVE, UNFOLLOW or CLEAR ended, so that late events resolve as in the store
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph.columns import Column, column_of
from graph.errors import CorruptFileError
from graph.model import Board, Entity, Id, Interest, Node, NodeKind, Pin, TimeMs, User
from graph.schema import LINKS, Link
from graph.sealed import check_files, read_manifest

FORMAT = 1
MANIFEST = "schema.json"
WHAT = "snapshot"
_MARK_ROWS = 64
"""Rows from one id that is kept in memory, for searching, to the next."""


class NodeTable:
    """The nodes of one kind: rows 0 to `len - 1`, in the order of their ids' UTF-8 bytes."""

    def __init__(self, kind: NodeKind, table: pa.Table) -> None:
        self.kind = kind
        self.table = table
        ids = table.column("id").combine_chunks()
        ids = ids.chunk(0) if isinstance(ids, pa.ChunkedArray) else ids
        _, offsets, data = ids.buffers()
        self._count = len(ids)
        # As a view of Python's own numbers: a search reads two of them a step.
        self._offsets = memoryview(b"" if offsets is None else offsets).cast("B").cast("q")
        self._data = memoryview(b"" if data is None else data).cast("B")
        self._columns: dict[str, Column] = {}
        self._marks: list[bytes] = []

    def __len__(self) -> int:
        return self._count

    def _bytes(self, row: int) -> bytes:
        return bytes(self._data[self._offsets[row] : self._offsets[row + 1]])

    def id_of(self, row: int) -> Id:
        """The id at a row. Raises IndexError outside 0 … len - 1."""
        if not 0 <= row < self._count:
            raise IndexError(row)
        return Id(self._bytes(row).decode())

    def row_of(self, id: str) -> int | None:
        """The row of an id, or None; O(log n)."""
        try:
            key = id.encode()
        except UnicodeEncodeError:
            return None
        row = self.place_of(id)
        return row if row < self._count and self._bytes(row) == key else None

    def place_of(self, id: str) -> int:
        """Where an id is, or would be: the first row whose id is not before it, `len` if there is none; O(log n)."""
        key = id.encode(errors="surrogatepass")
        if not self._marks:
            self._marks = [self._bytes(row) for row in range(0, self._count, _MARK_ROWS)]
        # Between two marks, which are compared where they lie, there are few ids left to take out of the buffer.
        mark = bisect_left(self._marks, key)
        low, high = max(0, (mark - 1) * _MARK_ROWS), min(self._count, mark * _MARK_ROWS)
        return bisect_left(range(high), key, lo=low, key=self._bytes)

    def value(self, column: str, row: int) -> Any:
        """One property at a row; None where it is missing."""
        return self.values(column, (row,))[0]

    def values(self, column: str, rows: Iterable[int]) -> list[Any]:
        """One property at some rows, in their order; `id` is one too. Rows are not checked: they must be there."""
        found = self._columns.get(column)
        if found is None:
            found = self._columns[column] = column_of(self.table, column)
        return found.at(rows)

    def node(self, row: int) -> Node:
        """The node at a row. `Board.owner` is "" where the owner is hidden."""
        id_, value = self.id_of(row), self.value
        match self.kind:
            case NodeKind.USER:
                return User(id_, value("created_at", row), value("attributes", row))
            case NodeKind.PIN:
                created_at: TimeMs | None = value("created_at", row)
                return Pin(id_, value("title", row), value("description", row), created_at, value("attributes", row))
            case NodeKind.BOARD:
                return Board(id_, Id(value("owner", row) or ""), value("title", row), value("secret", row))
            case NodeKind.INTEREST:
                return Interest(id_, value("name", row), value("parent", row))
            case NodeKind.ENTITY:
                return Entity(id_, value("name", row))


@dataclass(frozen=True, slots=True)
class Csr:
    """Neighbours of node `i` are `indices[indptr[i]:indptr[i + 1]]`. indptr: int64 (n + 1,); indices: int32 (edges,)."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]

    def neighbours(self, row: int) -> NDArray[np.int32]:
        """Rows next to a row: a view, not a copy."""
        return self.indices[self.indptr[row] : self.indptr[row + 1]]

    def degree(self, row: int) -> int:
        """How many edges a row has."""
        return int(self.indptr[row + 1] - self.indptr[row])

    def degrees(self) -> NDArray[np.int64]:
        """(n,) int64."""
        return np.diff(self.indptr)


@dataclass(frozen=True, slots=True)
class LinkTable:
    """The edges of one link, both ways. `columns` are in the outgoing order; `in_edge` leads there from the incoming one."""

    link: Link
    source: NodeKind
    target: NodeKind
    out: Csr
    into: Csr
    in_edge: NDArray[np.int32]
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.out.indices)

    def sources(self) -> NDArray[np.int32]:
        """(edges,) int32: the source row of each edge in the outgoing order; made on each call."""
        return np.repeat(np.arange(len(self.out.indptr) - 1, dtype=np.int32), self.out.degrees())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An open snapshot. Immutable, safe to share between threads; pages are read as they are touched."""

    path: Path
    version: str
    content_hash: str
    created_at: TimeMs
    log_offset: int
    erasure_epoch: int
    nodes: Mapping[NodeKind, NodeTable]
    links: Mapping[Link, LinkTable]
    predicates: tuple[str, ...]

    @classmethod
    def open(cls, path: Path, *, verify: bool = True) -> Snapshot:
        """Maps a snapshot. `verify` reads every byte and compares checksums; else only sizes are compared.

        Raises CorruptFileError when anything is missing, truncated, changed or of another format.
        """
        schema = read_manifest(path, MANIFEST, WHAT, FORMAT)
        check_files(path, schema["files"], WHAT, contents=verify)
        try:
            nodes = {kind: NodeTable(kind, _map_table(path / "nodes" / f"{kind}.arrow")) for kind in NodeKind}
            links = {link: _map_link(path, link) for link in Link}
            predicates = _map_table(path / "edges" / Link.RELATES / "predicates.arrow").column("predicate").to_pylist()
            return cls(
                path=path,
                version=schema["version"],
                content_hash=schema["content_hash"],
                created_at=TimeMs(schema["created_at"]),
                log_offset=schema["log_offset"],
                erasure_epoch=schema["erasure_epoch"],
                nodes=nodes,
                links=links,
                predicates=tuple(predicates),
            )
        except (KeyError, ValueError, OSError, pa.ArrowException) as error:
            raise CorruptFileError(f"{WHAT} {path} can't be opened ({error}); make it again") from error

    def retracted(self, name: str) -> pa.Table:
        """What was ended: `saved`, `follows` or `tastes` (columns: `graph.fold`)."""
        return _map_table(self.path / "retracted" / f"{name}.arrow")

    def counts(self) -> dict[str, int]:
        """Nodes and edges by kind."""
        return {**{k.value: len(t) for k, t in self.nodes.items()}, **{k.value: len(t) for k, t in self.links.items()}}


def _map_table(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def map_array(path: Path) -> NDArray[Any]:
    """A .npy file as a read-only mapped array (as a plain ndarray: slicing np.memmap costs a microsecond)."""
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped.view(np.ndarray)


def _map_link(path: Path, link: Link) -> LinkTable:
    folder, kinds = path / "edges" / link, LINKS[link]
    return LinkTable(
        link=link,
        source=kinds.source,
        target=kinds.target,
        out=Csr(map_array(folder / "out.indptr.npy"), map_array(folder / "out.indices.npy")),
        into=Csr(map_array(folder / "in.indptr.npy"), map_array(folder / "in.indices.npy")),
        in_edge=map_array(folder / "in.edge.npy"),
        columns={name: map_array(folder / f"{name}.npy") for name in kinds.columns},
    )
