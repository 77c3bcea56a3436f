"""What a step sees: a batch of edges that exist, and pins that were drawn at random."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from embeddings.dataset import Edges
from graph.model import NodeKind
from graph.schema import LINKS, Link


@dataclass(frozen=True, slots=True)
class Objective:
    """Edges whose ends are to be near each other: saves first, boards and what they hold beside."""

    source: NodeKind
    target: NodeKind
    ends: Tensor
    """(edges, 2) int64."""
    pool: Tensor
    """(m,) int64: targets with an edge, of which negatives are drawn."""
    weight: float

    @classmethod
    def of(cls, link: Link, edges: Edges, weight: float) -> Objective:
        source, target = (torch.from_numpy(end).long() for end in edges.distinct())
        kinds = LINKS[link]
        return cls(kinds.source, kinds.target, torch.stack([source, target], dim=1), torch.unique(target), weight)

    def batches(self, pairs: int, generator: torch.Generator) -> Iterator[Tensor]:
        """Every edge once, in random order, as (≤ pairs, 2)."""
        yield from self.ends[torch.randperm(len(self.ends), generator=generator)].split(pairs)

    def draw(self, pairs: int, generator: torch.Generator) -> Tensor:
        """Edges drawn with repetition, as (pairs, 2)."""
        return self.ends[torch.randint(len(self.ends), (pairs,), generator=generator)]

    def negatives(self, count: int, generator: torch.Generator) -> Tensor:
        """Uniform over the pool: weighting by popularity was worse in every measurement."""
        return self.pool[torch.randint(len(self.pool), (count,), generator=generator)]
