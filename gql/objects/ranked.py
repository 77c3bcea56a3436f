"""Rankings: related nodes and feeds, each item with its score and reasons, each answer with what it was made from.

A ranking is a pure function of the release, the viewer and what was asked for, so that a place in it is a cursor for as long
as that release is served. After a swap the cursor has expired: no answer mixes two releases.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

import strawberry
from strawberry.relay import PageInfo

from gql.context import Info
from gql.cursors import decode_cursor, encode_cursor, invalid_cursor
from gql.errors import ApiError, Code
from gql.objects.arguments import edges_wanted
from gql.objects.connection import page_info
from gql.objects.graph_edge import GraphEdge, NodeCache
from gql.objects.kinds import AnswerSource, CandidateSource
from gql.objects.node import Node
from gql.objects.refs import BoardRef, InterestRef, PinRef, UserRef
from gql.objects.service import Versions
from gql.rankers import related
from gql.settings import RANKED_MAX
from graph.adjacency import NodeRef
from graph.model import NodeKind, TimeMs
from recommend.ranked import Answer, Ranked, Step
from recommend.ranked import Reason as DomainReason

N = TypeVar("N")
E = TypeVar("E")
RANKED_CURSOR = (
    "Continues the ranking after this item. Good for connections of this type, while this release is served."
)


class Rank(Protocol):
    """A ranking that only wants to know how many items of it."""

    def __call__(self, *, first: int) -> Answer: ...


def related_to(info: Info, node: Node, to: NodeKind) -> Rank:
    """The ranking of nodes of a kind that are related to a node."""
    context = info.context
    return partial(related, context.serving, node.kind, node.row, to, viewer=context.viewer)


@strawberry.type(description="Why an item is in a ranking.")
class Reason:
    """`recommend.ranked.Reason`."""

    text: str = strawberry.field(description="One sentence for a person, in English.")
    source: CandidateSource = strawberry.field(description="What spoke for the item.")
    share: float = strawberry.field(
        description="Its part of the item's score, 0 to 1. The shares of an item's reasons sum to 1."
    )
    path: list[Node] = strawberry.field(
        description="The nodes of a path in the graph that shows it, ending with the item; empty where no path does: "
        "popularity, or vectors alone."
    )
    edges: list[GraphEdge] = strawberry.field(
        description="The edges of that path in order, each in its stored direction. They hold, and the viewer may see them."
    )

    @classmethod
    def of(cls, cache: NodeCache, item: NodeRef, reason: DomainReason) -> Reason:
        """A reason for an item, its rows made into nodes."""
        return cls(
            text=reason.text,
            source=CandidateSource(reason.source),
            share=reason.share,
            path=[cache.node(ref) for ref in _path_to(item, reason.steps)],
            edges=[cache.step(step) for step in reason.steps],
        )


def _path_to(item: NodeRef, steps: tuple[Step, ...]) -> list[NodeRef]:
    """The nodes along some steps, from the far end to the item."""
    path = [item] if steps else []
    for step in reversed(steps):
        path.append(step.source if step.target == path[-1] else step.target)
    return path[::-1]


@strawberry.type(description="An item of a ranking.")
class RankedEdge(Generic[N]):
    """`recommend.ranked.Ranked`."""

    cursor: str = strawberry.field(description=RANKED_CURSOR)
    score: float = strawberry.field(
        description="What the ranking sorts by, largest first. Comparable within one answer only; no unit."
    )
    reasons: list[Reason] = strawberry.field(description="Why it is here, at least one, the largest share first.")
    node: N = strawberry.field(description="The item.")

    @classmethod
    def of(cls, cache: NodeCache, item: Ranked, cursor: str) -> Self:
        """An item, its rows made into nodes."""
        ref = (item.kind, item.row)
        reasons = [Reason.of(cache, ref, reason) for reason in item.reasons]
        return cls(cursor=cursor, score=item.score, reasons=reasons, node=cast("N", cache.node(ref)))


@strawberry.type(description="A page of a ranking.")
class RankedConnection(Generic[E]):
    """A page of an answer. A subclass names the type of its edges."""

    edge: ClassVar[type[RankedEdge[Any]]]

    edges: list[E] = strawberry.field(description="The items of this page, best first.")
    page_info: PageInfo = strawberry.field(
        description=f"Where this page starts and ends, and whether there is more; a ranking ends after {RANKED_MAX} items."
    )
    source: AnswerSource = strawberry.field(description="The best that this answer could be made from.")
    as_of: TimeMs = strawberry.field(description="When the snapshot that this answer was made from was exported.")
    versions: Versions = strawberry.field(description="What this answer was made from.")

    @classmethod
    async def of(cls, info: Info, rank: Rank, first: int | None, after: str | None) -> Self:
        """The page of a ranking that the arguments ask for. Raises ApiError."""
        context = info.context
        wanted, release = edges_wanted(first), context.served.name
        start = ranked_start(cls.__name__, release, after)
        answer = await context.in_thread(rank, first=min(start + wanted + 1, RANKED_MAX))
        cache = NodeCache(context.snapshot)
        items = answer.items[start : start + wanted]
        cursors = [encode_cursor(cls.__name__, (release, place)) for place, _ in enumerate(items, start=start + 1)]
        return cls(
            edges=[cast("E", cls.edge.of(cache, *pair)) for pair in zip(items, cursors, strict=True)],
            page_info=page_info(cursors, more=len(answer.items) > start + wanted, after=after),
            source=AnswerSource(answer.source),
            as_of=context.snapshot.created_at,
            versions=Versions.of(context.served),
        )


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


@strawberry.type(description="A pin in a user's feed, neither saved nor hidden by that user.")
class FeedEdge(RankedEdge[PinRef]):
    """A pin of a feed."""


@strawberry.type(description="A user's feed: pins, best first, each with its reasons.")
class FeedConnection(RankedConnection[FeedEdge]):
    """User.feed."""

    edge = FeedEdge


@strawberry.type(description="A board in a ranking.")
class RelatedBoardEdge(RankedEdge[BoardRef]):
    """A ranked board."""


@strawberry.type(description="Boards, best first, each with its reasons.")
class RelatedBoardConnection(RankedConnection[RelatedBoardEdge]):
    """Boards related to something."""

    edge = RelatedBoardEdge


@strawberry.type(description="A user in a ranking.")
class RelatedUserEdge(RankedEdge[UserRef]):
    """A ranked user."""


@strawberry.type(description="Users, best first, each with its reasons.")
class RelatedUserConnection(RankedConnection[RelatedUserEdge]):
    """Users related to something."""

    edge = RelatedUserEdge


@strawberry.type(description="An interest in a ranking.")
class RelatedInterestEdge(RankedEdge[InterestRef]):
    """A ranked interest."""


@strawberry.type(description="Interests, best first, each with its reasons.")
class RelatedInterestConnection(RankedConnection[RelatedInterestEdge]):
    """Interests related to something."""

    edge = RelatedInterestEdge
