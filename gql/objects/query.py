"""What can be asked for at the top."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import strawberry

from gql import rankers
from gql.batch import batched
from gql.context import RequestContext
from gql.errors import ApiError, Code, bad_input
from gql.ids import GlobalId, decode_id
from gql.objects.arguments import After, EdgeKindsArgument, First, within
from gql.objects.board import Board
from gql.objects.entity import Entity
from gql.objects.interest import Interest
from gql.objects.kinds import Kind
from gql.objects.path import Path, paths_between
from gql.objects.pin import Pin
from gql.objects.ranked import RelatedInterestConnection
from gql.objects.refs import AnyRef
from gql.objects.search import TEXT_CHARACTERS_MAX, SearchConnection
from gql.objects.service import Service
from gql.objects.user import User
from gql.settings import IDS_MAX
from graph.adjacency import NodeRef
from graph.model import NodeKind, check_id

Roots = Sequence[None]
"""The one source of what is asked for at the top."""
NodeArgument = Annotated[strawberry.ID, strawberry.argument(description="Global id, of any kind.")]
IdArgument = Annotated[
    strawberry.ID | None, strawberry.argument(description="Global id. Give this or `key`, not both.")
]
KeyArgument = Annotated[
    str | None, strawberry.argument(description="Raw id, as it was loaded. Give this or `id`, not both.")
]
TextArgument = Annotated[
    str, strawberry.argument(description=f"What to look for, 1 to {TEXT_CHARACTERS_MAX} characters.")
]
KindsArgument = Annotated[
    list[Kind] | None, strawberry.argument(description="Only nodes of these kinds; null means all.")
]
InterestsArgument = Annotated[
    list[strawberry.ID],
    strawberry.argument(description=f"Global ids of interests, 1 to {IDS_MAX}; NOT_FOUND where one of them is none."),
]
_END = "Global id of a node; NOT_FOUND where there is none."
FromArgument = Annotated[strawberry.ID, strawberry.argument(name="from", description=_END)]
ToArgument = Annotated[strawberry.ID, strawberry.argument(description=_END)]
HopsArgument = Annotated[int, strawberry.argument(description="How many edges a path may have, 0 to 6.")]
PathsArgument = Annotated[int, strawberry.argument(description="How many paths at most, 1 to 20.")]


def _nodes(context: RequestContext, _: Roots, id: NodeArgument) -> list[NodeRef | None]:
    return [_find(context, decode_id(id))]


def _look_up(kind: NodeKind) -> Callable[..., list[NodeRef | None]]:
    def read(context: RequestContext, _: Roots, id: IdArgument = None, key: KeyArgument = None) -> list[NodeRef | None]:
        if (id is None) == (key is None):
            raise bad_input("give exactly one of `id` (a global id) and `key` (a raw id)")
        if key is not None:
            return [_find(context, GlobalId(kind, check_id(key, "key")))]
        return [_find(context, decode_id(str(id), kind))]

    return read


async def _search(
    context: RequestContext,
    _: Roots,
    text: TextArgument,
    kinds: KindsArgument = None,
    first: First = 20,
    after: After = None,
) -> list[SearchConnection]:
    return [await SearchConnection.of(context, text, kinds, first, after)]


async def _related_interests(
    context: RequestContext, _: Roots, ids: InterestsArgument, first: First = 20, after: After = None
) -> list[RelatedInterestConnection]:
    within("ids", len(ids), IDS_MAX)
    rows = [_must_find(context, decode_id(one, NodeKind.INTEREST))[1] for one in dict.fromkeys(ids)]
    rank = partial(rankers.related_interests, context.serving, rows, viewer=context.viewer)
    return await RelatedInterestConnection.of(context, [rank], first, after)


async def _paths(
    context: RequestContext,
    _: Roots,
    from_: FromArgument,
    to: ToArgument,
    max_hops: HopsArgument = 4,
    first: PathsArgument = 5,
    edge_kinds: EdgeKindsArgument = None,
) -> list[list[Path]]:
    within("maxHops", max_hops, 6, least=0)
    within("first", first, 20)
    start, goal = (_must_find(context, decode_id(end)) for end in (from_, to))
    return [await paths_between(context, start, goal, max_hops=max_hops, first=first, edge_kinds=edge_kinds)]


def _services(context: RequestContext, _: Roots) -> list[Service]:
    return [Service.of(context.served, context.visible)]


def _find(context: RequestContext, wanted: GlobalId) -> NodeRef | None:
    """Where a node is, if it is there and the viewer may see it."""
    row = context.snapshot.nodes[wanted.kind].row_of(wanted.key)
    if row is None or not context.visible.node(wanted.kind, row):
        return None
    return wanted.kind, row


def _must_find(context: RequestContext, wanted: GlobalId) -> NodeRef:
    ref = _find(context, wanted)
    if ref is None:
        raise ApiError(Code.NOT_FOUND, f"there is no {wanted.kind} {wanted.key!r}; look it up with `search`")
    return ref


@strawberry.type(description="Everything that can be read.")
class Query:
    """The entry point. Only the graph's nodes; nothing here changes anything."""

    node: AnyRef | None = batched(
        _nodes, description="The node with a global id; null where there is none, or the viewer may not see it."
    )
    user: User | None = batched(_look_up(NodeKind.USER), description="A user by id or key; null where there is none.")
    pin: Pin | None = batched(_look_up(NodeKind.PIN), description="A pin by id or key; null where there is none.")
    board: Board | None = batched(
        _look_up(NodeKind.BOARD),
        description="A board by id or key; null where there is none, or it is secret to the viewer.",
    )
    interest: Interest | None = batched(
        _look_up(NodeKind.INTEREST), description="An interest by id or key; null where there is none."
    )
    entity: Entity | None = batched(
        _look_up(NodeKind.ENTITY), description="An entity by id or key; null where there is none."
    )
    search: SearchConnection = batched(
        _search,
        description="Nodes by words of their titles and names, users by id. The last word may be unfinished; a typing error in "
        "a longer word is forgiven.",
    )
    related_interests: RelatedInterestConnection = batched(
        _related_interests, description="Interests that go with several at once, best first, each with reasons."
    )
    path: list[Path] = batched(
        _paths,
        description="Shortest paths between two nodes, over visible edges walked both ways; empty where there is none within "
        "`maxHops`. Where hubs lie between, some of them may be missing; those that are here are shortest all the same.",
    )
    service: Service = batched(
        _services, description="What is served: versions, counts, and whether anything is worse than it should be."
    )
