"""Boards: whose they are, what is on them, and what else would fit."""

from __future__ import annotations

import strawberry

from gql.context import Info
from gql.objects.arguments import After, First
from gql.objects.node import Node, identity_of
from gql.objects.ranked import RelatedBoardConnection, RelatedInterestConnection, RelatedPinConnection, related_to
from gql.objects.refs import UserRef, user_at
from gql.objects.saves import BoardPinConnection
from graph.model import NodeKind
from graph.schema import Link
from graph.snapshot import Snapshot


@strawberry.type(description="A user's collection of pins.")
class Board(Node):
    """`graph.model.Board`."""

    kind = NodeKind.BOARD

    title: str | None = strawberry.field(description="Its title; null where it has none.")
    secret: bool = strawberry.field(description="Whether its owner alone, and admin, sees it and what is on it.")

    @classmethod
    def at(cls, snapshot: Snapshot, row: int) -> Board:
        value = snapshot.nodes[cls.kind].value
        title = value("title", row)
        return cls(**identity_of(snapshot, cls.kind, row, title), title=title, secret=value("secret", row))

    @strawberry.field(description="Whose it is; null where that user is gone.")
    def owner(self, info: Info) -> UserRef | None:
        snapshot = info.context.snapshot
        owners = snapshot.links[Link.OWNS].into.neighbours(self.row)
        return user_at(snapshot, int(owners[0])) if len(owners) else None

    @strawberry.field(description="Pins on the board, one edge a (pin, user who put it there), newest first.")
    def pins(self, info: Info, first: First = 20, after: After = None) -> BoardPinConnection:
        return BoardPinConnection.of(info, self.row, first, after)

    @strawberry.field(description="Boards like this one, best first, each with reasons.")
    async def related_boards(self, info: Info, first: First = 20, after: After = None) -> RelatedBoardConnection:
        return await RelatedBoardConnection.of(info, related_to(info, self, NodeKind.BOARD), first, after)

    @strawberry.field(description="Pins that would fit the board and are not on it, best first, each with reasons.")
    async def recommended_pins(self, info: Info, first: First = 20, after: After = None) -> RelatedPinConnection:
        return await RelatedPinConnection.of(info, related_to(info, self, NodeKind.PIN), first, after)

    @strawberry.field(description="What the board is about, strongest first, each with reasons.")
    async def interests(self, info: Info, first: First = 20, after: After = None) -> RelatedInterestConnection:
        return await RelatedInterestConnection.of(info, related_to(info, self, NodeKind.INTEREST), first, after)
