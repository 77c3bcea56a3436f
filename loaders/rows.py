"""Rows of nodes and plain edges, as the domain's own types, from the frames of the first pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import polars as pl

from graph.model import (
    About,
    Board,
    EdgeKind,
    EdgeRow,
    Entity,
    Interest,
    Is,
    Node,
    NodeKind,
    NodeRow,
    Pin,
    PlainEdge,
    Relates,
    TimeMs,
    User,
)
from loaders.interchange import Table

_NODES: Final[dict[NodeKind, tuple[Callable[..., Node], tuple[str, ...]]]] = {
    NodeKind.USER: (User, ("id", "created_at", "attributes")),
    NodeKind.PIN: (Pin, ("id", "title", "description", "created_at", "attributes")),
    NodeKind.BOARD: (Board, ("id", "owner_id", "title", "secret")),
    NodeKind.INTEREST: (Interest, ("id", "name", "parent_id")),
    NodeKind.ENTITY: (Entity, ("id", "name")),
}
"""A kind's type and the columns that its fields, in order, are taken from."""

EDGES: Final[dict[Table, tuple[EdgeKind, Callable[..., PlainEdge], tuple[str, ...]]]] = {
    Table.PIN_INTERESTS: (EdgeKind.ABOUT, About, ("pin_id", "interest_id", "score")),
    Table.PIN_ENTITIES: (EdgeKind.IS, Is, ("pin_id", "entity_id")),
    Table.RELATIONS: (EdgeKind.RELATES, Relates, ("head_id", "predicate", "tail_id")),
}


def node_rows(kind: NodeKind, frame: pl.DataFrame, exported_at: TimeMs | None) -> list[NodeRow]:
    """Node rows; one without `updated_at` has the version of its folder."""
    make, names = _NODES[kind]
    versions, deletions = _column(frame, "updated_at"), _column(frame, "deleted_at")
    fields = zip(*(frame[name].to_list() for name in names), strict=True)
    return [
        NodeRow(make(*values), exported_at if version is None else version, deleted_at)
        for values, version, deleted_at in zip(fields, versions, deletions, strict=True)
    ]


def edge_rows(table: Table, frame: pl.DataFrame, exported_at: TimeMs | None) -> list[EdgeRow]:
    """Plain edges; they have the version of their folder."""
    _, make, names = EDGES[table]
    fields = zip(*(frame[name].to_list() for name in names), strict=True)
    return [EdgeRow(make(*values), exported_at) for values in fields]


def _column(frame: pl.DataFrame, name: str) -> list[Any]:
    return frame[name].to_list() if name in frame.columns else [None] * frame.height
