"""Who sees what, on the rows of a snapshot: the rules that traversals, reasons, counts and search obey.

Public: pins, interests, entities, users as nodes, boards that are not secret with what is on them, and follows of boards and
interests. Private to a user and to admin: views, clicks, hides, mutes, boosts, follows of users, saves without a board or on a
secret board. A secret board is seen by its owner and admin; nobody else learns that it exists. What no rule opens stays
closed. Authentication is not here: a `Viewer` is what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph.model import NodeKind
from graph.schema import LINKS, Link
from graph.snapshot import Snapshot

PRIVATE_LINKS: Final = frozenset(
    {Link.VIEWED, Link.CLICKED, Link.HID, Link.MUTED, Link.BOOSTED, Link.FOLLOWS_USER},
)
"""Edges that only their source, a user, and admin see."""
BOARD_LINKS: Final = frozenset({Link.HOLDS, Link.OWNS, Link.FOLLOWS_BOARD})
"""Edges with a board at one end: seen by who sees the board."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a user of the snapshot, by row, or nobody in particular; `admin` sees everything."""

    user_row: int | None = None
    admin: bool = False


STRANGER: Final = Viewer()
ADMIN: Final = Viewer(admin=True)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is secret in one snapshot; made once when it is opened."""

    secret: NDArray[np.bool_]
    """(boards,): whether a board is secret."""
    owner: NDArray[np.int32]
    """(boards,): row of the owner; -1 where it is hidden."""
    any_secret: bool
    any_boardless: bool
    """Whether any save is on no board."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Secrets:
        """Reads the boards, their owners, and the board column of SAVED once."""
        boards = snapshot.nodes[NodeKind.BOARD]
        secret = _bits(boards.table.column("secret"))
        owner = np.full(len(boards), -1, np.int32)
        owns = snapshot.links[Link.OWNS]
        owner[owns.out.indices] = owns.sources()
        boardless = snapshot.links[Link.SAVED].columns["board"] < 0
        return cls(secret, owner, bool(secret.any()), bool(boardless.any()))


def _bits(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """A bool column without nulls, unpacked here: `to_numpy` would import pandas, where there is one, for a second."""
    parts: list[NDArray[np.bool_]] = [np.empty(0, np.bool_)]
    for chunk in column.chunks:
        bits = np.frombuffer(chunk.buffers()[1] or b"", np.uint8)
        parts.append(np.unpackbits(bits, bitorder="little")[chunk.offset : chunk.offset + len(chunk)].astype(np.bool_))
    return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class Visibility:
    """What one viewer may see of one snapshot. Cheap to make: it holds no copy of anything."""

    snapshot: Snapshot
    secrets: Secrets
    viewer: Viewer

    @classmethod
    def of(cls, snapshot: Snapshot, viewer: Viewer = STRANGER) -> Visibility:
        """For one-off use; who answers many viewers makes `Secrets` once."""
        return cls(snapshot, Secrets.of(snapshot), viewer)

    def is_self(self, user_row: int) -> bool:
        """Whether the viewer may see what is private to a user."""
        return self.viewer.admin or self.viewer.user_row == user_row

    def boards(self, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether each board (rows ≥ 0) is visible."""
        if self.viewer.admin or not self.secrets.any_secret:
            return np.ones(len(rows), np.bool_)
        return ~self.secrets.secret[rows] | (self.secrets.owner[rows] == self._me)

    def node(self, kind: NodeKind, row: int) -> bool:
        """Whether a node is visible; a row outside its table is not."""
        if not 0 <= row < len(self.snapshot.nodes[kind]):
            return False
        return kind is not NodeKind.BOARD or bool(self.boards(np.array([row], np.int32))[0])

    def edges(
        self, link: Link, edge: NDArray[np.int64], source: NDArray[np.int32], target: NDArray[np.int32]
    ) -> NDArray[np.bool_] | None:
        """Which of some edges are visible; None where all are, without looking.

        `edge`: places in the outgoing order; `source`, `target`: the rows at their ends.
        """
        if self.all_edges(link):
            return None
        if link in PRIVATE_LINKS:
            return source == self._me
        if link in BOARD_LINKS:
            return self.boards(source if LINKS[link].source is NodeKind.BOARD else target)
        return self._saves(edge, source)

    def all_edges(self, link: Link) -> bool:
        """Whether every edge of a link is visible, so that nobody need look at one."""
        if self.viewer.admin:
            return True
        if link in PRIVATE_LINKS:
            return False
        if link in BOARD_LINKS:
            return not self.secrets.any_secret
        return link is not Link.SAVED or not (self.secrets.any_secret or self.secrets.any_boardless)

    def _saves(self, edge: NDArray[np.int64], source: NDArray[np.int32]) -> NDArray[np.bool_]:
        """A save is seen by who saved, and by who sees the board that it is on."""
        board = self.snapshot.links[Link.SAVED].columns["board"][edge]
        seen = board >= 0
        if self.secrets.any_secret:
            seen[seen] = self.boards(board[seen])
        return seen | (source == self._me)

    @property
    def _me(self) -> int:
        """The viewer's row; a row that no node has where there is none (-1 is taken: a hidden owner)."""
        return -2 if self.viewer.user_row is None else self.viewer.user_row
