"""The public graph: who saved what and which board holds what, as everyone may see it, each pair once.

Shared walks, the filter and popularity run on this and on nothing else, so that no answer to anyone depends on what is
secret. The order of neighbours is the snapshot's (newest first). Where a snapshot has nothing to leave out, its own mapped
arrays are used and nothing is copied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graph.fold import pair_key
from graph.model import NodeKind
from graph.schema import Link
from graph.snapshot import Csr, LinkTable, Snapshot
from graph.visibility import Secrets


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct pairs of nodes, both ways."""

    out: Csr
    into: Csr

    def __len__(self) -> int:
        return len(self.out.indices)


@dataclass(frozen=True, slots=True)
class PublicGraph:
    """What shared answers may be made from."""

    saves: Pairs
    """User → Pin: saved on a board that is not secret."""
    holds: Pairs
    """Board → Pin, boards that are not secret."""

    @classmethod
    def of(cls, snapshot: Snapshot, secrets: Secrets) -> PublicGraph:
        """Leaves out what is secret, and repetitions. O(edges log edges) unless there is nothing to leave out."""
        saved, holds = snapshot.links[Link.SAVED], snapshot.links[Link.HOLDS]
        board = saved.columns["board"]
        open_ = board >= 0
        if secrets.any_secret:
            open_[open_] = ~secrets.secret[board[open_]]
        held = ~secrets.secret[holds.sources()] if secrets.any_secret else np.ones(len(holds), np.bool_)
        return cls(_pairs(saved, open_), _pairs(holds, held))

    def popularity(self, snapshot: Snapshot) -> dict[NodeKind, NDArray[np.float32]]:
        """By kind, (nodes,) float32: how many public edges speak for a node.

        Pins by savers, boards by pins held and followers, users by pins saved, interests by pins and followers, entities by
        pins and relations.
        """
        links = snapshot.links
        counts = {
            NodeKind.USER: self.saves.out.degrees(),
            NodeKind.PIN: self.saves.into.degrees(),
            NodeKind.BOARD: self.holds.out.degrees() + links[Link.FOLLOWS_BOARD].into.degrees(),
            NodeKind.INTEREST: links[Link.ABOUT].into.degrees() + links[Link.FOLLOWS_INTEREST].into.degrees(),
            NodeKind.ENTITY: links[Link.IS].into.degrees() + links[Link.RELATES].into.degrees(),
        }
        return {kind: count.astype(np.float32) for kind, count in counts.items()}


def _pairs(table: LinkTable, keep: NDArray[np.bool_]) -> Pairs:
    key = pair_key(table.sources(), table.out.indices)
    _, first = np.unique(key, return_index=True)
    if len(first) == len(key) and keep.all():
        return Pairs(table.out, table.into)
    chosen = np.zeros(len(key), np.bool_)
    kept = np.flatnonzero(keep)
    _, first = np.unique(key[kept], return_index=True)
    chosen[kept[first]] = True
    return Pairs(_filtered(table.out, chosen), _filtered(table.into, chosen[table.in_edge]))


def _filtered(csr: Csr, keep: NDArray[np.bool_]) -> Csr:
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep, dtype=np.int64)])
    return Csr(before[csr.indptr], csr.indices[keep])
