"""The node types by name, and rows made into them: for modules that refer to each other.

Users have saves, saves have pins, pins have boards, boards have owners: the types' modules can't import each other, so that
Strawberry resolves these references when the schema is made, and rows become nodes through `gql.objects.node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import strawberry

from gql.objects.node import node_at
from graph.model import NodeKind
from graph.snapshot import Snapshot

if TYPE_CHECKING:
    from gql.objects.board import Board
    from gql.objects.entity import Entity
    from gql.objects.interest import Interest
    from gql.objects.pin import Pin
    from gql.objects.user import User

UserRef = Annotated["User", strawberry.lazy("gql.objects.user")]
PinRef = Annotated["Pin", strawberry.lazy("gql.objects.pin")]
BoardRef = Annotated["Board", strawberry.lazy("gql.objects.board")]
InterestRef = Annotated["Interest", strawberry.lazy("gql.objects.interest")]
EntityRef = Annotated["Entity", strawberry.lazy("gql.objects.entity")]


def user_at(snapshot: Snapshot, row: int) -> User:
    """The user at a row."""
    return cast("User", node_at(snapshot, NodeKind.USER, row))


def pin_at(snapshot: Snapshot, row: int) -> Pin:
    """The pin at a row."""
    return cast("Pin", node_at(snapshot, NodeKind.PIN, row))


def board_at(snapshot: Snapshot, row: int) -> Board:
    """The board at a row."""
    return cast("Board", node_at(snapshot, NodeKind.BOARD, row))


def interest_at(snapshot: Snapshot, row: int) -> Interest:
    """The interest at a row."""
    return cast("Interest", node_at(snapshot, NodeKind.INTEREST, row))


def entity_at(snapshot: Snapshot, row: int) -> Entity:
    """The entity at a row."""
    return cast("Entity", node_at(snapshot, NodeKind.ENTITY, row))
