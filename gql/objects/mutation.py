"""What can be told: what people did, each with an id of its own, so that telling it twice is telling it once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry import enum_value

from gql import collect
from gql.collect import ITEMS_MAX, Collector
from gql.context import Info
from gql.errors import ApiError, Code, bad_input
from gql.ids import GlobalId, decode_id
from gql.objects.arguments import within
from graph.errors import InvalidInputError
from graph.eventlog.events import check_time
from graph.model import FOLLOWABLE, Event, EventId, EventKind, NodeKind, TimeMs, check_id

EVENT_ID = (
    "1 to 64 bytes, made by who tells it, unique over all events: what is told again under the same id is recorded once. "
    "A UUID will do."
)
AT = "When it happened; at most 5 minutes ahead of the server's clock."


@strawberry.enum(description="What a user did with a pin.")
class InteractionKind(Enum):
    """The kinds of `EventKind` whose target is a pin."""

    SAVE = enum_value(EventKind.SAVE, description="Saved it, on a board of the user's own or on none.")
    UNSAVE = enum_value(
        EventKind.UNSAVE, description="Took it off a board; without a board, off all of the user's saves."
    )
    VIEW = enum_value(EventKind.VIEW, description="Looked at it.")
    CLICK = enum_value(EventKind.CLICK, description="Followed it to where it leads.")
    HIDE = enum_value(EventKind.HIDE, description="Wants to see it no more.")


@strawberry.input(description="One interaction of a user with a pin.")
class InteractionInput:
    """An item of recordInteractions."""

    event_id: strawberry.ID = strawberry.field(description=EVENT_ID)
    kind: InteractionKind = strawberry.field(description="What the user did.")
    user_id: strawberry.ID = strawberry.field(description="Global id of the user; one who is new is made known.")
    pin_id: strawberry.ID = strawberry.field(description="Global id of the pin; one that is new is made known.")
    board_id: strawberry.ID | None = strawberry.field(
        default=None, description="Global id of a board: for SAVE one that the user owns, for UNSAVE any; else none."
    )
    at: TimeMs = strawberry.field(description=AT)
    weight: float | None = strawberry.field(
        default=None, description="For VIEW and CLICK how much it counts, more than 0, 1 by default; else none."
    )
    group_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Of interactions of a user that belong together, recorded all or none. A move is an UNSAVE and a SAVE "
        "with one `at` and one `groupId`.",
    )

    def event(self) -> Event:
        """Raises ApiError and InvalidInputError."""
        return collect.Interaction(
            event_id=self.event_id,
            kind=EventKind(self.kind.value),
            user=decode_id(self.user_id, NodeKind.USER).key,
            pin=decode_id(self.pin_id, NodeKind.PIN).key,
            at=self.at,
            board=None if self.board_id is None else decode_id(self.board_id, NodeKind.BOARD).key,
            weight=self.weight,
            group_id=self.group_id,
        ).event()


@strawberry.input(description="A user begins to follow somebody or something, or ceases to.")
class FollowInput:
    """What follow and unfollow take."""

    event_id: strawberry.ID = strawberry.field(description=EVENT_ID)
    user_id: strawberry.ID = strawberry.field(description="Global id of the user who follows.")
    target_id: strawberry.ID = strawberry.field(description="Global id of the User, Board or Interest.")
    at: TimeMs = strawberry.field(description=AT)


@strawberry.input(description="A user wants more, or less, of an interest.")
class TasteInput:
    """What muteInterest, boostInterest and clearInterest take."""

    event_id: strawberry.ID = strawberry.field(description=EVENT_ID)
    user_id: strawberry.ID = strawberry.field(description="Global id of the user.")
    interest_id: strawberry.ID = strawberry.field(description="Global id of the interest.")
    at: TimeMs = strawberry.field(description=AT)


@strawberry.type(description="An item that was not recorded.")
class RefusedInteraction:
    """`gql.collect.Refusal`."""

    index: int = strawberry.field(description="Its place in `input`, from 0.")
    code: str = strawberry.field(description="A stable code, as in `extensions.code` of errors.")
    reason: str = strawberry.field(description="What is wrong, and what to do about it.")


@strawberry.type(description="What became of the items: each is accepted or refused.")
class RecordInteractionsPayload:
    """The answer of recordInteractions."""

    accepted: int = strawberry.field(description="How many are recorded: durable, whatever happens to the server.")
    refused: list[RefusedInteraction] = strawberry.field(description="Those that are not, in the order of `input`.")


@strawberry.type(description="An event that is recorded: durable, whatever happens to the server.")
class RecordedEvent:
    """The answer of the mutations that tell of one event."""

    event_id: strawberry.ID = strawberry.field(description="The id that it was told under.")


Interactions = Annotated[
    list[InteractionInput], strawberry.argument(description=f"What happened, 1 to {ITEMS_MAX:,} items in any order.")
]
Follow = Annotated[FollowInput, strawberry.argument(description="Who follows whom or what, and since when.")]
Taste = Annotated[TasteInput, strawberry.argument(description="Whose taste, in which interest, and since when.")]


def _collector(info: Info) -> Collector:
    if info.context.collector is None:
        raise ApiError(Code.UNAVAILABLE, "this server records no events; send them to one that does")
    return info.context.collector


async def _record_interactions(info: Info, input: Interactions) -> RecordInteractionsPayload:
    within("input", len(input), ITEMS_MAX)
    context = info.context
    accepted, refusals = await _collector(info).record(input, InteractionInput.event, context.principal, context.served)
    return RecordInteractionsPayload(
        accepted=accepted,
        refused=[RefusedInteraction(index=r.index, code=r.code.value, reason=r.reason) for r in refusals],
    )


def _following(kind: EventKind) -> Callable[[Info, FollowInput], Awaitable[RecordedEvent]]:
    async def record(info: Info, input: Follow) -> RecordedEvent:
        target = decode_id(input.target_id)
        if target.kind not in FOLLOWABLE:
            raise bad_input(f"`targetId` is of a {target.kind}; give that of a User, Board or Interest")
        return await _record_one(info, kind, input, target)

    return record


def _tasting(kind: EventKind) -> Callable[[Info, TasteInput], Awaitable[RecordedEvent]]:
    async def record(info: Info, input: Taste) -> RecordedEvent:
        return await _record_one(info, kind, input, decode_id(input.interest_id, NodeKind.INTEREST))

    return record


async def _record_one(info: Info, kind: EventKind, said: FollowInput | TasteInput, target: GlobalId) -> RecordedEvent:
    context = info.context
    try:
        event = Event(
            EventId(check_id(said.event_id, "`eventId`")),
            kind,
            decode_id(said.user_id, NodeKind.USER).key,
            target.kind,
            target.key,
            at=check_time(said.at, collect.now_ms()),
        )
    except InvalidInputError as error:
        raise bad_input(str(error)) from None
    await _collector(info).record_one(event, context.principal, context.served)
    return RecordedEvent(event_id=said.event_id)


def _told(resolve: Callable[..., Awaitable[Any]], description: str) -> Any:
    return strawberry.mutation(resolve, description=description)


@strawberry.type(description="Everything that can be told. What is answered without an error is durable.")
class Mutation:
    """What people did; it reaches the store, and the next snapshot, through the event log."""

    record_interactions: RecordInteractionsPayload = _told(
        _record_interactions,
        f"Records up to {ITEMS_MAX:,} interactions. Items that can't be recorded are told with their index, and the others are "
        "recorded all the same.",
    )
    follow: RecordedEvent = _told(_following(EventKind.FOLLOW), "A user follows another user, a board or an interest.")
    unfollow: RecordedEvent = _told(_following(EventKind.UNFOLLOW), "A user follows somebody or something no more.")
    mute_interest: RecordedEvent = _told(_tasting(EventKind.MUTE), "A user wants none of an interest.")
    boost_interest: RecordedEvent = _told(_tasting(EventKind.BOOST), "A user wants more of an interest.")
    clear_interest: RecordedEvent = _told(
        _tasting(EventKind.CLEAR), "A user takes back muting or boosting an interest."
    )
