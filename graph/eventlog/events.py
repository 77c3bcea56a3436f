"""Between an event of the domain and its record in the log: the payload of each type, checked on the way back.

Whoever may write to the log's topic may write anything; what comes out of here obeys the domain, or is for the dead letters.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from graph.errors import InvalidEventError, InvalidIdError
from graph.eventlog.envelope import VERSION, Envelope, RecordType
from graph.model import (
    FOLLOW_EVENTS,
    PIN_EVENTS,
    TASTE_EVENTS,
    TIME_MS_MAX,
    TIME_MS_MIN,
    WEIGHTED_EVENTS,
    Event,
    EventId,
    EventKind,
    NodeKind,
    TimeMs,
    check_id,
)

FUTURE_MS: Final = 5 * 60 * 1000
"""How far ahead of its receipt an event may be: clocks of phones differ by that much."""


class _Interaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: EventKind
    user: str
    pin: str
    board: str | None = None
    weight: float | None = None
    group_id: str | None = None


class _Follow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: EventKind
    user: str
    target_kind: NodeKind
    target: str


class _Taste(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: EventKind
    user: str
    interest: str


GRAPH_TYPES: Final = {
    RecordType.INTERACTION: (_Interaction, PIN_EVENTS),
    RecordType.FOLLOW: (_Follow, FOLLOW_EVENTS),
    RecordType.TASTE: (_Taste, TASTE_EVENTS),
}
"""The types of records that are edges of the graph."""


def check_time(at: int, received_at: int) -> TimeMs:
    """The time of an event that was received at another. Raises InvalidEventError for one too far ahead, or out of range."""
    if not TIME_MS_MIN <= at <= TIME_MS_MAX:
        raise InvalidEventError(f"at {at} is no time; give milliseconds since 1970")
    if at > received_at + FUTURE_MS:
        raise InvalidEventError(f"at lies {(at - received_at) / 1000:,.0f} s in the future; at most 300 s are allowed")
    return TimeMs(at)


def envelope_of(event: Event, actor: str, received_at: int) -> Envelope:
    """The record of an event, which must have a time. `actor`: the subject that it was authorised as."""
    assert event.at is not None
    record_type, payload = _payload(event)
    said = {name: value for name, value in payload.items() if value is not None}
    return Envelope(
        v=VERSION,
        type=record_type,
        event_id=event.event_id,
        at=event.at,
        received_at=received_at,
        actor=actor,
        payload={"kind": event.kind.value, "user": event.user, **said},
    )


def _payload(event: Event) -> tuple[RecordType, dict[str, Any]]:
    if event.kind in PIN_EVENTS:
        more = {"board": event.board, "weight": event.weight, "group_id": event.group_id}
        return RecordType.INTERACTION, {"pin": event.target, **more}
    if event.kind in FOLLOW_EVENTS:
        return RecordType.FOLLOW, {"target_kind": event.target_kind.value, "target": event.target}
    return RecordType.TASTE, {"interest": event.target}


def event_of(envelope: Envelope) -> Event:
    """The event of a record whose type is one of `GRAPH_TYPES`. Raises InvalidEventError, which says what is wrong."""
    shape, kinds = GRAPH_TYPES[envelope.type]
    try:
        said = msgspec.convert(envelope.payload, shape)
    except msgspec.ValidationError as error:
        raise InvalidEventError(f"the payload of a record of type {envelope.type} can't be read: {error}") from None
    if said.kind not in kinds:
        raise InvalidEventError(f"{said.kind} is no kind of a record of type {envelope.type}")
    at = check_time(envelope.at, envelope.received_at)
    try:
        return _event(said, EventId(check_id(envelope.event_id, "event_id")), at)
    except InvalidIdError as error:
        raise InvalidEventError(str(error)) from None


def _event(said: _Interaction | _Follow | _Taste, event_id: EventId, at: TimeMs) -> Event:
    user = check_id(said.user, "user")
    if isinstance(said, _Follow):
        return Event(event_id, said.kind, user, said.target_kind, check_id(said.target, "target"), at=at)
    if isinstance(said, _Taste):
        interest = check_id(said.interest, "interest")
        return Event(event_id, said.kind, user, NodeKind.INTEREST, interest, at=at)
    weight = 1.0 if said.weight is None and said.kind in WEIGHTED_EVENTS else said.weight
    return Event(
        event_id,
        said.kind,
        user,
        NodeKind.PIN,
        check_id(said.pin, "pin"),
        None if said.board is None else check_id(said.board, "board"),
        at,
        weight,
        None if said.group_id is None else check_id(said.group_id, "group_id"),
    )
