"""Search over titles, names and ids."""

from __future__ import annotations

import strawberry
from strawberry.relay import PageInfo

from gql.context import RequestContext
from gql.cursors import encode_cursor
from gql.errors import bad_input
from gql.objects.arguments import edges_wanted, within
from gql.objects.connection import page_info
from gql.objects.kinds import Kind
from gql.objects.ranked import RANKED_CURSOR, ranked_start
from gql.objects.refs import AnyRef
from gql.rankers import search
from graph.model import NodeKind

TEXT_CHARACTERS_MAX = 200


@strawberry.type(description="A node that the text found.")
class SearchEdge:
    """`recommend.ranked.Hit`."""

    cursor: str = strawberry.field(description=RANKED_CURSOR)
    node: AnyRef = strawberry.field(description="The User, Pin, Board, Interest or Entity.")
    score: float = strawberry.field(
        description="How well it fits, largest first. Comparable within one answer only; no unit."
    )


@strawberry.type(description="What a text found, best first.")
class SearchConnection:
    """Query.search."""

    edges: list[SearchEdge] = strawberry.field(description="The hits of this page, best first.")
    page_info: PageInfo = strawberry.field(description="Where this page starts and ends, and whether there is more.")
    total_count: int = strawberry.field(description="How many hits there are that the viewer may see, up to a limit.")

    @classmethod
    async def of(
        cls, context: RequestContext, text: str, kinds: list[Kind] | None, first: int | None, after: str | None
    ) -> SearchConnection:
        """The page that the arguments ask for. Raises ApiError."""
        wanted, release = edges_wanted(first), context.served.name
        start = ranked_start(cls.__name__, release, after)
        within("text", len(text), TEXT_CHARACTERS_MAX)
        if kinds == []:
            raise bad_input("`kinds` is empty; name a kind, or leave it out for all")
        hits = await context.in_thread(
            search,
            context.serving,
            text,
            kinds=None if kinds is None else frozenset(NodeKind(kind.value) for kind in kinds),
            first=wanted,
            after=start,
            viewer=context.viewer,
        )
        edges = [
            SearchEdge(
                cursor=encode_cursor(cls.__name__, (release, place)),
                node=(hit.kind, hit.row),
                score=hit.score,
            )
            for place, hit in enumerate(hits.items, start=start + 1)
        ]
        info_ = page_info([edge.cursor for edge in edges], more=hits.more, after=after)
        return cls(edges=edges, page_info=info_, total_count=hits.total)
