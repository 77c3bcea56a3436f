"""Candidates: what each source proposes for a question, scored in its own units.

For pins the sources are vectors, the 2-hop filter over saves, walks, and shared knowledge. Boards, interests and users are
reached through pins: by those of their own that are seeds, or that were saved together with seeds. Nothing here ranks across
sources or leaves anything out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from graph.model import NodeKind
from graph.schema import Link
from recommend.public import Pairs
from recommend.ranked import Source
from recommend.seeds import Seeds
from recommend.serving import Serving
from recommend.spread import FIRST, LAST_ALIKE, SMALL, Weighted, damped, push, two_hops
from recommend.vectors import by_vectors, query_vector
from recommend.walk import Visits, WalkPlan, walk

CANDIDATES_MAX: Final = 1_000
"""What one source proposes at most."""
NEAR_MAX: Final = 200
"""Pins near the seeds through which other kinds are reached."""
NEAR_WEIGHT: Final = 0.5
"""What all near pins together count for, one seed counting 1."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Candidates by source, and what they were reached through."""

    found: dict[Source, Weighted]
    near: Weighted
    """Pins saved together with the seeds, by the filter; for boards: held together with them."""


def retrieve(serving: Serving, seeds: Seeds, to: NodeKind, *, own_vector: bool, plan: WalkPlan) -> Retrieved:
    """What every source proposes, of kind `to`. `own_vector`: whether the node's own vector may speak for it."""
    public = serving.public
    alike = seeds.kind is not NodeKind.USER and to is NodeKind.PIN
    near = two_hops(public.holds if to is NodeKind.BOARD else public.saves, seeds.pins, alike=alike)
    visits = Visits.none()
    if to in (NodeKind.PIN, NodeKind.BOARD) and len(seeds.pins.rows):
        visits = walk(public, seeds.pins, plan, _number(serving, seeds))
    query = query_vector(serving, seeds, own_vector=own_vector)
    found: dict[Source, Weighted] = {}
    if query is not None and to in serving.vectors:
        found[Source.GNN] = by_vectors(serving, seeds, to, query, CANDIDATES_MAX)
    if to is NodeKind.PIN:
        found[Source.FILTER] = near
        found[Source.WALK] = visits.pins
        found[Source.KNOWLEDGE] = _knowledge(serving, seeds, alike=alike)
    else:
        found[Source.FILTER] = _through_pins(serving, seeds, near, to)
        if to is NodeKind.BOARD:
            found[Source.WALK] = visits.boards
        if to is NodeKind.INTEREST and seeds.kind is NodeKind.INTEREST:
            found[Source.KNOWLEDGE] = _taxonomy(serving, seeds)
    found = {source: weighted.heaviest(CANDIDATES_MAX) for source, weighted in found.items() if len(weighted.rows)}
    return Retrieved(found, near)


def _number(serving: Serving, seeds: Seeds) -> int:
    """A seed for the walk out of ids, not rows: rows move when boards that nobody may know of come and go."""
    table = serving.snapshot.nodes[seeds.kind]
    text = "\0".join([seeds.kind, *(table.id_of(row) for row in seeds.asked)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _through_pins(serving: Serving, seeds: Seeds, near: Weighted, to: NodeKind) -> Weighted:
    """Boards, interests or users by the pins they have: seeds first, then pins that were saved together with them."""
    public, pins = serving.public, seeds.pins
    by_kind: dict[NodeKind, Pairs] = {
        NodeKind.BOARD: public.holds,
        NodeKind.INTEREST: public.topics,
        NodeKind.USER: public.saves,
    }
    pairs = by_kind.get(to)
    if pairs is None:
        return Weighted.none()
    close = near.without(pins.rows).heaviest(NEAR_MAX)
    if len(close.rows) and len(pins.rows):
        part = NEAR_WEIGHT * pins.weights.mean() / close.weights.sum()
        pins = _sum(pins, Weighted(close.rows, (close.weights * part).astype(np.float32)))
    reached = push(pairs.into, pins, FIRST, len(pairs.out.indptr) - 1)
    return damped(reached, pairs.out, LAST_ALIKE, SMALL)


def _knowledge(serving: Serving, seeds: Seeds, *, alike: bool) -> Weighted:
    """Pins that share entities or interests with the seeds; of the thousands that share an interest the more popular first."""
    facts = two_hops(serving.public.facts, seeds.pins, alike=alike)
    topics = two_hops(serving.public.topics, seeds.pins, alike=alike)
    popular = 1 + np.log1p(serving.popularity[NodeKind.PIN][topics.rows])
    return _sum(facts, Weighted(topics.rows, (topics.weights * popular).astype(np.float32)))


def _taxonomy(serving: Serving, seeds: Seeds) -> Weighted:
    """Parents, children (1) and siblings (½) of interests."""
    tree = serving.snapshot.links[Link.CHILD_OF]
    weights: dict[int, float] = {}
    for row in seeds.asked:
        parents = tree.out.neighbours(row).tolist()
        for other in [*parents, *tree.into.neighbours(row).tolist()]:
            weights[other] = weights.get(other, 0) + 1
        for other in (sibling for parent in parents for sibling in tree.into.neighbours(parent).tolist()):
            weights[other] = weights.get(other, 0) + 0.5
    rows = sorted(weights)
    return Weighted(np.array(rows, np.int32), np.array([weights[row] for row in rows], np.float32))


def _sum(left: Weighted, right: Weighted) -> Weighted:
    rows = np.union1d(left.rows, right.rows).astype(np.int32)
    return Weighted(rows, left.at(rows) + right.at(rows))
