"""An edge between two nodes, as paths, neighbourhoods and reasons show it."""

from __future__ import annotations

import numpy as np
import strawberry

from gql.objects.kinds import EdgeKind
from gql.objects.refs import AnyRef
from graph.adjacency import Edge
from graph.schema import Link
from graph.snapshot import Snapshot
from recommend.ranked import Step


@strawberry.type(description="An edge of the graph, in its stored direction.")
class GraphEdge:
    """An edge and the nodes at its ends."""

    kind: EdgeKind = strawberry.field(description="What it says, from source to target.")
    source: AnyRef = strawberry.field(description="Where it starts.")
    target: AnyRef = strawberry.field(description="Where it ends.")
    predicate: str | None = strawberry.field(
        description="What the source is to the target, of a RELATES edge; null for other kinds."
    )


def edge_of(snapshot: Snapshot, edge: Edge) -> GraphEdge:
    """An edge that a traversal found."""
    predicate = _predicate(snapshot, edge.link, edge.place)
    return GraphEdge(kind=EdgeKind(edge.link), source=edge.source, target=edge.target, predicate=predicate)


def edge_of_step(snapshot: Snapshot, step: Step) -> GraphEdge:
    """A step of a reason: of parallel relations, the first."""
    predicate = None
    if step.link is Link.RELATES:
        out = snapshot.links[Link.RELATES].out
        (places,) = np.nonzero(out.neighbours(step.source[1]) == step.target[1])
        predicate = _predicate(snapshot, step.link, int(out.indptr[step.source[1]] + places[0]))
    return GraphEdge(kind=EdgeKind(step.link), source=step.source, target=step.target, predicate=predicate)


def _predicate(snapshot: Snapshot, link: Link, place: int) -> str | None:
    if link is not Link.RELATES:
        return None
    return snapshot.predicates[int(snapshot.links[link].columns["predicate"][place])]
