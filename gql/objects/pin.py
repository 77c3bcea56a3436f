"""Pins: who saved them to which boards, what they are about, and what is related."""

from __future__ import annotations

from typing import Any

import orjson
import strawberry
from strawberry.scalars import JSON

from gql.context import Info
from gql.objects.arguments import After, First
from gql.objects.node import Node, identity_of
from gql.objects.ranked import RelatedBoardConnection, RelatedInterestConnection, RelatedPinConnection, related_to
from gql.objects.saves import PinBoardConnection, SaverConnection
from gql.objects.topics import EntityConnection, PinInterestConnection
from graph.model import NodeKind, TimeMs
from graph.snapshot import Snapshot


@strawberry.type(description="A thing that can be saved.")
class Pin(Node):
    """`graph.model.Pin`."""

    kind = NodeKind.PIN

    title: str | None = strawberry.field(description="Its title; null where it has none.")
    description: str | None = strawberry.field(description="More about it; null where there is nothing.")
    created_at: TimeMs | None = strawberry.field(description="When it was made; null where nobody knows.")

    @classmethod
    def at(cls, snapshot: Snapshot, row: int) -> Pin:
        value = snapshot.nodes[cls.kind].value
        title = value("title", row)
        return cls(
            **identity_of(snapshot, cls.kind, row, title),
            title=title,
            description=value("description", row),
            created_at=value("created_at", row),
        )

    @strawberry.field(description="What else was loaded about the pin, as one JSON object.")
    def attributes(self, info: Info) -> JSON:
        found: dict[str, Any] = orjson.loads(info.context.snapshot.nodes[self.kind].value("attributes", self.row))
        return JSON(found)

    @strawberry.field(
        description="Who saved the pin, one edge a (user, board), newest first. Saves to no board and to secret boards are "
        "seen by who saved and admin alone."
    )
    def savers(self, info: Info, first: First = 20, after: After = None) -> SaverConnection:
        return SaverConnection.of(info, self.row, first, after)

    @strawberry.field(
        description="Boards that the pin is on, newest first. Secret ones: for their owner and admin alone."
    )
    def boards(self, info: Info, first: First = 20, after: After = None) -> PinBoardConnection:
        return PinBoardConnection.of(info, self.row, first, after)

    @strawberry.field(description="What the pin is about, by key.")
    def interests(self, info: Info, first: First = 20, after: After = None) -> PinInterestConnection:
        return PinInterestConnection.of(info, self.row, first, after)

    @strawberry.field(description="Entities of the knowledge graph that the pin shows, by key.")
    def entities(self, info: Info, first: First = 20, after: After = None) -> EntityConnection:
        return EntityConnection.of(info, self.row, first, after)

    @strawberry.field(description="Pins to go on with from this one, best first, each with reasons.")
    async def related_pins(self, info: Info, first: First = 20, after: After = None) -> RelatedPinConnection:
        return await RelatedPinConnection.of(info, related_to(info, self, NodeKind.PIN), first, after)

    @strawberry.field(description="Boards where this pin would fit, best first, each with reasons.")
    async def related_boards(self, info: Info, first: First = 20, after: After = None) -> RelatedBoardConnection:
        return await RelatedBoardConnection.of(info, related_to(info, self, NodeKind.BOARD), first, after)

    @strawberry.field(description="Interests of those who like this pin, best first, each with reasons.")
    async def related_interests(self, info: Info, first: First = 20, after: After = None) -> RelatedInterestConnection:
        return await RelatedInterestConnection.of(info, related_to(info, self, NodeKind.INTEREST), first, after)
