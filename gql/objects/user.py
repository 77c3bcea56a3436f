"""Users: what they saved, own and follow, what they care for, who is like them, and what to show them next."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
import strawberry
from strawberry.scalars import JSON

from gql.context import Info
from gql.objects.arguments import After, First
from gql.objects.follows import FollowConnection
from gql.objects.node import Node, identity_of
from gql.objects.ranked import FeedConnection, RelatedUserConnection, related_to
from gql.objects.saves import BoardConnection, SaveConnection
from gql.objects.user_interest import UserInterestConnection
from gql.rankers import feed
from graph.model import NodeKind, TimeMs
from graph.snapshot import Snapshot


@strawberry.type(description="A person who saves pins.")
class User(Node):
    """`graph.model.User`."""

    kind = NodeKind.USER

    created_at: TimeMs | None = strawberry.field(description="When the account was made; null where nobody knows.")

    @classmethod
    def at(cls, snapshot: Snapshot, row: int) -> User:
        created_at = snapshot.nodes[cls.kind].value("created_at", row)
        return cls(**identity_of(snapshot, cls.kind, row), created_at=created_at)

    @strawberry.field(
        description="What was loaded about the user, as one JSON object. Private to the user and admin, but for what the "
        "settings open to all; what the viewer may not see is left out."
    )
    def attributes(self, info: Info) -> JSON:
        context = info.context
        found: dict[str, Any] = orjson.loads(context.snapshot.nodes[self.kind].value("attributes", self.row))
        if context.visible.is_self(self.row):
            return JSON(found)
        return JSON({name: value for name, value in found.items() if name in context.public_attributes})

    @strawberry.field(
        description="What the user has saved and not taken back, one edge a (pin, board), newest first. Saves to no board and "
        "to secret boards are private to the user."
    )
    def saves(self, info: Info, first: First = 20, after: After = None) -> SaveConnection:
        return SaveConnection.of(info, self.row, first, after)

    @strawberry.field(description="The user's boards, by key. Secret ones are seen by the user and admin alone.")
    def boards(self, info: Info, first: First = 20, after: After = None) -> BoardConnection:
        return BoardConnection.of(info, self.row, first, after)

    @strawberry.field(
        description="Users, boards and interests that the user follows, newest first. Followed users are private to the user."
    )
    def follows(self, info: Info, first: First = 20, after: After = None) -> FollowConnection:
        return FollowConnection.of(info, self.row, first, after)

    @strawberry.field(
        description="What the user cares for, inferred from saves, strongest first, each with the saves that show it. Private "
        "to the user; NOT_FOUND for others."
    )
    async def interests(self, info: Info, first: First = 20, after: After = None) -> UserInterestConnection:
        return await UserInterestConnection.of(info, self.row, first, after)

    @strawberry.field(description="Users who save alike, best first, each with reasons.")
    async def related_users(self, info: Info, first: First = 20, after: After = None) -> RelatedUserConnection:
        return await RelatedUserConnection.of(info, related_to(info, self, NodeKind.USER), first, after)

    @strawberry.field(
        description="Pins for the user, best first, each with reasons: none that the user has saved or hidden. Private to the "
        "user; NOT_FOUND for others."
    )
    async def feed(self, info: Info, first: First = 20, after: After = None) -> FeedConnection:
        context = info.context
        rank = partial(feed, context.serving, self.row, viewer=context.viewer)
        return await FeedConnection.of(info, rank, first, after)
