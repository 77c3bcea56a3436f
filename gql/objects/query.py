"""What can be asked for at the top."""

from __future__ import annotations

from functools import partial
from typing import Annotated, cast

import strawberry

from gql.context import Info
from gql.errors import ApiError, Code, bad_input
from gql.ids import GlobalId, decode_id
from gql.objects.arguments import After, EdgeKindsArgument, First, within
from gql.objects.board import Board
from gql.objects.entity import Entity
from gql.objects.interest import Interest
from gql.objects.kinds import Kind
from gql.objects.node import Node, node_at
from gql.objects.path import Path, paths_between
from gql.objects.pin import Pin
from gql.objects.ranked import RelatedInterestConnection
from gql.objects.search import TEXT_CHARACTERS_MAX, SearchConnection
from gql.objects.service import Service
from gql.objects.user import User
from gql.rankers import related_interests
from gql.settings import IDS_MAX
from graph.adjacency import NodeRef
from graph.model import NodeKind, check_id

IdArgument = Annotated[
    strawberry.ID | None, strawberry.argument(description="Global id. Give this or `key`, not both.")
]
KeyArgument = Annotated[
    str | None, strawberry.argument(description="Raw id, as it was loaded. Give this or `id`, not both.")
]
_END = "Global id of a node; NOT_FOUND where there is none."


@strawberry.type(description="Everything that can be read.")
class Query:
    """The entry point. Only the graph's nodes; nothing here changes anything."""

    @strawberry.field(description="The node with a global id; null where there is none, or the viewer may not see it.")
    def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Global id, of any kind.")]
    ) -> Node | None:
        return _find(info, decode_id(id))

    @strawberry.field(description="A user by id or key; null where there is none.")
    def user(self, info: Info, id: IdArgument = None, key: KeyArgument = None) -> User | None:
        return cast("User | None", _look_up(info, NodeKind.USER, id, key))

    @strawberry.field(description="A pin by id or key; null where there is none.")
    def pin(self, info: Info, id: IdArgument = None, key: KeyArgument = None) -> Pin | None:
        return cast("Pin | None", _look_up(info, NodeKind.PIN, id, key))

    @strawberry.field(description="A board by id or key; null where there is none, or it is secret to the viewer.")
    def board(self, info: Info, id: IdArgument = None, key: KeyArgument = None) -> Board | None:
        return cast("Board | None", _look_up(info, NodeKind.BOARD, id, key))

    @strawberry.field(description="An interest by id or key; null where there is none.")
    def interest(self, info: Info, id: IdArgument = None, key: KeyArgument = None) -> Interest | None:
        return cast("Interest | None", _look_up(info, NodeKind.INTEREST, id, key))

    @strawberry.field(description="An entity by id or key; null where there is none.")
    def entity(self, info: Info, id: IdArgument = None, key: KeyArgument = None) -> Entity | None:
        return cast("Entity | None", _look_up(info, NodeKind.ENTITY, id, key))

    @strawberry.field(
        description="Nodes by words of their titles and names, users by id. The last word may be unfinished; a typing error in "
        "a longer word is forgiven."
    )
    async def search(
        self,
        info: Info,
        text: Annotated[
            str, strawberry.argument(description=f"What to look for, 1 to {TEXT_CHARACTERS_MAX} characters.")
        ],
        kinds: Annotated[
            list[Kind] | None, strawberry.argument(description="Only nodes of these kinds; null means all.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> SearchConnection:
        return await SearchConnection.of(info, text, kinds, first, after)

    @strawberry.field(description="Interests that go with several at once, best first, each with reasons.")
    async def related_interests(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID],
            strawberry.argument(
                description=f"Global ids of interests, 1 to {IDS_MAX}; NOT_FOUND where one of them is none."
            ),
        ],
        first: First = 20,
        after: After = None,
    ) -> RelatedInterestConnection:
        within("ids", len(ids), IDS_MAX)
        context = info.context
        rows = [_find_row(info, decode_id(one, NodeKind.INTEREST))[1] for one in dict.fromkeys(ids)]
        rank = partial(related_interests, context.serving, rows, viewer=context.viewer)
        return await RelatedInterestConnection.of(info, rank, first, after)

    @strawberry.field(
        description="Shortest paths between two nodes, over visible edges walked both ways; empty where there is none within "
        "`maxHops`. Where hubs lie between, some of them may be missing; those that are here are shortest all the same."
    )
    async def path(
        self,
        info: Info,
        from_: Annotated[strawberry.ID, strawberry.argument(name="from", description=_END)],
        to: Annotated[strawberry.ID, strawberry.argument(description=_END)],
        max_hops: Annotated[int, strawberry.argument(description="How many edges a path may have, 0 to 6.")] = 4,
        first: Annotated[int, strawberry.argument(description="How many paths at most, 1 to 20.")] = 5,
        edge_kinds: EdgeKindsArgument = None,
    ) -> list[Path]:
        within("maxHops", max_hops, 6, least=0)
        within("first", first, 20)
        start, goal = (_find_row(info, decode_id(end)) for end in (from_, to))
        return await paths_between(info, start, goal, max_hops=max_hops, first=first, edge_kinds=edge_kinds)

    @strawberry.field(description="What is served: versions, counts, and whether anything is worse than it should be.")
    def service(self, info: Info) -> Service:
        return Service.of(info.context.served, info.context.visible)


def _look_up(info: Info, kind: NodeKind, id: strawberry.ID | None, key: str | None) -> Node | None:
    if (id is None) == (key is None):
        raise bad_input("give exactly one of `id` (a global id) and `key` (a raw id)")
    if id is not None:
        return _find(info, decode_id(id, kind))
    return _find(info, GlobalId(kind, check_id(cast("str", key), "key")))


def _find(info: Info, wanted: GlobalId) -> Node | None:
    ref = _row(info, wanted)
    return None if ref is None else node_at(info.context.snapshot, *ref)


def _find_row(info: Info, wanted: GlobalId) -> NodeRef:
    ref = _row(info, wanted)
    if ref is None:
        raise ApiError(Code.NOT_FOUND, f"there is no {wanted.kind} {wanted.key!r}; look it up with `search`")
    return ref


def _row(info: Info, wanted: GlobalId) -> NodeRef | None:
    """Where a node is, if it is there and the viewer may see it."""
    row = info.context.snapshot.nodes[wanted.kind].row_of(wanted.key)
    if row is None or not info.context.visible.node(wanted.kind, row):
        return None
    return wanted.kind, row
