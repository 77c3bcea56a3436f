"""Connections over one kind of edge of the snapshot: a page of it, its cursors, its count. Which edges, subclasses say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import strawberry
from strawberry.relay import PageInfo

from gql.batch import batched
from gql.context import RequestContext
from gql.cursors import decode_cursor, encode_cursor
from gql.objects.arguments import After, First, edges_wanted
from gql.objects.node import Nodes
from gql.order import EdgeOrder, Place
from gql.reads import COUNT_EDGES_MAX, EdgeReader
from graph.adjacency import NodeRef, Side
from graph.model import TimeMs

E = TypeVar("E")
CURSOR = "Continues a page after this edge, also when edges were added or taken away. Good for connections of this type only."


class EdgePage(NamedTuple):
    """A page of one node's edges: the value of a connection, and of its PageInfo, whose cursors are made if asked for."""

    connection: type[EdgeConnection[Any]]
    reader: EdgeReader
    row: int
    at: Sequence[int]
    """Where the edges stand in their side's order."""
    has_next_page: bool
    has_previous_page: bool
    """Pages are only read forwards: there is one before if a cursor led here."""

    @property
    def start_cursor(self) -> str | None:
        return self._cursor(self.at[:1])

    @property
    def end_cursor(self) -> str | None:
        return self._cursor(self.at[-1:])

    def _cursor(self, at: Sequence[int]) -> str | None:
        return encode_cursors(self.connection, self.reader.order, at)[0] if at else None


EdgeRef = tuple["type[EdgeConnection[Any]]", int]
"""An edge of a page, and where it stands in its side's order: the value of an edge type."""
Edges = Sequence[EdgeRef]
"""Edges of one connection, at least one."""


def encode_cursors(connection: type[EdgeConnection[Any]], order: EdgeOrder, at: Sequence[int]) -> list[str]:
    """The cursors of some edges of a connection."""
    name = connection.__name__
    return [encode_cursor(name, key) for key in order.keys(at)]


def pages(connection: type[EdgeConnection[Any]]) -> Callable[..., list[EdgePage]]:
    """Reads the pages of some nodes' edges that the arguments ask for. Raises ApiError."""

    def read(context: RequestContext, nodes: Nodes, first: First = 20, after: After = None) -> list[EdgePage]:
        wanted = edges_wanted(first)
        reader = EdgeReader(context.visible, connection.side)
        place = None if after is None else _place(connection, reader.order, after)
        found: list[EdgePage] = []
        for _, row in nodes:
            at, more = reader.page(row, wanted, place)
            found.append(EdgePage(connection, reader, row, at, more, after is not None))
        return found

    return read


def _place(connection: type[EdgeConnection[Any]], order: EdgeOrder, cursor: str) -> Place:
    return order.place_of(decode_cursor(connection.__name__, cursor, order.types))


def order_of(context: RequestContext, edges: Edges) -> EdgeOrder:
    """The order in which some edges of a connection stand."""
    return EdgeOrder(context.snapshot, edges[0][0].side)


def places_of(edges: Edges) -> list[int]:
    """Where some edges stand in it."""
    return [at for _, at in edges]


def far_nodes(context: RequestContext, edges: Edges) -> list[NodeRef]:
    """The nodes that some edges of a connection lead to."""
    kind, far = edges[0][0].side.end, order_of(context, edges).far
    return [(kind, far[at]) for _, at in edges]


def column_of(context: RequestContext, name: str, edges: Edges) -> list[Any]:
    """A column of the link of some edges."""
    return order_of(context, edges).column(name, places_of(edges))


def _cursors(context: RequestContext, edges: Edges) -> list[str]:
    return encode_cursors(edges[0][0], order_of(context, edges), places_of(edges))


def _times(context: RequestContext, edges: Edges) -> list[TimeMs | None]:
    return order_of(context, edges).times(places_of(edges))


def _edges(_: RequestContext, found: Sequence[EdgePage]) -> list[list[EdgeRef]]:
    return [list(zip(repeat(page.connection), page.at)) for page in found]


def _counts(_: RequestContext, found: Sequence[EdgePage]) -> list[int | None]:
    return [page.reader.count(page.row) for page in found]


def itself(_: RequestContext, found: Sequence[EdgePage]) -> Sequence[EdgePage]:
    """A page is its own PageInfo."""
    return found


@strawberry.type(description="An edge.")
class PlainEdge:
    """What all edges of the snapshot have in common."""

    cursor: str = batched(_cursors, description=CURSOR)


@strawberry.type(description="An edge with a time.")
class DatedEdge(PlainEdge):
    """What edges of dated links have in common."""

    at: TimeMs | None = batched(_times, description="When it came to hold; null where nobody knows.")


@strawberry.type(description="A page of edges.")
class EdgeConnection(Generic[E]):
    """A page of one node's edges, whose value is an EdgePage. A subclass names the side of the link that it reads."""

    side: ClassVar[Side]

    edges: list[E] = batched(_edges, description="The edges of this page, in the connection's order.")
    page_info: PageInfo = batched(itself, description="Where this page starts and ends, and whether there is more.")
    total_count: int | None = batched(
        _counts,
        description="How many edges there are that the viewer may see, on all pages together; null where counting them would "
        f"mean looking at more than {COUNT_EDGES_MAX:,}.",
    )


def page_info(cursors: list[str], *, more: bool, after: str | None) -> PageInfo:
    """PageInfo of a page whose cursors are made already."""
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
