"""What lies around a node: who is near, over which edges, and what was left out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry

from gql.batch import batched
from gql.context import RequestContext
from gql.objects.arguments import within
from gql.objects.graph_edge import GraphEdge, edge_of
from gql.objects.kinds import EdgeKind, links_of
from gql.objects.node import Nodes
from gql.objects.refs import AnyRef
from graph.adjacency import NodeRef
from graph.neighbourhood import Cut, neighbourhood
from graph.neighbourhood import Neighbourhood as FoundNeighbourhood
from graph.schema import Link
from graph.snapshot import Snapshot

HOPS_MAX = 3
NODES_MAX = 200
EDGES_MAX = 2000


@dataclass(frozen=True, slots=True)
class Measures:
    """What a node is to the others of its neighbourhood."""

    degree: int
    betweenness: float
    community: int


class Insight:
    """The measures of one neighbourhood: made in a thread when the first node is asked for them, and once for all nodes."""

    def __init__(self, context: RequestContext, found: FoundNeighbourhood) -> None:
        self._context = context
        self._found = found
        self._measures: asyncio.Future[dict[NodeRef, Measures]] | None = None

    async def of(self, ref: NodeRef) -> Measures:
        """The measures of a node of the neighbourhood."""
        if self._measures is None:
            self._measures = asyncio.ensure_future(
                self._context.in_thread(_measure, self._context.snapshot, self._found)
            )
        return (await self._measures)[ref]


def _measure(snapshot: Snapshot, found: FoundNeighbourhood) -> dict[NodeRef, Measures]:
    # Most queries want no measures: the server starts, and answers them, without networkx.
    from graph.ego import centrality, communities, ego_graph

    graph = ego_graph(snapshot, found)
    community = {name: number for number, members in enumerate(communities(graph)) for name in members}
    central = centrality(graph)
    return {
        (near.kind, near.row): Measures(central[name].degree, central[name].betweenness, community[name])
        for near, name in zip(found.nodes, graph, strict=True)
    }


Nears = Sequence["NeighbourhoodNode"]


def _measure_of(name: str) -> Callable[[RequestContext, Nears], Awaitable[list[Any]]]:
    async def read(_: RequestContext, nears: Nears) -> list[Any]:
        return [getattr(await near.insight.of(near.node), name) for near in nears]

    return read


@strawberry.type(description="A node of a neighbourhood, and what it is to the others there.")
class NeighbourhoodNode:
    """`graph.neighbourhood.Near`."""

    insight: strawberry.Private[Insight]
    node: AnyRef = strawberry.field(description="The node.")
    distance: int = strawberry.field(description="Edges from the node in the middle, which has 0.")
    degree: int = batched(
        _measure_of("degree"), description="Edges at the node, parallel ones each, within the neighbourhood."
    )
    betweenness: float = batched(
        _measure_of("betweenness"),
        description="The part of shortest paths between two others that leads through the node, 0 to 1, within the "
        "neighbourhood and whatever the direction of edges (Brandes 2001).",
    )
    community: int = batched(
        _measure_of("community"),
        description="Number of the node's community, 0 for the largest: nodes with more edges among themselves than chance "
        "would give (Louvain modularity, Blondel et al. 2008), within the neighbourhood.",
    )


@strawberry.type(description="Edges that a neighbourhood left out, at one node and of one kind.")
class NeighbourhoodCut:
    """`graph.neighbourhood.Cut`."""

    node: AnyRef = strawberry.field(description="Where they start or end; it is in the neighbourhood.")
    kind: EdgeKind = strawberry.field(description="Their kind.")
    outgoing: bool = strawberry.field(description="Whether they start at the node; else they end there.")
    left_out: int = strawberry.field(description="How many of them lead to nodes that were not returned.")
    total: int = strawberry.field(description="How many of them the viewer sees there.")
    at_least: bool = strawberry.field(description="Whether both are lower bounds, since not all edges were read.")

    @classmethod
    def of(cls, cut: Cut) -> NeighbourhoodCut:
        """What was cut, its row made into a node."""
        return cls(
            node=cut.node,
            kind=EdgeKind(cut.link),
            outgoing=cut.outgoing,
            left_out=cut.left_out,
            total=cut.of,
            at_least=cut.unread,
        )


@strawberry.type(
    description="A bounded part of the graph around a node. Nothing that the viewer may not see is in it or counted."
)
class Neighbourhood:
    """`graph.neighbourhood.Neighbourhood`."""

    nodes: list[NeighbourhoodNode] = strawberry.field(
        description="Nearest first, then by kind, then by key; the node in the middle is the first."
    )
    edges: list[GraphEdge] = strawberry.field(
        description=f"The edges among these nodes, by kind; at most {EDGES_MAX:,}, the rest is counted in `edgesLeftOut`."
    )
    edges_left_out: int = strawberry.field(description="How many edges among these nodes were left out of `edges`.")
    cut: list[NeighbourhoodCut] = strawberry.field(
        description="What was left out around these nodes; empty where it all fits."
    )


async def neighbourhoods(
    context: RequestContext, nodes: Nodes, hops: int, first: int, edge_kinds: list[EdgeKind] | None
) -> list[Neighbourhood]:
    """The neighbourhoods of some nodes as the viewer may see them. Raises ApiError."""
    within("hops", hops, HOPS_MAX)
    within("first", first, NODES_MAX)
    return await asyncio.gather(*(_neighbourhood(context, node, hops, first, links_of(edge_kinds)) for node in nodes))


async def _neighbourhood(
    context: RequestContext, node: NodeRef, hops: int, first: int, links: frozenset[Link] | None
) -> Neighbourhood:
    snapshot = context.snapshot
    found = await context.in_thread(
        neighbourhood, snapshot, *node, hops=hops, first=first, links=links, visible=context.visible
    )
    insight = Insight(context, found)
    return Neighbourhood(
        nodes=[
            NeighbourhoodNode(insight=insight, node=(near.kind, near.row), distance=near.distance)
            for near in found.nodes
        ],
        edges=[edge_of(snapshot, edge) for edge in found.edges[:EDGES_MAX]],
        edges_left_out=max(0, len(found.edges) - EDGES_MAX),
        cut=[NeighbourhoodCut.of(cut) for cut in found.cut],
    )
