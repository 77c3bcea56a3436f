"""Who follows whom and what: the three FOLLOWS links of a user as one list, and the followers of an interest."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from typing import Self

import strawberry
from strawberry.relay import PageInfo

from gql.context import Info
from gql.cursors import decode_cursor, encode_cursor, invalid_cursor
from gql.objects.arguments import edges_wanted
from gql.objects.connection import DatedEdge, EdgeConnection, dated, page_info
from gql.objects.node import Node, node_at
from gql.objects.refs import UserRef, user_at
from gql.order import EdgeOrder, Hop, Place, age_of, time_of
from gql.reads import EdgeList
from graph.adjacency import KIND_ORDER, Side
from graph.model import NodeKind
from graph.schema import FOLLOWS, LINKS, Link
from graph.snapshot import Snapshot


@strawberry.type(description="A user, board or interest that a user follows.")
class FollowEdge(DatedEdge):
    """A FOLLOWS edge from the follower's end."""

    node: Node = strawberry.field(description="The User, Board or Interest.")


@strawberry.type(
    description="What a user follows: newest first, without a time last; of one time users, boards, interests, by key."
)
class FollowConnection:
    """User.follows."""

    edges: list[FollowEdge] = strawberry.field(description="The edges of this page, in the connection's order.")
    page_info: PageInfo = strawberry.field(description="Where this page starts and ends, and whether there is more.")

    @classmethod
    def of(cls, info: Info, row: int, first: int | None, after: str | None) -> Self:
        """The page that the arguments ask for. Raises ApiError."""
        wanted = edges_wanted(first)
        key = None if after is None else _decode(after)
        lists = [EdgeList(info.context.visible, Side(link, outgoing=True), row) for link in FOLLOWS.values()]
        merged = list(heapq.merge(*(_run(listing, wanted, key) for listing in lists)))
        edges = [_edge(info.context.snapshot, link, hop) for _, link, hop in merged[:wanted]]
        info_ = page_info([edge.cursor for edge in edges], more=len(merged) > wanted, after=after)
        return cls(edges=edges, page_info=info_)


@strawberry.type(description="A user who follows an interest.")
class FollowerEdge(DatedEdge):
    """FOLLOWS_INTEREST from the interest's end."""

    node: UserRef = strawberry.field(description="The user.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> FollowerEdge:
        """A follower as seen from an interest."""
        return cls(node=user_at(snapshot, hop.far), **dated(snapshot, Link.FOLLOWS_INTEREST, hop, cursor))


@strawberry.type(description="Users who follow an interest: newest first, without a time last, then by key.")
class FollowerConnection(EdgeConnection[FollowerEdge]):
    """Interest.followers."""

    side = Side(Link.FOLLOWS_INTEREST, outgoing=False)
    edge = FollowerEdge.of


_Key = tuple[int | None, NodeKind, str]
"""(time, kind, id) of what is followed: the sort key of the three links together."""


def _decode(cursor: str) -> _Key:
    at, kind, followed = decode_cursor(FollowConnection.__name__, cursor, ((int, type(None)), (str,), (str,)))
    if kind not in {known.value for known in FOLLOWS}:
        raise invalid_cursor(FollowConnection.__name__)
    return at, NodeKind(kind), followed


def _run(listing: EdgeList, wanted: int, key: _Key | None) -> Iterator[tuple[Place, Link, Hop]]:
    """One link's edges after a key, each with its place among those of all three links; one more than wanted."""
    side = listing.order.side
    for hop in listing.page(wanted + 1, None if key is None else _place_after(listing.order, key)).hops:
        age, far = listing.order.place(hop)
        yield (age, KIND_ORDER[side.end], far), side.link, hop


def _place_after(order: EdgeOrder, key: _Key) -> Place:
    at, kind, followed = key
    if kind is order.side.end:
        return order.place_of((at, followed))
    # Of the edges of one age, those of kinds that sort earlier came before the key, and those of later kinds come after.
    came_before = KIND_ORDER[order.side.end] < KIND_ORDER[kind]
    return age_of(at), math.inf if came_before else -math.inf


def _edge(snapshot: Snapshot, link: Link, hop: Hop) -> FollowEdge:
    node = node_at(snapshot, LINKS[link].target, hop.far)
    at = time_of(snapshot, link, hop.edge)
    cursor = encode_cursor(FollowConnection.__name__, (at, node.kind.value, node.key))
    return FollowEdge(cursor=cursor, at=at, node=node)
