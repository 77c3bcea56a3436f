"""Interests: their place in the taxonomy, the pins about them, and who follows them."""

from __future__ import annotations

import strawberry

from gql.context import Info
from gql.objects.arguments import After, First
from gql.objects.follows import FollowerConnection
from gql.objects.node import Node, identity_of
from gql.objects.ranked import RelatedInterestConnection, RelatedPinConnection, related_to
from gql.objects.refs import InterestRef, interest_at
from gql.objects.topics import InterestConnection, InterestPinConnection
from graph.model import NodeKind
from graph.schema import Link
from graph.snapshot import Snapshot


@strawberry.type(description="A node of the taxonomy of interests.")
class Interest(Node):
    """`graph.model.Interest`."""

    kind = NodeKind.INTEREST

    name: str = strawberry.field(description="Its name.")
    level: int = strawberry.field(description="How many interests lie above it, 0 at the top.")

    @classmethod
    def at(cls, snapshot: Snapshot, row: int) -> Interest:
        value = snapshot.nodes[cls.kind].value
        name = value("name", row)
        return cls(**identity_of(snapshot, cls.kind, row, name), name=name, level=value("level", row))

    @strawberry.field(description="The interest directly above; null at the top.")
    def parent(self, info: Info) -> InterestRef | None:
        snapshot = info.context.snapshot
        parents = snapshot.links[Link.CHILD_OF].out.neighbours(self.row)
        return interest_at(snapshot, int(parents[0])) if len(parents) else None

    @strawberry.field(description="Interests directly below, by key.")
    def children(self, info: Info, first: First = 20, after: After = None) -> InterestConnection:
        return InterestConnection.of(info, self.row, first, after)

    @strawberry.field(description="Pins about the interest itself, not about those below it; by key.")
    def pins(self, info: Info, first: First = 20, after: After = None) -> InterestPinConnection:
        return InterestPinConnection.of(info, self.row, first, after)

    @strawberry.field(description="Users who follow the interest, newest first.")
    def followers(self, info: Info, first: First = 20, after: After = None) -> FollowerConnection:
        return FollowerConnection.of(info, self.row, first, after)

    @strawberry.field(description="Pins for who cares for the interest, best first, each with reasons.")
    async def related_pins(self, info: Info, first: First = 20, after: After = None) -> RelatedPinConnection:
        return await RelatedPinConnection.of(info, related_to(info, self, NodeKind.PIN), first, after)

    @strawberry.field(description="Interests that go with this one, best first, each with reasons.")
    async def related_interests(self, info: Info, first: First = 20, after: After = None) -> RelatedInterestConnection:
        return await RelatedInterestConnection.of(info, related_to(info, self, NodeKind.INTEREST), first, after)
