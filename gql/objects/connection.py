"""Connections over one kind of edge of the snapshot: a page of it, its cursors, its count. Which edges, subclasses say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import strawberry
from strawberry.relay import PageInfo

from gql.batch import batched
from gql.context import RequestContext
from gql.cursors import decode_cursor, encode_cursor
from gql.objects.arguments import After, First, edges_wanted
from gql.objects.node import Nodes
from gql.order import EdgeOrder, Hop, times_of
from gql.reads import COUNT_EDGES_MAX, EdgeReader, Page
from graph.adjacency import NodeRef, Side
from graph.model import TimeMs

E = TypeVar("E")
CURSOR = "Continues a page after this edge, also when edges were added or taken away. Good for connections of this type only."


class EdgePage:
    """A page of one node's edges: the value of a connection, and of its PageInfo, whose cursors are made if asked for."""

    __slots__ = ("connection", "has_next_page", "has_previous_page", "hops", "reader", "row")

    def __init__(self, connection: type[EdgeConnection[Any]], reader: EdgeReader, row: int, page: Page, *, later: bool):
        self.connection = connection
        self.reader = reader
        self.row = row
        self.hops, self.has_next_page = page
        self.has_previous_page = later
        """Pages are only read forwards: there is one before if a cursor led here."""

    @property
    def start_cursor(self) -> str | None:
        return self._cursor(self.hops[:1])

    @property
    def end_cursor(self) -> str | None:
        return self._cursor(self.hops[-1:])

    def _cursor(self, hops: Sequence[Hop]) -> str | None:
        return encode_cursors(self.connection, self.reader.order, hops)[0] if hops else None


EdgeRef = tuple["type[EdgeConnection[Any]]", Hop]
"""An edge of a page: the value of an edge type."""
Edges = Sequence[EdgeRef]
"""Edges of one connection, at least one."""


def encode_cursors(connection: type[EdgeConnection[Any]], order: EdgeOrder, hops: Sequence[Hop]) -> list[str]:
    """The cursors of some edges of a connection."""
    name = connection.__name__
    return [encode_cursor(name, key) for key in order.keys(hops)]


def pages(connection: type[EdgeConnection[Any]]) -> Callable[..., list[EdgePage]]:
    """Reads the pages of some nodes' edges that the arguments ask for. Raises ApiError."""

    def read(context: RequestContext, nodes: Nodes, first: First = 20, after: After = None) -> list[EdgePage]:
        wanted = edges_wanted(first)
        reader = EdgeReader(context.visible, connection.side)
        order = reader.order
        key = None if after is None else decode_cursor(connection.__name__, after, order.types)
        place = None if key is None else order.place_of(key)
        return [
            EdgePage(connection, reader, row, reader.page(row, wanted, place), later=after is not None)
            for _, row in nodes
        ]

    return read


def hops_of(edges: Edges) -> list[Hop]:
    """Some edges, their connection aside."""
    return [hop for _, hop in edges]


def far_nodes(_: RequestContext, edges: Edges) -> list[NodeRef]:
    """The nodes that some edges of a connection lead to."""
    kind = edges[0][0].side.end
    return [(kind, far) for _, (far, _) in edges]


def column_of(context: RequestContext, name: str, edges: Edges) -> list[Any]:
    """A column of the link of some edges."""
    values = context.snapshot.links[edges[0][0].side.link].columns[name]
    return values[np.array([edge for _, (_, edge) in edges], np.int64)].tolist()


def _cursors(context: RequestContext, edges: Edges) -> list[str]:
    connection = edges[0][0]
    return encode_cursors(connection, EdgeOrder(context.snapshot, connection.side), hops_of(edges))


def _times(context: RequestContext, edges: Edges) -> list[TimeMs | None]:
    return times_of(context.snapshot, edges[0][0].side.link, [edge for _, (_, edge) in edges])


def _edges(_: RequestContext, found: Sequence[EdgePage]) -> list[list[EdgeRef]]:
    return [list(zip(repeat(page.connection), page.hops)) for page in found]


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
