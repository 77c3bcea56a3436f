"""Users: what they saved, own and follow, what they care for, who is like them, and what to show them next."""

from __future__ import annotations

from typing import Any

import orjson
import strawberry
from strawberry.scalars import JSON

from gql.batch import batched
from gql.context import RequestContext
from gql.objects.connection import pages
from gql.objects.follows import FollowConnection, follows
from gql.objects.node import Node, Nodes, column
from gql.objects.ranked import FeedConnection, RelatedUserConnection, feeds, related
from gql.objects.saves import BoardConnection, SaveConnection
from gql.objects.user_interest import UserInterestConnection, interests
from graph.model import NodeKind, TimeMs


def _attributes(context: RequestContext, users: Nodes) -> list[JSON]:
    found: list[dict[str, Any]] = [orjson.loads(text) for text in column("attributes")(context, users)]
    return [
        JSON(
            all_ if context.visible.is_self(row) else {k: v for k, v in all_.items() if k in context.public_attributes}
        )
        for (_, row), all_ in zip(users, found, strict=True)
    ]


@strawberry.type(description="A person who saves pins.")
class User(Node):
    """`graph.model.User`."""

    kind = NodeKind.USER

    created_at: TimeMs | None = batched(
        column("created_at"), description="When the account was made; null where nobody knows."
    )
    attributes: JSON = batched(
        _attributes,
        description="What was loaded about the user, as one JSON object. Private to the user and admin, but for what the "
        "settings open to all; what the viewer may not see is left out.",
    )
    saves: SaveConnection = batched(
        pages(SaveConnection),
        description="What the user has saved and not taken back, one edge a (pin, board), newest first. Saves to no board and "
        "to secret boards are private to the user.",
    )
    boards: BoardConnection = batched(
        pages(BoardConnection),
        description="The user's boards, by key. Secret ones are seen by the user and admin alone.",
    )
    follows: FollowConnection = batched(
        follows,
        description="Users, boards and interests that the user follows, newest first. Followed users are private to the user.",
    )
    interests: UserInterestConnection = batched(
        interests,
        description="What the user cares for, inferred from saves, strongest first, each with the saves that show it. Private "
        "to the user; NOT_FOUND for others.",
    )
    related_users: RelatedUserConnection = batched(
        related(RelatedUserConnection), description="Users who save alike, best first, each with reasons."
    )
    feed: FeedConnection = batched(
        feeds,
        description="Pins for the user, best first, each with reasons: none that the user has saved or hidden. Private to the "
        "user; NOT_FOUND for others.",
    )
