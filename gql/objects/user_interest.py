"""What a user cares for, as recommend infers it, with the saves that show it."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry.relay import PageInfo

from gql.context import Info
from gql.cursors import encode_cursor
from gql.objects.arguments import edges_wanted
from gql.objects.connection import page_info
from gql.objects.ranked import RANKED_CURSOR, ranked_start
from gql.objects.refs import InterestRef, PinRef, interest_at, pin_at
from gql.rankers import interests_of
from gql.settings import RANKED_MAX


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

    @classmethod
    async def of(cls, info: Info, row: int, first: int | None, after: str | None) -> Self:
        """The page that the arguments ask for. Raises ApiError, and NotFoundError for a viewer who may not see it."""
        context = info.context
        wanted, release, snapshot = edges_wanted(first), context.served.name, context.snapshot
        start = ranked_start(cls.__name__, release, after)
        most = min(start + wanted + 1, RANKED_MAX)
        found = await context.in_thread(interests_of, context.serving, row, first=most, viewer=context.viewer)
        edges = [
            UserInterestEdge(
                cursor=encode_cursor(cls.__name__, (release, place)),
                node=interest_at(snapshot, interest.row),
                score=interest.score,
                evidence=[pin_at(snapshot, pin) for pin in interest.evidence],
            )
            for place, interest in enumerate(found[start : start + wanted], start=start + 1)
        ]
        info_ = page_info([edge.cursor for edge in edges], more=len(found) > start + wanted, after=after)
        return cls(edges=edges, page_info=info_)
