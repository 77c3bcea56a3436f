"""Rows cut into cells so that two cells that share no claim share no node: writers that keep to that can't meet.

Nodes of each kind fall into PARTS parts, by a hash of their ids. A cell's rows name nodes of one part of each kind, and the
cell claims these parts; of two that claim different ones, neither touches a node of the other. Users and pins so make a grid,
and the cells of a diagonal are free of each other. A save on a board touches the board as well: it falls, for the rows at
hand, into the part of the first of the users who save to it. Most boards have one user, and then the grid stays one of users
and pins; a board of several gives cells a third coordinate, and claims of its own.

How rows are cut depends on nothing but the rows: not on how many writers there are, nor on which store is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from graph.model import NodeKind
from loaders.interchange import Table

PARTS: Final = 4
"""Parts of each kind's nodes, and so the number of writers that can be busy at once."""
ROWS_MIN: Final = 4_000
"""Fewer rows than these are one cell: a transaction costs as much as some hundred of them."""
_SEED: Final = 0xCE11

Claims = frozenset[tuple[NodeKind, int]] | None
"""Parts of nodes that a cell touches, by kind; None for all of every kind."""

_ENDS: Final[dict[Table, tuple[tuple[str, NodeKind], ...]]] = {
    Table.USERS: (("id", NodeKind.USER),),
    Table.PINS: (("id", NodeKind.PIN),),
    Table.ENTITIES: (("id", NodeKind.ENTITY),),
    Table.BOARDS: (("owner_id", NodeKind.USER), ("id", NodeKind.BOARD)),
    Table.PIN_INTERESTS: (("pin_id", NodeKind.PIN), ("interest_id", NodeKind.INTEREST)),
    Table.PIN_ENTITIES: (("pin_id", NodeKind.PIN), ("entity_id", NodeKind.ENTITY)),
    Table.RELATIONS: (("head_id", NodeKind.ENTITY), ("tail_id", NodeKind.ENTITY)),
    Table.FOLLOWS: (("user", NodeKind.USER), ("target", NodeKind.USER)),
    Table.INTERACTIONS: (("user", NodeKind.USER), ("target", NodeKind.PIN)),
}
"""Columns that name nodes, with their kinds. Interests are few, and name each other: they are one cell."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows that may be written beside any others that claim nothing of theirs, in the order that they were given in."""

    name: str
    rows: pl.DataFrame
    claims: Claims


def whole(rows: pl.DataFrame) -> list[Cell]:
    """All rows as one cell, which is written alone."""
    return [Cell("", rows, None)]


def bare_cells(kind: NodeKind, ids: pl.DataFrame) -> list[Cell]:
    """Bare nodes of one kind."""
    return list(_cut(ids, [("id", kind)])) if ids.height >= ROWS_MIN else whole(ids)


def cells(table: Table, rows: pl.DataFrame) -> list[Cell]:
    """Rows of a table in cells, a diagonal after another, so that neighbours in the list seldom share a claim."""
    if rows.height < ROWS_MIN or table not in _ENDS:
        return whole(rows)
    if table is Table.FOLLOWS:
        return [cell for (kind,), of_kind in _by_target_kind(rows) for cell in _cut(of_kind, _follows(str(kind)))]
    if table is Table.INTERACTIONS:
        return list(_cut(_with_boards(rows), [*_ENDS[table], (_BOARD_OF, NodeKind.BOARD)]))
    return list(_cut(rows, _ENDS[table]))


_BOARD_OF: Final = "\0board"
_CELL: Final = "\0cell"


def _by_target_kind(rows: pl.DataFrame) -> Iterator[tuple[tuple[object, ...], pl.DataFrame]]:
    yield from rows.partition_by("target_kind", as_dict=True, maintain_order=True).items()


def _follows(target_kind: str) -> list[tuple[str, NodeKind]]:
    return [("user", NodeKind.USER), ("target", NodeKind(target_kind))]


def _with_boards(rows: pl.DataFrame) -> pl.DataFrame:
    """Beside each row the first user of its board, or its own user where there is no board."""
    first = pl.col("user").min().over("board")
    return rows.with_columns(pl.when(pl.col("board").is_null()).then(pl.col("user")).otherwise(first).alias(_BOARD_OF))


def _cut(rows: pl.DataFrame, ends: list[tuple[str, NodeKind]] | tuple[tuple[str, NodeKind], ...]) -> Iterator[Cell]:
    """The cells of rows that name a node in each of some columns."""
    place = pl.sum_horizontal(_part(column) * PARTS**power for power, (column, _) in enumerate(ends))
    split = rows.with_columns(place.alias(_CELL)).partition_by(_CELL, as_dict=True, maintain_order=True)
    found = {int(str(index)): of_cell for (index,), of_cell in split.items()}
    for index in sorted(found, key=_diagonal):
        parts = _parts(index, len(ends))
        claims = frozenset((kind, part) for (_, kind), part in zip(ends, parts, strict=True))
        columns = [name for name in rows.columns if name != _BOARD_OF]
        yield Cell("/" + "".join(map(str, parts)), found[index].select(columns), claims)


def _part(column: str) -> pl.Expr:
    return (pl.col(column).hash(_SEED) % PARTS).cast(pl.Int64)


def _parts(index: int, ends: int) -> list[int]:
    return [index // PARTS**power % PARTS for power in range(ends)]


def _diagonal(index: int) -> tuple[int, int]:
    """Cells of one diagonal sort together."""
    source, target, _ = _parts(index, 3)
    return (target - source) % PARTS, index
