"""A data set as a DGL heterograph: links both ways, each with the scaling that makes its message passing a normalised sum.

Sums are DGL's `copy_u_sum` with scaling before and after: a weight an edge would cost five to eight times as much. Saves that
age are therefore cut into a few classes of age, each a graph of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dgl
import numpy as np
import torch
from dgl import ops
from numpy.typing import NDArray
from torch import Tensor

from embeddings.dataset import Dataset, save_weights
from graph.model import NodeKind
from graph.schema import LINKS, Link

CORE = frozenset({Link.SAVED})
"""What users and pins learn from first; other relations start behind it, by the recipe's gate margin."""
FORTH_ONLY = frozenset({Link.IS})
"""Knowledge is placed by the pins that it is about, and tells them nothing back: that gained nothing on the sample (four cuts
in time), at three times the CPU."""
BACK_ONLY = frozenset({Link.VIEWED, Link.CLICKED})
"""Users are placed by what they looked at as well, but pins are not by who looked: that lost 1 % on the sample."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One link in one direction: h ↦ after · A · (before · h), where A is the (targets, sources) adjacency matrix.

    A is a sum of unweighted graphs, each times a factor: one, or a graph for each age of a save.
    """

    name: str
    link: Link
    source: NodeKind
    target: NodeKind
    graphs: tuple[tuple[float, dgl.DGLGraph], ...]
    before: Tensor
    """(sources, 1): degree^-a."""
    after: Tensor
    """(targets, 1): degree^-b."""

    def propagate(self, h: Tensor, gate: Tensor | float = 1.0) -> Tensor:
        """(sources, dim) to (targets, dim), times a gate."""
        sent = h * self.before
        gather = ops.copy_u_sum  # pyright: ignore[reportAttributeAccessIssue] made at run time by DGL
        first, *rest = (gather(graph, sent * factor if factor != 1 else sent) for factor, graph in self.graphs)
        return sum(rest, start=first) * (self.after * gate)


@dataclass(frozen=True, slots=True)
class RelationalGraph:
    """The heterograph and its relations, in the order of `dataset.TRAINED_LINKS`, most links forth and back."""

    graph: dgl.DGLGraph
    nodes: Mapping[NodeKind, int]
    relations: tuple[Relation, ...]

    def into(self, kind: NodeKind) -> list[Relation]:
        """Relations that end at a kind."""
        return [relation for relation in self.relations if relation.target is kind]


def heterograph(
    data: Dataset, *, half_life: float | None = None, source_exponent: float = 0.5, target_exponent: float = 0.5
) -> RelationalGraph:
    """Builds the graph. With `half_life`, what users send to pins counts less the older the save is (`save_weights`).

    Exponents of one half each give LightGCN's propagation (He et al., SIGIR 2020, eq. 3).
    """
    nodes = {kind: count for kind, count in data.nodes.items() if count}
    edges: dict[tuple[str, str, str], tuple[Tensor, Tensor]] = {}
    plans: list[tuple[tuple[str, str, str], Link, NDArray[np.float64]]] = []
    for link, found in data.links.items():
        source, target = found.distinct()
        kinds = LINKS[link]
        ends = (torch.from_numpy(source.astype(np.int64)), torch.from_numpy(target.astype(np.int64)))
        forth = (kinds.source.value, link.value, kinds.target.value)
        back = (kinds.target.value, f"{link.value}_BACK", kinds.source.value)
        if link not in BACK_ONLY:
            edges[forth] = ends
            ages = save_weights(found, half_life) if link is Link.SAVED and half_life else np.ones(len(source))
            plans.append((forth, link, ages))
        if link not in FORTH_ONLY:
            edges[back] = (ends[1], ends[0])
            plans.append((back, link, np.ones(len(source))))
    counts = {kind.value: count for kind, count in nodes.items()}
    graph = dgl.heterograph(edges, num_nodes_dict=counts)  # pyright: ignore[reportCallIssue] a module has its name
    relations = tuple(_relation(graph, *plan, source_exponent, target_exponent) for plan in plans)
    return RelationalGraph(graph, nodes, relations)


def _relation(
    graph: dgl.DGLGraph,
    triple: tuple[str, str, str],
    link: Link,
    weight: NDArray[np.float64],
    source_exponent: float,
    target_exponent: float,
) -> Relation:
    whole = graph[triple]
    source, target = (end.numpy() for end in whole.edges(order="eid"))
    sent = np.bincount(source, weight, graph.num_nodes(triple[0]))
    received = np.bincount(target, weight, graph.num_nodes(triple[2]))
    factors = np.unique(weight)
    parts = [dgl.edge_subgraph(whole, torch.from_numpy(weight == f), relabel_nodes=False) for f in factors]
    return Relation(
        name=triple[1],
        link=link,
        source=NodeKind(triple[0]),
        target=NodeKind(triple[2]),
        graphs=tuple(zip(factors.tolist(), parts if len(parts) > 1 else [whole], strict=True)),
        before=_column(sent, source_exponent),
        after=_column(received, target_exponent),
    )


def _column(degree: NDArray[Any], exponent: float) -> Tensor:
    """degree^-exponent as (n, 1) float32; 0 where there is no edge."""
    scale = np.power(degree, -exponent, out=np.zeros_like(degree), where=degree > 0)
    return torch.from_numpy(scale.astype(np.float32))[:, None]
