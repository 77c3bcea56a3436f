"""How two nodes hang together: the shortest paths between them."""

from __future__ import annotations

import strawberry

from gql.context import RequestContext
from gql.objects.graph_edge import GraphEdge, edge_of
from gql.objects.kinds import EdgeKind, links_of
from gql.objects.refs import AnyRef
from graph.adjacency import NodeRef
from graph.paths import shortest_paths


@strawberry.type(description="A shortest path between two nodes. Edges are walked both ways.")
class Path:
    """`graph.paths.Path`."""

    hops: int = strawberry.field(description="Edges from one end to the other; 0 from a node to itself.")
    nodes: list[AnyRef] = strawberry.field(description="The nodes in order, both ends included: one more than hops.")
    edges: list[GraphEdge] = strawberry.field(
        description="The edge between each two of them, in its stored direction; of several the first, in EdgeKind's order."
    )


async def paths_between(
    context: RequestContext,
    start: NodeRef,
    end: NodeRef,
    *,
    max_hops: int,
    first: int,
    edge_kinds: list[EdgeKind] | None,
) -> list[Path]:
    """Shortest paths as the viewer may see them."""
    found = await context.in_thread(
        shortest_paths,
        context.snapshot,
        start,
        end,
        max_hops=max_hops,
        first=first,
        links=links_of(edge_kinds),
        visible=context.visible,
    )
    return [
        Path(
            hops=len(path),
            nodes=list(path.nodes),
            edges=[edge_of(context.snapshot, edge) for edge in path.edges],
        )
        for path in found
    ]
