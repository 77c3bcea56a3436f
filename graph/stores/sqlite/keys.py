"""From ids of nodes to the store's own keys, remembered between the batches of a load.

A load names the same users and pins in every batch; looking each up again would take a quarter of its time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import orjson

from graph.errors import NotFoundError
from graph.model import NodeKind

REMEMBERED_MAX: Final = 500_000
"""Ids of one kind that are remembered: some 60 MB."""

_KEYS: Final = """
SELECT node.id, node.key FROM json_each(?) AS wanted CROSS JOIN node ON node.kind = ? AND node.id = wanted.value
"""


def id_list(ids: Iterable[str]) -> str:
    """Ids as the JSON array that `json_each` reads: one parameter, however many they are."""
    return orjson.dumps(list(ids)).decode()


class NodeKeys:
    """Keys by kind and id, as the writing connection sees them. Call `refresh` first in each transaction."""

    def __init__(self) -> None:
        self._known: dict[NodeKind, dict[str, int]] = {kind: {} for kind in NodeKind}
        self._data_version = -1

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Forgets everything if another connection has written since."""
        data_version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        if data_version != self._data_version:
            self.forget()
            self._data_version = data_version

    def forget(self) -> None:
        """After a rollback, and whenever nodes are taken away."""
        for known in self._known.values():
            known.clear()

    def of(self, connection: sqlite3.Connection, kind: NodeKind, ids: Sequence[str]) -> list[int]:
        """The key of each id. Raises NotFoundError when there is no node for one of them."""
        known = self._known[kind]
        try:
            return [known[id_] for id_ in ids]
        except KeyError:
            self._learn(connection, kind, ids)
        return [known[id_] for id_ in ids]

    def _learn(self, connection: sqlite3.Connection, kind: NodeKind, ids: Sequence[str]) -> None:
        known = self._known[kind]
        if lacking := set(ids).difference(known):
            if len(known) + len(lacking) > REMEMBERED_MAX:
                known.clear()
                lacking = set(ids)
            known.update(connection.execute(_KEYS, (id_list(lacking), kind.value)))
            if missing := lacking.difference(known):
                raise _not_found(kind, missing)


def _not_found(kind: NodeKind, missing: Collection[str]) -> NotFoundError:
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return NotFoundError(f"there is no {kind.value} {min(missing)!r}{more}; write nodes before what names them")
