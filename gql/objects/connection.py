"""Connections over one kind of edge of the snapshot: a page of it, its cursors, its count. Which edges, subclasses say."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import strawberry
from strawberry.relay import PageInfo

from gql.context import Info
from gql.cursors import decode_cursor, encode_cursor
from gql.objects.arguments import edges_wanted
from gql.order import Hop, time_of
from gql.reads import COUNT_EDGES_MAX, EdgeList
from graph.adjacency import Side
from graph.model import TimeMs
from graph.schema import Link
from graph.snapshot import Snapshot

E = TypeVar("E")
CURSOR = "Continues a page after this edge, also when edges were added or taken away. Good for connections of this type only."


class MakeEdge(Protocol):
    """Makes an edge type of an edge of the snapshot."""

    def __call__(self, snapshot: Snapshot, hop: Hop, cursor: str) -> Any: ...


@strawberry.type(description="An edge with a time.")
class DatedEdge:
    """What edges of dated links have in common."""

    cursor: str = strawberry.field(description=CURSOR)
    at: TimeMs | None = strawberry.field(description="When it came to hold; null where nobody knows.")


def dated(snapshot: Snapshot, link: Link, hop: Hop, cursor: str) -> dict[str, Any]:
    """The fields of `DatedEdge`."""
    return {"cursor": cursor, "at": time_of(snapshot, link, hop.edge)}


@strawberry.type(description="A page of edges.")
class EdgeConnection(Generic[E]):
    """A page of one node's edges. A subclass names the side of the link that it reads, and what an edge becomes."""

    side: ClassVar[Side]
    edge: ClassVar[MakeEdge]

    listing: strawberry.Private[EdgeList]
    edges: list[E] = strawberry.field(description="The edges of this page, in the connection's order.")
    page_info: PageInfo = strawberry.field(description="Where this page starts and ends, and whether there is more.")

    @strawberry.field(
        description="How many edges there are that the viewer may see, on all pages together; null where counting them would "
        f"mean looking at more than {COUNT_EDGES_MAX:,}."
    )
    def total_count(self) -> int | None:
        return self.listing.count()

    @classmethod
    def of(cls, info: Info, row: int, first: int | None, after: str | None) -> Self:
        """The page of a node's edges that the arguments ask for. Raises ApiError."""
        wanted = edges_wanted(first)
        listing = EdgeList(info.context.visible, cls.side, row)
        name = cls.__name__
        place = None if after is None else listing.order.place_of(decode_cursor(name, after, listing.order.types))
        page = listing.page(wanted, place)
        cursors = [encode_cursor(name, listing.order.key(hop)) for hop in page.hops]
        snapshot = info.context.snapshot
        return cls(
            listing=listing,
            edges=[cls.edge(snapshot, hop, cursor) for hop, cursor in zip(page.hops, cursors, strict=True)],
            page_info=page_info(cursors, more=page.more, after=after),
        )


def page_info(cursors: list[str], *, more: bool, after: str | None) -> PageInfo:
    """PageInfo of a page with these cursors. Pages are only read forwards: there is one before if a cursor led here."""
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
