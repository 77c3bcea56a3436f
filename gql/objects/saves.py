"""Who saved what, on which board: the edges SAVED, HOLDS and OWNS from either end."""

from __future__ import annotations

from typing import Any

import strawberry

from gql.context import Info
from gql.objects.connection import CURSOR, DatedEdge, EdgeConnection, dated
from gql.objects.refs import BoardRef, PinRef, UserRef, board_at, pin_at, user_at
from gql.order import Hop
from graph.adjacency import Side
from graph.schema import Link
from graph.snapshot import Snapshot


@strawberry.type(description="A save: to one board or to none. Two boards are two saves.")
class Saved(DatedEdge):
    """SAVED. The board is made when it is asked for: most pages of saves want the pins alone."""

    board_row: strawberry.Private[int]

    @strawberry.field(description="The board that it was saved to; null where it is on none.")
    def board(self, info: Info) -> BoardRef | None:
        return None if self.board_row < 0 else board_at(info.context.snapshot, self.board_row)


def _saved(snapshot: Snapshot, hop: Hop, cursor: str) -> dict[str, Any]:
    """The fields of `Saved`."""
    board_row = int(snapshot.links[Link.SAVED].columns["board"][hop.edge])
    return {"board_row": board_row, **dated(snapshot, Link.SAVED, hop, cursor)}


@strawberry.type(description="A pin that a user has saved, to one board or to none. Two boards are two saves.")
class SaveEdge(Saved):
    """SAVED from the user's end."""

    node: PinRef = strawberry.field(description="The pin.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> SaveEdge:
        """A save as seen from its user."""
        return cls(node=pin_at(snapshot, hop.far), **_saved(snapshot, hop, cursor))


@strawberry.type(
    description="What a user has saved and not taken back: newest first, without a time last; then by pin, by board."
)
class SaveConnection(EdgeConnection[SaveEdge]):
    """User.saves."""

    side = Side(Link.SAVED, outgoing=True)
    edge = SaveEdge.of


@strawberry.type(description="A user who has saved a pin, to one board or to none.")
class SaverEdge(Saved):
    """SAVED from the pin's end."""

    node: UserRef = strawberry.field(description="The user.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> SaverEdge:
        """A save as seen from its pin."""
        return cls(node=user_at(snapshot, hop.far), **_saved(snapshot, hop, cursor))


@strawberry.type(description="Saves of a pin: newest first, without a time last, then by user and board.")
class SaverConnection(EdgeConnection[SaverEdge]):
    """Pin.savers."""

    side = Side(Link.SAVED, outgoing=False)
    edge = SaverEdge.of


@strawberry.type(description="A pin's place on a board.")
class Held(DatedEdge):
    """HOLDS. Who put the pin there is made when it is asked for."""

    user_row: strawberry.Private[int]

    @strawberry.field(description="Who put the pin there.")
    def by(self, info: Info) -> UserRef:
        return user_at(info.context.snapshot, self.user_row)


def _held(snapshot: Snapshot, hop: Hop, cursor: str) -> dict[str, Any]:
    """The fields of `Held`."""
    user_row = int(snapshot.links[Link.HOLDS].columns["by"][hop.edge])
    return {"user_row": user_row, **dated(snapshot, Link.HOLDS, hop, cursor)}


@strawberry.type(description="A board that holds a pin. One edge for each user who put it there.")
class PinBoardEdge(Held):
    """HOLDS from the pin's end."""

    node: BoardRef = strawberry.field(description="The board.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> PinBoardEdge:
        """A pin's place on a board, as seen from the pin."""
        return cls(node=board_at(snapshot, hop.far), **_held(snapshot, hop, cursor))


@strawberry.type(description="Boards that hold a pin: newest first, without a time last, then by board.")
class PinBoardConnection(EdgeConnection[PinBoardEdge]):
    """Pin.boards."""

    side = Side(Link.HOLDS, outgoing=False)
    edge = PinBoardEdge.of


@strawberry.type(description="A pin on a board. One edge for each user who put it there.")
class BoardPinEdge(Held):
    """HOLDS from the board's end."""

    node: PinRef = strawberry.field(description="The pin.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> BoardPinEdge:
        """A pin's place on a board, as seen from the board."""
        return cls(node=pin_at(snapshot, hop.far), **_held(snapshot, hop, cursor))


@strawberry.type(description="Pins on a board: newest first, without a time last, then by pin.")
class BoardPinConnection(EdgeConnection[BoardPinEdge]):
    """Board.pins."""

    side = Side(Link.HOLDS, outgoing=True)
    edge = BoardPinEdge.of


@strawberry.type(description="A board of a user.")
class BoardEdge:
    """OWNS from the user's end."""

    cursor: str = strawberry.field(description=CURSOR)
    node: BoardRef = strawberry.field(description="The board.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> BoardEdge:
        """A board as seen from its owner."""
        return cls(cursor=cursor, node=board_at(snapshot, hop.far))


@strawberry.type(description="Boards of a user, by key.")
class BoardConnection(EdgeConnection[BoardEdge]):
    """User.boards."""

    side = Side(Link.OWNS, outgoing=True)
    edge = BoardEdge.of
