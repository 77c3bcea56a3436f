"""The encoder: LightGCN over several kinds of nodes and edges. No transformation, no activation: gathering is all there is."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

from embeddings.heterograph import CORE, RelationalGraph
from graph.model import NodeKind

LEARNT = (NodeKind.USER, NodeKind.PIN)
"""Kinds with parameters of their own. Boards, interests and entities are what their neighbours make them."""


class Encoder(nn.Module):
    """h⁰ are parameters; hˡ⁺¹ of a kind is Σ over relations r into it of g_r · after_r · A_r · before_r · hˡ.

    What comes out is the mean of h¹ … hᴸ.

    LightGCN (He et al., SIGIR 2020, eq. 3–4) with a gate a relation and layer: softmax weights, learnt. Layer 0 is left out of
    the mean: within the few epochs that fit, parameters alone are still noise, and what neighbours agree on is not.
    """

    def __init__(self, graph: RelationalGraph, dim: int, layers: int, gate_margin: float) -> None:
        super().__init__()
        self.graph, self.dim, self.layers = graph, dim, layers
        self.base = nn.ParameterDict(
            {kind.value: nn.Parameter(torch.randn(graph.nodes[kind], dim) * 0.1) for kind in LEARNT}
        )
        start = {kind: [_gate(r.link in CORE, kind, gate_margin) for r in graph.into(kind)] for kind in graph.nodes}
        self.gates = nn.ParameterDict(
            {kind.value: nn.Parameter(torch.tensor([row] * layers)) for kind, row in start.items() if len(row) > 1}
        )

    def forward(self, wanted: Collection[NodeKind] | None = None) -> dict[NodeKind, Tensor]:
        """Vectors of the wanted kinds (all, by default), (nodes, dim); zero for nodes without edges.

        Only what the wanted kinds depend on is computed: a step that learns from users and pins never touches what lies farther
        away than its layers reach.
        """
        needed = [frozenset(self.graph.nodes if wanted is None else wanted)]
        for _ in range(self.layers - 1):
            needed.insert(0, needed[0] | {r.source for r in self.graph.relations if r.target in needed[0]})
        h: dict[NodeKind, Tensor] = {NodeKind(kind): x for kind, x in self.base.items()}
        total: dict[NodeKind, Tensor] = {}
        for layer, kinds in enumerate(needed):
            gathered = {kind: self._gather(kind, layer, h) for kind in self.graph.nodes if kind in kinds}
            h = {kind: x for kind, x in gathered.items() if x is not None}
            for kind in h.keys() & needed[-1]:
                total[kind] = total[kind] + h[kind] if kind in total else h[kind]
        return {kind: total[kind] / self.layers if kind in total else self._nothing(kind) for kind in needed[-1]}

    def _gather(self, kind: NodeKind, layer: int, h: dict[NodeKind, Tensor]) -> Tensor | None:
        """What reaches a kind in a layer; None when nothing does yet."""
        relations = self.graph.into(kind)
        gates = self.gates[kind.value][layer].softmax(dim=0) if kind.value in self.gates else [1.0]
        total: Tensor | None = None
        for gate, relation in zip(gates, relations, strict=False):
            if relation.source in h:
                reached = relation.propagate(h[relation.source], gate)
                total = reached if total is None else total + reached
        return total

    def _nothing(self, kind: NodeKind) -> Tensor:
        return torch.zeros(self.graph.nodes[kind], self.dim)


def _gate(core: bool, kind: NodeKind, margin: float) -> float:
    return 0.0 if core or kind not in LEARNT else -margin
