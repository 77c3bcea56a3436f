"""Pins: who saved them to which boards, what they are about, and what is related."""

from __future__ import annotations

import orjson
import strawberry
from strawberry.scalars import JSON

from gql.batch import batched
from gql.context import RequestContext
from gql.objects.connection import pages
from gql.objects.node import Node, Nodes, column
from gql.objects.ranked import RelatedBoardConnection, RelatedInterestConnection, RelatedPinConnection, related
from gql.objects.saves import PinBoardConnection, SaverConnection
from gql.objects.topics import EntityConnection, PinInterestConnection
from graph.model import NodeKind, TimeMs


def _attributes(context: RequestContext, pins: Nodes) -> list[JSON]:
    return [JSON(orjson.loads(text)) for text in column("attributes")(context, pins)]


@strawberry.type(description="A thing that can be saved.")
class Pin(Node):
    """`graph.model.Pin`."""

    kind = NodeKind.PIN

    title: str | None = batched(column("title"), description="Its title; null where it has none.")
    description: str | None = batched(column("description"), description="More about it; null where there is nothing.")
    created_at: TimeMs | None = batched(column("created_at"), description="When it was made; null where nobody knows.")
    attributes: JSON = batched(_attributes, description="What else was loaded about the pin, as one JSON object.")
    savers: SaverConnection = batched(
        pages(SaverConnection),
        description="Who saved the pin, one edge a (user, board), newest first. Saves to no board and to secret boards are "
        "seen by who saved and admin alone.",
    )
    boards: PinBoardConnection = batched(
        pages(PinBoardConnection),
        description="Boards that the pin is on, newest first. Secret ones: for their owner and admin alone.",
    )
    interests: PinInterestConnection = batched(
        pages(PinInterestConnection), description="What the pin is about, by key."
    )
    entities: EntityConnection = batched(
        pages(EntityConnection), description="Entities of the knowledge graph that the pin shows, by key."
    )
    related_pins: RelatedPinConnection = batched(
        related(RelatedPinConnection), description="Pins to go on with from this one, best first, each with reasons."
    )
    related_boards: RelatedBoardConnection = batched(
        related(RelatedBoardConnection), description="Boards where this pin would fit, best first, each with reasons."
    )
    related_interests: RelatedInterestConnection = batched(
        related(RelatedInterestConnection),
        description="Interests of those who like this pin, best first, each with reasons.",
    )
