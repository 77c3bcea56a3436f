"""What the tests of the store as a file share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from graph.errors import (
    TastegraphError,
)
from graph.model import Id, NodeKind
from graph.stores.sqlite.store import SqliteStore


def raw(path: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def one_line(error: TastegraphError, path: Path) -> None:
    message = str(error)
    assert "\n" not in message
    assert str(path) in message
    assert ";" in message  # what to do about it


CALLS: list[Callable[[SqliteStore], object]] = [
    SqliteStore.counts,
    SqliteStore.content_hash,
    lambda store: store.missing(NodeKind.PIN, [Id("p")]),
    lambda store: store.ensure_nodes(NodeKind.PIN, [Id("p")]),
    lambda store: store.begin_load("load", "folder"),
    lambda store: list(store.export_nodes(NodeKind.PIN)),
]
