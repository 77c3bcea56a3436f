"""An edge between two nodes, as paths, neighbourhoods and reasons show it."""

from __future__ import annotations

import numpy as np
import strawberry

from gql.objects.kinds import EdgeKind
from gql.objects.node import Node, node_at
from graph.adjacency import Edge, NodeRef
from graph.schema import Link
from graph.snapshot import Snapshot
from recommend.ranked import Step


@strawberry.type(description="An edge of the graph, in its stored direction.")
class GraphEdge:
    """An edge and the nodes at its ends."""

    kind: EdgeKind = strawberry.field(description="What it says, from source to target.")
    source: Node = strawberry.field(description="Where it starts.")
    target: Node = strawberry.field(description="Where it ends.")
    predicate: str | None = strawberry.field(
        description="What the source is to the target, of a RELATES edge; null for other kinds."
    )


class NodeCache:
    """The nodes of one answer, each made once, however many edges meet in it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._nodes: dict[NodeRef, Node] = {}

    def node(self, ref: NodeRef) -> Node:
        """The node at a place in the snapshot."""
        found = self._nodes.get(ref)
        if found is None:
            found = self._nodes[ref] = node_at(self.snapshot, *ref)
        return found

    def edge(self, edge: Edge) -> GraphEdge:
        """An edge that a traversal found."""
        return self._edge(edge.link, edge.source, edge.target, _predicate(self.snapshot, edge.link, edge.place))

    def step(self, step: Step) -> GraphEdge:
        """A step of a reason: of parallel relations, the first."""
        predicate = None
        if step.link is Link.RELATES:
            out = self.snapshot.links[Link.RELATES].out
            (places,) = np.nonzero(out.neighbours(step.source[1]) == step.target[1])
            predicate = _predicate(self.snapshot, step.link, int(out.indptr[step.source[1]] + places[0]))
        return self._edge(step.link, step.source, step.target, predicate)

    def _edge(self, link: Link, source: NodeRef, target: NodeRef, predicate: str | None) -> GraphEdge:
        return GraphEdge(kind=EdgeKind(link), source=self.node(source), target=self.node(target), predicate=predicate)


def _predicate(snapshot: Snapshot, link: Link, place: int) -> str | None:
    if link is not Link.RELATES:
        return None
    return snapshot.predicates[int(snapshot.links[link].columns["predicate"][place])]
