"""A synthetic data set straight into a snapshot, for benchmarks of what serves and trains: no files, no store, no validation.

The snapshot is the one that loading the written data set and exporting it would give, to the byte (a test compares).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graph.export import export_snapshot
from graph.model import Board, EdgeKind, EventKind, Id, Interest, Node, NodeKind, Pin, TimeMs, User
from graph.ports import NULL_TIME, EdgeExport, EventExport, NodeExport
from graph.rules import canonical_json
from loaders.synthetic import KINDS, Acts, Sizes, World, acts, of_acts, planted, tables_of

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 as naive as the frames' own times, which are UTC
_SUMMED: Final = frozenset({EventKind.VIEW, EventKind.CLICK})
"""Kinds whose weights add up, so that the same event twice must count once."""
_Ints = NDArray[np.int64]


def write_synthetic_snapshot(snapshots: Path, sizes: Sizes, seed: int) -> Path:
    """Makes the snapshot in a folder of snapshots and returns its path. Memory: some 100 bytes an interaction.

    Raises InvalidInputError for sizes that make no data set, TransientError when the folder can't be written.
    """
    return export_snapshot(_SyntheticGraph(planted(sizes, seed), seed), snapshots)


class _SyntheticGraph:
    """A `graph.ports.SnapshotSource`. The key of a node is the number in its id; groups of interests come after the leaves."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._seed = seed

    def log_offset(self) -> int:
        return -1

    def loads_begun(self) -> int:
        return 0

    def unfinished_loads(self) -> list[str]:
        return []

    def export_nodes(self, kind: NodeKind) -> Iterator[NodeExport]:
        if kind in _NODES:
            table, make = _NODES[kind]
            for frame in tables_of(self._world, self._seed)[table]:
                keys = _numbers(frame["id"]) if kind is not NodeKind.INTEREST else self._interest_keys(frame["id"])
                nodes = [make(row) for row in frame.iter_rows(named=True)]
                yield NodeExport(kind, keys, nodes, np.zeros(len(nodes), np.bool_))

    def export_events(self, up_to_offset: int) -> Iterator[EventExport]:
        for number, kind in enumerate(KINDS):
            yield _events(EventKind(kind), number, acts(self._world, of_acts(self._seed)))
        users = np.arange(self._world.sizes.users, dtype=np.int64)
        yield EventExport(
            EventKind.FOLLOW,
            NodeKind.INTEREST,
            users,
            self._world.user_interests[:, 0],
            np.full(len(users), -1, np.int64),
            np.full(len(users), NULL_TIME, np.int64),
            np.ones(len(users)),
        )

    def export_edges(self, kind: EdgeKind) -> Iterator[EdgeExport]:
        if kind is EdgeKind.ABOUT:
            for frame in tables_of(self._world, self._seed)["pin_interests"]:
                pins, interests = _numbers(frame["pin_id"]), self._interest_keys(frame["interest_id"])
                yield EdgeExport(kind, pins, interests, np.full(len(pins), np.nan, np.float32), [])

    def _interest_keys(self, ids: pl.Series) -> _Ints:
        group = ids.str.starts_with("group").to_numpy()
        return _numbers(ids) + np.where(group, self._world.sizes.interests, 0)


def _events(kind: EventKind, number: int, chunks: Iterable[Acts]) -> EventExport:
    columns = [np.stack([act.user, act.pin, act.board, act.at])[:, act.kind == number] for act in chunks]
    rows = np.concatenate(columns, axis=1)
    if kind in _SUMMED:
        rows = np.unique(rows, axis=1)
    user, pin, board, at = rows
    return EventExport(kind, NodeKind.PIN, user, pin, board, at, np.ones(len(user)))


def _numbers(ids: pl.Series) -> _Ints:
    """u12, p12, b12, i12 and group12: 12."""
    return ids.str.extract(r"(\d+)$").cast(pl.Int64).to_numpy()


def _user(row: Mapping[str, Any]) -> Node:
    return User(Id(row["id"]), _ms(row), canonical_json({"country": row["country"]}))


def _pin(row: Mapping[str, Any]) -> Node:
    return Pin(Id(row["id"]), title=row["title"], created_at=_ms(row))


def _board(row: Mapping[str, Any]) -> Node:
    return Board(Id(row["id"]), Id(row["owner_id"]), title=row["title"], secret=row["secret"])


def _interest(row: Mapping[str, Any]) -> Node:
    return Interest(Id(row["id"]), row["name"], row["parent_id"])


def _ms(row: Mapping[str, Any]) -> TimeMs:
    return TimeMs((row["created_at"] - _EPOCH) // timedelta(milliseconds=1))


_NODES: Final[Mapping[NodeKind, tuple[str, Callable[[Mapping[str, Any]], Node]]]] = {
    NodeKind.USER: ("users", _user),
    NodeKind.PIN: ("pins", _pin),
    NodeKind.BOARD: ("boards", _board),
    NodeKind.INTEREST: ("interests", _interest),
}
