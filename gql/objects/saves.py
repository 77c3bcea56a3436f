"""Who saved what, on which board: the edges SAVED, HOLDS and OWNS from either end."""

from __future__ import annotations

import strawberry

from gql.batch import batched
from gql.context import RequestContext
from gql.objects.connection import DatedEdge, EdgeConnection, Edges, PlainEdge, column_of, far_nodes
from gql.objects.refs import BoardRef, PinRef, UserRef
from graph.adjacency import NodeRef, Side
from graph.model import NodeKind
from graph.schema import Link


def _boards(context: RequestContext, edges: Edges) -> list[NodeRef | None]:
    return [None if row < 0 else (NodeKind.BOARD, row) for row in column_of(context, "board", edges)]


def _holders(context: RequestContext, edges: Edges) -> list[NodeRef]:
    return [(NodeKind.USER, row) for row in column_of(context, "by", edges)]


@strawberry.type(description="A save: to one board or to none. Two boards are two saves.")
class Saved(DatedEdge):
    """SAVED."""

    board: BoardRef | None = batched(_boards, description="The board that it was saved to; null where it is on none.")


@strawberry.type(description="A pin that a user has saved, to one board or to none. Two boards are two saves.")
class SaveEdge(Saved):
    """SAVED from the user's end."""

    node: PinRef = batched(far_nodes, description="The pin.")


@strawberry.type(
    description="What a user has saved and not taken back: newest first, without a time last; then by pin, by board."
)
class SaveConnection(EdgeConnection[SaveEdge]):
    """User.saves."""

    side = Side(Link.SAVED, outgoing=True)


@strawberry.type(description="A user who has saved a pin, to one board or to none.")
class SaverEdge(Saved):
    """SAVED from the pin's end."""

    node: UserRef = batched(far_nodes, description="The user.")


@strawberry.type(description="Saves of a pin: newest first, without a time last, then by user and board.")
class SaverConnection(EdgeConnection[SaverEdge]):
    """Pin.savers."""

    side = Side(Link.SAVED, outgoing=False)


@strawberry.type(description="A pin's place on a board.")
class Held(DatedEdge):
    """HOLDS."""

    by: UserRef = batched(_holders, description="Who put the pin there.")


@strawberry.type(description="A board that holds a pin. One edge for each user who put it there.")
class PinBoardEdge(Held):
    """HOLDS from the pin's end."""

    node: BoardRef = batched(far_nodes, description="The board.")


@strawberry.type(description="Boards that hold a pin: newest first, without a time last, then by board.")
class PinBoardConnection(EdgeConnection[PinBoardEdge]):
    """Pin.boards."""

    side = Side(Link.HOLDS, outgoing=False)


@strawberry.type(description="A pin on a board. One edge for each user who put it there.")
class BoardPinEdge(Held):
    """HOLDS from the board's end."""

    node: PinRef = batched(far_nodes, description="The pin.")


@strawberry.type(description="Pins on a board: newest first, without a time last, then by pin.")
class BoardPinConnection(EdgeConnection[BoardPinEdge]):
    """Board.pins."""

    side = Side(Link.HOLDS, outgoing=True)


@strawberry.type(description="A board of a user.")
class BoardEdge(PlainEdge):
    """OWNS from the user's end."""

    node: BoardRef = batched(far_nodes, description="The board.")


@strawberry.type(description="Boards of a user, by key.")
class BoardConnection(EdgeConnection[BoardEdge]):
    """User.boards."""

    side = Side(Link.OWNS, outgoing=True)
