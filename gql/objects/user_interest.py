"""What a user cares for, as recommend infers it, with the saves that show it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import strawberry
from strawberry.relay import PageInfo

from gql.context import RequestContext
from gql.cursors import encode_cursor
from gql.objects.arguments import After, First, edges_wanted
from gql.objects.connection import page_info
from gql.objects.node import Nodes
from gql.objects.ranked import RANKED_CURSOR, ranked_start
from gql.objects.refs import InterestRef, PinRef
from gql.rankers import interests_of
from gql.settings import RANKED_MAX
from graph.model import NodeKind
from recommend.ranked import UserInterest


@strawberry.type(description="An interest of a user, inferred.")
class UserInterestEdge:
    """`recommend.ranked.UserInterest`."""

    cursor: str = strawberry.field(description=RANKED_CURSOR)
    node: InterestRef = strawberry.field(description="The interest.")
    score: float = strawberry.field(description="Its part of all that the user cares for, 0 to 1.")
    evidence: list[PinRef] = strawberry.field(description="A few of the saved pins that show it, most telling first.")


@strawberry.type(description="What a user cares for, strongest first.")
class UserInterestConnection:
    """User.interests."""

    edges: list[UserInterestEdge] = strawberry.field(description="The interests of this page, strongest first.")
    page_info: PageInfo = strawberry.field(description="Where this page starts and ends, and whether there is more.")


async def interests(
    context: RequestContext, users: Nodes, first: First = 20, after: After = None
) -> list[UserInterestConnection]:
    """What some users care for: the pages that the arguments ask for.

    Raises ApiError, and NotFoundError for a viewer who may not see it.
    """
    wanted = edges_wanted(first)
    start = ranked_start(UserInterestConnection.__name__, context.served.name, after)
    most = min(start + wanted + 1, RANKED_MAX)
    answers = await asyncio.gather(
        *(context.in_thread(interests_of, context.serving, row, first=most, viewer=context.viewer) for _, row in users)
    )
    return [_page(context, found, start, wanted, after) for found in answers]


def _page(
    context: RequestContext, found: Sequence[UserInterest], start: int, wanted: int, after: str | None
) -> UserInterestConnection:
    name, release = UserInterestConnection.__name__, context.served.name
    edges = [
        UserInterestEdge(
            cursor=encode_cursor(name, (release, place)),
            node=(NodeKind.INTEREST, interest.row),
            score=interest.score,
            evidence=[(NodeKind.PIN, pin) for pin in interest.evidence],
        )
        for place, interest in enumerate(found[start : start + wanted], start=start + 1)
    ]
    info = page_info([edge.cursor for edge in edges], more=len(found) > start + wanted, after=after)
    return UserInterestConnection(edges=edges, page_info=info)
