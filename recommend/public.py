"""The public graph: who saved what, which board holds what, and what pins have in common, as everyone may see it.

Shared walks, the filter and popularity run on this and on nothing else, so that no answer to anyone depends on what is
secret. Each pair is there once; the order of neighbours is the snapshot's (newest first). Where a snapshot has nothing to
leave out, its own mapped arrays are used and nothing is copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.fold import pair_key
from graph.model import NodeKind
from graph.schema import Link
from graph.snapshot import Csr, LinkTable, Snapshot
from graph.visibility import Secrets

RELATIONS_MAX: Final = 1_000
"""Relations of one entity, each way, that count as facts of the pins which show it."""

Popularity = Mapping[NodeKind, NDArray[np.float32]]
"""By kind, (nodes,): how many public edges speak for a node."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct pairs of something and a pin, both ways: `out` leads to pins, `into` comes from them."""

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
    facts: Pairs
    """Entity → Pin: what a pin shows, and what that is related to, each way; only what two pins or more share."""
    topics: Pairs
    """Interest → Pin: ABOUT, turned round."""

    @classmethod
    def of(cls, snapshot: Snapshot, secrets: Secrets) -> PublicGraph:
        """Leaves out what is secret, and repetitions. O(edges log edges)."""
        saved, holds = snapshot.links[Link.SAVED], snapshot.links[Link.HOLDS]
        own = own_pairs(snapshot)
        board = saved.columns["board"]
        open_ = board >= 0
        if secrets.any_secret:
            open_[open_] = ~secrets.secret[board[open_]]
        held = ~secrets.secret[holds.sources()] if secrets.any_secret else np.ones(len(holds), np.bool_)
        saves = _filtered(saved, open_) or own["saves"]
        return cls(saves, _filtered(holds, held) or own["holds"], _facts(snapshot), own["topics"])

    def by_name(self) -> dict[str, Pairs]:
        """Its parts."""
        return {"saves": self.saves, "holds": self.holds, "facts": self.facts, "topics": self.topics}

    def popularity(self, snapshot: Snapshot) -> Popularity:
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


def interest_shares(snapshot: Snapshot, savers: NDArray[np.float32]) -> NDArray[np.float64]:
    """(interests,): each one's part of all public saves, a save shared out between the interests of its pin."""
    about = snapshot.links[Link.ABOUT]
    pin = about.sources()
    weight = savers[pin] / about.out.degrees()[pin]
    share = np.bincount(about.out.indices, weight, minlength=len(snapshot.nodes[NodeKind.INTEREST]))
    return share / max(float(share.sum()), 1e-12)


def own_pairs(snapshot: Snapshot) -> dict[str, Pairs]:
    """Pairs by name as the snapshot has them: what the public graph is where there is nothing to leave out."""
    saved, holds, about = (snapshot.links[link] for link in (Link.SAVED, Link.HOLDS, Link.ABOUT))
    return {
        "saves": Pairs(saved.out, saved.into),
        "holds": Pairs(holds.out, holds.into),
        "topics": Pairs(out=about.into, into=about.out),
    }


def _filtered(table: LinkTable, keep: NDArray[np.bool_]) -> Pairs | None:
    """The edges to keep, each pair once; None where that is all of them."""
    key = pair_key(table.sources(), table.out.indices)
    kept = np.flatnonzero(keep)
    _, first = np.unique(key[kept], return_index=True)
    if len(first) == len(key):
        return None
    chosen = np.zeros(len(key), np.bool_)
    chosen[kept[first]] = True
    return Pairs(_only(table.out, chosen), _only(table.into, chosen[table.in_edge]))


def _only(csr: Csr, keep: NDArray[np.bool_]) -> Csr:
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep, dtype=np.int64)])
    return Csr(before[csr.indptr], csr.indices[keep])


def _facts(snapshot: Snapshot) -> Pairs:
    shows, relates = snapshot.links[Link.IS], snapshot.links[Link.RELATES]
    pin, entity = shows.sources(), shows.out.indices
    pins, facts = [pin], [entity]
    for side in (relates.out, relates.into):
        place, other = _heads(side, entity)
        pins.append(pin[place])
        facts.append(other)
    key = np.unique(pair_key(np.concatenate(facts), np.concatenate(pins)))
    fact, pin = (key >> 32).astype(np.int32), (key & 0xFFFFFFFF).astype(np.int32)
    count = np.bincount(fact, minlength=len(snapshot.nodes[NodeKind.ENTITY]))
    shared = count[fact] > 1
    fact, pin = fact[shared], pin[shared]
    back = np.lexsort((fact, pin))
    entities, all_pins = len(snapshot.nodes[NodeKind.ENTITY]), len(snapshot.nodes[NodeKind.PIN])
    return Pairs(Csr(_indptr(fact, entities), pin), Csr(_indptr(pin, all_pins), fact[back]))


def _heads(csr: Csr, rows: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The first neighbours of each row, as (index of the row, neighbour)."""
    start = csr.indptr[rows]
    count = np.minimum(csr.indptr[rows.astype(np.int64) + 1] - start, RELATIONS_MAX)
    place = np.repeat(np.arange(len(rows)), count)
    at = start[place] + np.arange(len(place)) - (np.cumsum(count) - count)[place]
    return place, csr.indices[at]


def _indptr(rows: NDArray[np.int32], nodes: int) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(rows, minlength=nodes), dtype=np.int64)])
