"""Rankings: related nodes and feeds, each item with its score and reasons, each answer with what it was made from.

A ranking is a pure function of the release, the viewer and what was asked for, so that a place in it is a cursor for as long
as that release is served. After a swap the cursor has expired: no answer mixes two releases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

import strawberry
from strawberry.relay import PageInfo

from gql import rankers
from gql.batch import batched
from gql.context import RequestContext
from gql.cursors import decode_cursor, encode_cursor, invalid_cursor
from gql.errors import ApiError, Code
from gql.objects.arguments import After, First, edges_wanted
from gql.objects.connection import page_info
from gql.objects.graph_edge import GraphEdge, edge_of_step
from gql.objects.kinds import AnswerSource, CandidateSource
from gql.objects.node import Nodes
from gql.objects.refs import AnyRef, BoardRef, InterestRef, PinRef, UserRef
from gql.objects.service import Versions
from gql.settings import RANKED_MAX
from graph.adjacency import NodeRef
from graph.model import NodeKind, TimeMs
from recommend.ranked import Answer, Ranked, Step

N = TypeVar("N")
E = TypeVar("E")
RANKED_CURSOR = (
    "Continues the ranking after this item. Good for connections of this type, while this release is served."
)


class Rank(Protocol):
    """A ranking that only wants to know how many items of it."""

    def __call__(self, *, first: int) -> Answer: ...


def _paths(_: RequestContext, reasons: Sequence[Reason]) -> list[list[NodeRef]]:
    return [_path_to(reason.item, reason.steps) for reason in reasons]


def _path_edges(context: RequestContext, reasons: Sequence[Reason]) -> list[list[GraphEdge]]:
    return [[edge_of_step(context.snapshot, step) for step in reason.steps] for reason in reasons]


@strawberry.type(description="Why an item is in a ranking.")
class Reason:
    """`recommend.ranked.Reason`. Its path is made of nodes and edges when it is asked for."""

    item: strawberry.Private[NodeRef]
    steps: strawberry.Private[tuple[Step, ...]]
    text: str = strawberry.field(description="One sentence for a person, in English.")
    source: CandidateSource = strawberry.field(description="What spoke for the item.")
    share: float = strawberry.field(
        description="Its part of the item's score, 0 to 1. The shares of an item's reasons sum to 1."
    )
    path: list[AnyRef] = batched(
        _paths,
        description="The nodes of a path in the graph that shows it, ending with the item; empty where no path does: "
        "popularity, or vectors alone.",
    )
    edges: list[GraphEdge] = batched(
        _path_edges,
        description="The edges of that path in order, each in its stored direction. They hold, and the viewer may see them.",
    )


def _path_to(item: NodeRef, steps: tuple[Step, ...]) -> list[NodeRef]:
    """The nodes along some steps, from the far end to the item."""
    path = [item] if steps else []
    for step in reversed(steps):
        path.append(step.source if step.target == path[-1] else step.target)
    return path[::-1]


async def _reasons(context: RequestContext, edges: Sequence[RankedEdge[Any]]) -> list[list[Reason]]:
    return await context.in_thread(lambda: [_reasons_of(edge.item) for edge in edges])


def _reasons_of(item: Ranked) -> list[Reason]:
    ref = (item.kind, item.row)
    return [
        Reason(item=ref, steps=why.steps, text=why.text, source=CandidateSource(why.source), share=why.share)
        for why in item.reasons
    ]


def _items(_: RequestContext, edges: Sequence[RankedEdge[Any]]) -> list[NodeRef]:
    return [(edge.item.kind, edge.item.row) for edge in edges]


@strawberry.type(description="An item of a ranking.")
class RankedEdge(Generic[N]):
    """`recommend.ranked.Ranked`."""

    item: strawberry.Private[Ranked]
    cursor: str = strawberry.field(description=RANKED_CURSOR)
    score: float = strawberry.field(
        description="What the ranking sorts by, largest first. Comparable within one answer only; no unit."
    )
    reasons: list[Reason] = batched(_reasons, description="Why it is here, at least one, the largest share first.")
    node: N = batched(_items, description="The item.")


@strawberry.type(description="A page of a ranking.")
class RankedConnection(Generic[E]):
    """A page of an answer. A subclass names the type of its edges, and the kind of node that they lead to."""

    edge: ClassVar[type[RankedEdge[Any]]]
    kind: ClassVar[NodeKind]

    edges: list[E] = strawberry.field(description="The items of this page, best first.")
    page_info: PageInfo = strawberry.field(
        description=f"Where this page starts and ends, and whether there is more; a ranking ends after {RANKED_MAX} items."
    )
    source: AnswerSource = strawberry.field(description="The best that this answer could be made from.")
    as_of: TimeMs = strawberry.field(description="When the snapshot that this answer was made from was exported.")
    versions: Versions = strawberry.field(description="What this answer was made from.")

    @classmethod
    async def of(
        cls, context: RequestContext, ranks: Sequence[Rank], first: int | None, after: str | None
    ) -> list[Self]:
        """The pages of some rankings that the arguments ask for. Raises ApiError."""
        wanted = edges_wanted(first)
        start = ranked_start(cls.__name__, context.served.name, after)
        most = min(start + wanted + 1, RANKED_MAX)
        answers = await asyncio.gather(*(context.in_thread(rank, first=most) for rank in ranks))
        return [cls._page(context, answer, start, wanted, after) for answer in answers]

    @classmethod
    def _page(cls, context: RequestContext, answer: Answer, start: int, wanted: int, after: str | None) -> Self:
        release, name = context.served.name, cls.__name__
        items = answer.items[start : start + wanted]
        cursors = [encode_cursor(name, (release, place)) for place, _ in enumerate(items, start=start + 1)]
        edges = [
            cls.edge(item=item, cursor=cursor, score=item.score) for item, cursor in zip(items, cursors, strict=True)
        ]
        return cls(
            edges=cast("list[E]", edges),
            page_info=page_info(cursors, more=len(answer.items) > start + wanted, after=after),
            source=AnswerSource(answer.source),
            as_of=context.snapshot.created_at,
            versions=Versions.of(context.served),
        )


def related(connection: type[RankedConnection[Any]]) -> Callable[..., Awaitable[list[Any]]]:
    """Ranks what is related to some nodes."""

    async def read(context: RequestContext, nodes: Nodes, first: First = 20, after: After = None) -> list[Any]:
        ranks = [
            partial(rankers.related, context.serving, *node, connection.kind, viewer=context.viewer) for node in nodes
        ]
        return await connection.of(context, ranks, first, after)

    return read


async def feeds(context: RequestContext, users: Nodes, first: First = 20, after: After = None) -> list[FeedConnection]:
    """The feeds of some users. Raises NotFoundError for those that the viewer may not see."""
    ranks = [partial(rankers.feed, context.serving, row, viewer=context.viewer) for _, row in users]
    return await FeedConnection.of(context, ranks, first, after)


def ranked_start(connection: str, release: str, after: str | None) -> int:
    """How many items of a ranking come before the page. Raises ApiError for a cursor of another release or connection."""
    if after is None:
        return 0
    pinned, start = decode_cursor(connection, after, ((str,), (int,)))
    if pinned != release:
        raise ApiError(
            Code.CURSOR_EXPIRED, "`after` is from a release that is no longer served; ask for the first page again"
        )
    if not 0 < start <= RANKED_MAX:
        raise invalid_cursor(connection)
    return start


@strawberry.type(description="A pin in a ranking.")
class RelatedPinEdge(RankedEdge[PinRef]):
    """A ranked pin."""


@strawberry.type(description="Pins, best first, each with its reasons.")
class RelatedPinConnection(RankedConnection[RelatedPinEdge]):
    """Pins related to something."""

    edge = RelatedPinEdge
    kind = NodeKind.PIN


@strawberry.type(description="A pin in a user's feed, neither saved nor hidden by that user.")
class FeedEdge(RankedEdge[PinRef]):
    """A pin of a feed."""


@strawberry.type(description="A user's feed: pins, best first, each with its reasons.")
class FeedConnection(RankedConnection[FeedEdge]):
    """User.feed."""

    edge = FeedEdge
    kind = NodeKind.PIN


@strawberry.type(description="A board in a ranking.")
class RelatedBoardEdge(RankedEdge[BoardRef]):
    """A ranked board."""


@strawberry.type(description="Boards, best first, each with its reasons.")
class RelatedBoardConnection(RankedConnection[RelatedBoardEdge]):
    """Boards related to something."""

    edge = RelatedBoardEdge
    kind = NodeKind.BOARD


@strawberry.type(description="A user in a ranking.")
class RelatedUserEdge(RankedEdge[UserRef]):
    """A ranked user."""


@strawberry.type(description="Users, best first, each with its reasons.")
class RelatedUserConnection(RankedConnection[RelatedUserEdge]):
    """Users related to something."""

    edge = RelatedUserEdge
    kind = NodeKind.USER


@strawberry.type(description="An interest in a ranking.")
class RelatedInterestEdge(RankedEdge[InterestRef]):
    """A ranked interest."""


@strawberry.type(description="Interests, best first, each with its reasons.")
class RelatedInterestConnection(RankedConnection[RelatedInterestEdge]):
    """Interests related to something."""

    edge = RelatedInterestEdge
    kind = NodeKind.INTEREST
