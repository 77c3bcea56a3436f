"""Interests: their place in the taxonomy, the pins about them, and who follows them."""

from __future__ import annotations

import strawberry

from gql.batch import batched
from gql.context import RequestContext
from gql.objects.connection import pages
from gql.objects.follows import FollowerConnection
from gql.objects.node import Node, Nodes, column
from gql.objects.ranked import RelatedInterestConnection, RelatedPinConnection, related
from gql.objects.refs import InterestRef
from gql.objects.topics import InterestConnection, InterestPinConnection
from graph.adjacency import NodeRef
from graph.model import NodeKind
from graph.schema import Link


def _parents(context: RequestContext, interests: Nodes) -> list[NodeRef | None]:
    above = context.snapshot.links[Link.CHILD_OF].out
    parents = [above.neighbours(row).tolist() for _, row in interests]
    return [(NodeKind.INTEREST, rows[0]) if rows else None for rows in parents]


@strawberry.type(description="A node of the taxonomy of interests.")
class Interest(Node):
    """`graph.model.Interest`."""

    kind = NodeKind.INTEREST

    name: str = batched(column("name"), description="Its name.")
    level: int = batched(column("level"), description="How many interests lie above it, 0 at the top.")
    parent: InterestRef | None = batched(_parents, description="The interest directly above; null at the top.")
    children: InterestConnection = batched(pages(InterestConnection), description="Interests directly below, by key.")
    pins: InterestPinConnection = batched(
        pages(InterestPinConnection), description="Pins about the interest itself, not about those below it; by key."
    )
    followers: FollowerConnection = batched(
        pages(FollowerConnection), description="Users who follow the interest, newest first."
    )
    related_pins: RelatedPinConnection = batched(
        related(RelatedPinConnection),
        description="Pins for who cares for the interest, best first, each with reasons.",
    )
    related_interests: RelatedInterestConnection = batched(
        related(RelatedInterestConnection),
        description="Interests that go with this one, best first, each with reasons.",
    )
