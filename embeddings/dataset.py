"""What training learns from: the edges of a snapshot, or of a public split, as plain columns of rows.

Only what holds now and is a sign of liking, belonging or meaning. Hides and mutes stay out: an edge that propagates can't say
"not this". Secret boards stay out too: nobody else's answer may depend on what they hold. Splits are in `embeddings.splits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from graph.errors import InvalidInputError
from graph.model import NodeKind
from graph.ports import NULL_TIME
from graph.schema import LINKS, Link
from graph.snapshot import Snapshot

Rows = NDArray[np.int32]
Mask = NDArray[np.bool_]
Matrix = Any
"""A scipy.sparse.csr_matrix: scipy declares no types that a checker could use."""

TRAINED_LINKS: Final = (
    Link.SAVED,
    Link.HOLDS,
    Link.VIEWED,
    Link.CLICKED,
    Link.FOLLOWS_USER,
    Link.FOLLOWS_BOARD,
    Link.FOLLOWS_INTEREST,
    Link.OWNS,
    Link.ABOUT,
    Link.CHILD_OF,
    Link.IS,
    Link.RELATES,
)
AGES: Final = 8
"""Classes of age of a save; the oldest counts 1/128, enough to place a pin that nobody has saved lately."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Edges of one link as columns of one length. `at` is in milliseconds, NULL_TIME where there is none.

    `owner` is the user behind a HOLDS edge (-1: unknown), by whom a held-out save is found on a board; else it is the source.
    """

    source: Rows
    target: Rows
    at: NDArray[np.int64]
    owner: Rows

    @classmethod
    def of(cls, source: Rows, target: Rows, at: NDArray[np.int64] | None = None, owner: Rows | None = None) -> Edges:
        """Edges from their ends; without times and owners where none are given."""
        times = np.full(len(source), NULL_TIME, np.int64) if at is None else at
        return cls(source, target, times, source if owner is None else owner)

    def __len__(self) -> int:
        return len(self.source)

    def take(self, mask: Mask) -> Edges:
        """Only the edges where the mask is true."""
        return Edges(self.source[mask], self.target[mask], self.at[mask], self.owner[mask])

    def distinct(self) -> tuple[Rows, Rows]:
        """Each (source, target) once, ascending: two boards, or two predicates, are one edge here."""
        keys = np.unique((self.source.astype(np.int64) << 32) | self.target)
        return (keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Nodes by count, edges by link. Rows are those of the snapshot that it was read from."""

    nodes: Mapping[NodeKind, int]
    links: Mapping[Link, Edges]

    @property
    def users(self) -> int:
        return self.nodes[NodeKind.USER]

    @property
    def pins(self) -> int:
        return self.nodes[NodeKind.PIN]

    @property
    def saves(self) -> Edges:
        """User → Pin, one edge a board."""
        return self.links[Link.SAVED]

    def matrix(self) -> Matrix:
        """(users, pins) float32: 1 where the user saved the pin, on whatever board."""
        return pair_matrix(*self.saves.distinct(), (self.users, self.pins))

    def count(self, link: Link) -> int:
        """Edges of a link."""
        edges = self.links.get(link)
        return 0 if edges is None else len(edges)

    def keeping(self, links: Mapping[Link, Edges]) -> Dataset:
        """The same nodes with other edges; links without an edge are left out, saves excepted."""
        return replace(self, links={k: v for k, v in links.items() if len(v) or k is Link.SAVED})

    def in_memory(self) -> Dataset:
        """A copy that needs no file any more."""
        return replace(self, links={k: v.take(np.ones(len(v), np.bool_)) for k, v in self.links.items()})

    def touched(self, kind: NodeKind) -> Mask:
        """(nodes,) bool: nodes with at least one edge, the only ones that a vector can be learnt for."""
        seen = np.zeros(self.nodes[kind], np.bool_)
        for link, edges in self.links.items():
            if LINKS[link].source is kind:
                seen[edges.source] = True
            if LINKS[link].target is kind:
                seen[edges.target] = True
        return seen


def pair_matrix(user: Rows, pin: Rows, shape: tuple[int, int]) -> Matrix:
    """A binary float32 CSR matrix of distinct pairs."""
    return sparse.csr_matrix((np.ones(len(user), np.float32), (user, pin)), shape=shape)


def of_snapshot(snapshot: Snapshot) -> Dataset:
    """What a snapshot says, secret boards left out. Raises InvalidInputError when nobody saved anything."""
    nodes = {kind: len(table) for kind, table in snapshot.nodes.items()}
    public = _public_boards(snapshot)
    links: dict[Link, Edges] = {}
    for link in TRAINED_LINKS:
        table = snapshot.links[link]
        edges = Edges.of(
            table.sources(),
            np.asarray(table.out.indices),
            np.asarray(table.columns["at"]) if "at" in table.columns else None,
            np.asarray(table.columns["by"]) if link is Link.HOLDS else None,
        )
        if table.source is NodeKind.BOARD:
            edges = edges.take(public[edges.source])
        if table.target is NodeKind.BOARD:
            edges = edges.take(public[edges.target])
        if len(edges):
            links[link] = edges
    if Link.SAVED not in links:
        raise InvalidInputError(
            f"snapshot {snapshot.version} has no saves, so there is nothing to train on; load some interactions first"
        )
    return Dataset(nodes, links)


def _public_boards(snapshot: Snapshot) -> Mask:
    secret = snapshot.nodes[NodeKind.BOARD].table.column("secret")
    return ~np.asarray(secret.to_numpy(), np.bool_)


def of_pairs(user: Rows, pin: Rows, users: int, pins: int) -> Dataset:
    """Bare saves without times, as public splits have them."""
    nodes = dict.fromkeys(NodeKind, 0) | {NodeKind.USER: users, NodeKind.PIN: pins}
    return Dataset(nodes, {Link.SAVED: Edges.of(user, pin)})


def save_weights(saves: Edges, half_life: float) -> NDArray[np.float64]:
    """How much each distinct (source, target) of the saves counts by age, ascending as `Edges.distinct`: ½^⌊age / half_life⌋.

    Age is the share of all saves that came later, from 0 for the newest to 1, so that half-lives mean the same whatever the
    clock: bursts, years, or no times at all (then every save is new). A pair's age is that of its latest save. There are at
    most AGES classes, the last for all that is older.
    """
    age = 1 - stats.rankdata(saves.at, "max") / len(saves)
    keys, place = np.unique((saves.source.astype(np.int64) << 32) | saves.target, return_inverse=True)
    youngest = np.ones(len(keys))
    np.minimum.at(youngest, place, age)
    return 0.5 ** np.minimum(np.floor(youngest / half_life), AGES - 1)


def aged_matrix(data: Dataset, half_life: float) -> Matrix:
    """(users, pins) float32, as `Dataset.matrix`, each save weighted by its age."""
    user, pin = data.saves.distinct()
    weights = save_weights(data.saves, half_life).astype(np.float32)
    return sparse.csr_matrix((weights, (user, pin)), shape=(data.users, data.pins))
