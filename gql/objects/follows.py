"""Who follows whom and what: the three FOLLOWS links of a user as one list, and the followers of an interest."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

import strawberry
from strawberry.relay import PageInfo

from gql.batch import batched
from gql.context import RequestContext
from gql.cursors import decode_cursor, encode_cursor, invalid_cursor
from gql.objects.arguments import After, First, edges_wanted
from gql.objects.connection import CURSOR, DatedEdge, EdgeConnection, far_nodes, page_info
from gql.objects.node import Nodes, keys
from gql.objects.refs import AnyRef, UserRef
from gql.order import EdgeOrder, Place, age_of, time_of
from gql.reads import EdgeReader
from graph.adjacency import KIND_ORDER, Side
from graph.model import NodeKind, TimeMs
from graph.schema import FOLLOWS, Link


@strawberry.type(description="A user, board or interest that a user follows.")
class FollowEdge:
    """A FOLLOWS edge from the follower's end."""

    cursor: str = strawberry.field(description=CURSOR)
    at: TimeMs | None = strawberry.field(description="When it came to hold; null where nobody knows.")
    node: AnyRef = strawberry.field(description="The User, Board or Interest.")


@strawberry.type(
    description="What a user follows: newest first, without a time last; of one time users, boards, interests, by key."
)
class FollowConnection:
    """User.follows."""

    edges: list[FollowEdge] = strawberry.field(description="The edges of this page, in the connection's order.")
    page_info: PageInfo = strawberry.field(description="Where this page starts and ends, and whether there is more.")


def follows(context: RequestContext, users: Nodes, first: First = 20, after: After = None) -> list[FollowConnection]:
    """What some users follow: the pages that the arguments ask for. Raises ApiError."""
    wanted = edges_wanted(first)
    key = None if after is None else _decode(after)
    readers = [EdgeReader(context.visible, Side(link, outgoing=True)) for link in FOLLOWS.values()]
    found: list[FollowConnection] = []
    for _, row in users:
        merged = list(heapq.merge(*(_run(reader, row, wanted, key) for reader in readers)))
        edges = [_edge(context, *one) for one in merged[:wanted]]
        info = page_info([edge.cursor for edge in edges], more=len(merged) > wanted, after=after)
        found.append(FollowConnection(edges=edges, page_info=info))
    return found


@strawberry.type(description="A user who follows an interest.")
class FollowerEdge(DatedEdge):
    """FOLLOWS_INTEREST from the interest's end."""

    node: UserRef = batched(far_nodes, description="The user.")


@strawberry.type(description="Users who follow an interest: newest first, without a time last, then by key.")
class FollowerConnection(EdgeConnection[FollowerEdge]):
    """Interest.followers."""

    side = Side(Link.FOLLOWS_INTEREST, outgoing=False)


_Key = tuple[int | None, NodeKind, str]
"""(time, kind, id) of what is followed: the sort key of the three links together."""


def _decode(cursor: str) -> _Key:
    at, kind, followed = decode_cursor(FollowConnection.__name__, cursor, ((int, type(None)), (str,), (str,)))
    if kind not in {known.value for known in FOLLOWS}:
        raise invalid_cursor(FollowConnection.__name__)
    return at, NodeKind(kind), followed


def _run(reader: EdgeReader, row: int, wanted: int, key: _Key | None) -> Iterator[tuple[Place, Side]]:
    """One link's edges after a key, each with its place among those of all three links; one more than wanted."""
    order = reader.order
    found, _ = reader.page(row, wanted + 1, None if key is None else _place_after(order, reader.side, key))
    for at in found:
        age, far = order.place(at)
        yield (age, KIND_ORDER[reader.side.end], far), reader.side


def _place_after(order: EdgeOrder, side: Side, key: _Key) -> Place:
    at, kind, followed = key
    if kind is side.end:
        return order.place_of((at, followed))
    # Of the edges of one age, those of kinds that sort earlier came before the key, and those of later kinds come after.
    came_before = KIND_ORDER[side.end] < KIND_ORDER[kind]
    return age_of(at), math.inf if came_before else -math.inf


def _edge(context: RequestContext, place: Place, side: Side) -> FollowEdge:
    age, _, far = (int(part) for part in place)
    at, node = time_of(age), (side.end, far)
    cursor = encode_cursor(FollowConnection.__name__, (at, side.end.value, keys(context, [node])[0]))
    return FollowEdge(cursor=cursor, at=at, node=node)
