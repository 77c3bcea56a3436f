"""Boards: whose they are, what is on them, and what else would fit."""

from __future__ import annotations

import strawberry

from gql.batch import batched
from gql.context import RequestContext
from gql.objects.connection import pages
from gql.objects.node import Node, Nodes, column
from gql.objects.ranked import RelatedBoardConnection, RelatedInterestConnection, RelatedPinConnection, related
from gql.objects.refs import UserRef
from gql.objects.saves import BoardPinConnection
from graph.adjacency import NodeRef
from graph.model import NodeKind


def _owners(context: RequestContext, boards: Nodes) -> list[NodeRef | None]:
    owner = context.serving.secrets.owner
    return [None if owner[row] < 0 else (NodeKind.USER, int(owner[row])) for _, row in boards]


@strawberry.type(description="A user's collection of pins.")
class Board(Node):
    """`graph.model.Board`."""

    kind = NodeKind.BOARD

    title: str | None = batched(column("title"), description="Its title; null where it has none.")
    secret: bool = batched(
        column("secret"), description="Whether its owner alone, and admin, sees it and what is on it."
    )
    owner: UserRef | None = batched(_owners, description="Whose it is; null where that user is gone.")
    pins: BoardPinConnection = batched(
        pages(BoardPinConnection),
        description="Pins on the board, one edge a (pin, user who put it there), newest first.",
    )
    related_boards: RelatedBoardConnection = batched(
        related(RelatedBoardConnection), description="Boards like this one, best first, each with reasons."
    )
    recommended_pins: RelatedPinConnection = batched(
        related(RelatedPinConnection),
        description="Pins that would fit the board and are not on it, best first, each with reasons.",
    )
    interests: RelatedInterestConnection = batched(
        related(RelatedInterestConnection),
        description="What the board is about, strongest first, each with reasons.",
    )
