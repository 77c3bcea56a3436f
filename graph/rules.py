"""What a set of events means: identity, order, and what holds now.

Pure functions of the *set* of events, never of their arrival: any order and any repetition give the same answer. The stores
and the snapshot do the same work on columns; these few lines are what they are tested against.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from graph.errors import InvalidInputError
from graph.model import (
    ATTRIBUTES_BYTES_MAX,
    About,
    Event,
    EventId,
    EventKind,
    Id,
    Is,
    Node,
    NodeKind,
    PlainEdge,
    TimeMs,
)

_DIGEST_BYTES = 16
_NULL = b"\xff\xff\xff\xff"
_length = struct.Struct(">I").pack
_int64 = struct.Struct(">q").pack
_float64 = struct.Struct(">d").pack


def _field(value: bytes | None) -> bytes:
    return _NULL if value is None else _length(len(value)) + value


def _text(value: str | None) -> bytes:
    return _NULL if value is None else _field(value.encode())


def _time(value: int | None) -> bytes:
    return _NULL if value is None else _field(_int64(value))


def _blake2b(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


def payload_digest(
    kind: EventKind,
    user: str,
    target_kind: NodeKind,
    target: str,
    board: str | None = None,
    at: int | None = None,
    weight: float | None = None,
    group_id: str | None = None,
) -> bytes:
    """BLAKE2b-128 of an event's length-prefixed fields: all but its id.

    The target's kind is written only where the event's kind leaves it open (follows). A weight of 1 and a missing group are
    not written, so that for a plain interaction this is also its identity.
    """
    parts = [_text(kind), _text(user)]
    if kind in (EventKind.FOLLOW, EventKind.UNFOLLOW):
        parts.append(_text(target_kind))
    parts += [_text(target), _text(board), _time(at)]
    if (weight is not None and weight != 1.0) or group_id is not None:
        parts += [_NULL if weight is None else _field(_float64(weight)), _text(group_id)]
    return _blake2b(b"".join(parts))


def derived_event_id(
    kind: EventKind, user: str, target_kind: NodeKind, target: str, board: str | None = None, at: int | None = None
) -> EventId:
    """The id of an event that came without one: its (kind, user, target, board, at), hashed, as 32 hex digits."""
    return EventId(payload_digest(kind, user, target_kind, target, board, at).hex())


def event_digest(event: Event) -> bytes:
    """`payload_digest` of an event."""
    return payload_digest(
        event.kind, event.user, event.target_kind, event.target, event.board, event.at, event.weight, event.group_id
    )


def canonical_json(value: Mapping[str, Any]) -> str:
    """One spelling for one object: sorted keys, no spaces, no NaN.

    Raises InvalidInputError when it is over 8 KiB or holds what JSON can't.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        size_bytes = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"attributes can't be written as JSON ({error}); give plain JSON values") from None
    if size_bytes > ATTRIBUTES_BYTES_MAX:
        raise InvalidInputError(f"attributes take {size_bytes} bytes; at most {ATTRIBUTES_BYTES_MAX} are kept a node")
    return text


def node_digest(node: Node, deleted_at: int | None = None) -> bytes:
    """BLAKE2b-128 of what a node row says, its version aside."""
    said = {name: getattr(node, name) for name in type(node).__slots__}
    return _blake2b(
        _text(type(node).__name__) + _field(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)) + _time(deleted_at)
    )


def edge_key(edge: PlainEdge) -> tuple[str, ...]:
    """What makes two plain edges the same edge."""
    if isinstance(edge, About):
        return ("ABOUT", edge.pin, edge.interest)
    if isinstance(edge, Is):
        return ("IS", edge.pin, edge.entity)
    return ("RELATES", edge.head, edge.predicate, edge.tail)


def edge_digest(edge: PlainEdge) -> bytes:
    """BLAKE2b-128 of what a plain edge says, its version aside."""
    score = edge.score if isinstance(edge, About) else None
    parts = [_text(part) for part in edge_key(edge)]
    return _blake2b(b"".join(parts) + (_NULL if score is None else _field(_float64(score))))


def wins(version: int | None, digest: bytes, over_version: int | None, over_digest: bytes | None) -> bool:
    """Whether one row of a node or plain edge beats another: the later version, then the smaller digest.

    A bare node has no digest, and loses to any row.
    """
    if over_digest is None:
        return True
    left, right = later_of(version), later_of(over_version)
    return left > right if left != right else digest < over_digest


def later_of(at: int | None) -> float:
    """A time that sorts: a missing one is earlier than any."""
    return -math.inf if at is None else at


def distinct(events: Iterable[Event]) -> dict[EventId, Event]:
    """One event an id: of several payloads under one id, the one with the smaller digest."""
    kept: dict[EventId, Event] = {}
    for event in events:
        other = kept.get(event.event_id)
        if other is None or event_digest(event) < event_digest(other):
            kept[event.event_id] = event
    return kept


SaveKey = tuple[Id, Id, Id | None]
"""(user, pin, board): two boards are two saves."""
PairKey = tuple[Id, Id]
TargetKey = tuple[Id, NodeKind, Id]


@dataclass(frozen=True, slots=True)
class Weighted:
    """Views or clicks of one pair: the sum of the weights of distinct events, and the latest time."""

    weight: float
    at: TimeMs | None


@dataclass(frozen=True, slots=True)
class Holds:
    """What holds now, each with the time of the event that made it so."""

    saved: dict[SaveKey, TimeMs | None]
    hidden: dict[PairKey, TimeMs | None]
    viewed: dict[PairKey, Weighted]
    clicked: dict[PairKey, Weighted]
    follows: dict[TargetKey, TimeMs | None]
    muted: dict[PairKey, TimeMs | None]
    boosted: dict[PairKey, TimeMs | None]


_RIVALS: Final[dict[EventKind, tuple[EventKind, ...]]] = {
    EventKind.FOLLOW: (EventKind.UNFOLLOW,),
    EventKind.MUTE: (EventKind.BOOST, EventKind.CLEAR),
    EventKind.BOOST: (EventKind.MUTE, EventKind.CLEAR),
}

_Key = tuple[EventKind, Id, NodeKind, Id, Id | None]


class _Latest:
    """The latest time under each (kind, user, target, board), over distinct events."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.at: dict[_Key, TimeMs | None] = {}
        self.save_at: dict[PairKey, float] = {}
        for event in events:
            key = (event.kind, event.user, event.target_kind, event.target, event.board)
            if key not in self.at or later_of(event.at) > later_of(self.at[key]):
                self.at[key] = event.at
            if event.kind is EventKind.SAVE:
                pair = (event.user, event.target)
                self.save_at[pair] = max(self.save_at.get(pair, -math.inf), later_of(event.at))

    def beats(self, key: _Key, rival: EventKind, board: Id | None) -> bool:
        """Whether a key's time is strictly later than a rival kind's on a board, or there is no such rival."""
        other = (rival, key[1], key[2], key[3], board)
        return other not in self.at or later_of(self.at[key]) > later_of(self.at[other])

    def is_saved(self, key: _Key) -> bool:
        return self.beats(key, EventKind.UNSAVE, key[4]) and self.beats(key, EventKind.UNSAVE, None)

    def is_hidden(self, key: _Key) -> bool:
        return later_of(self.at[key]) >= self.save_at.get((key[1], key[3]), -math.inf)

    def beats_rivals(self, key: _Key) -> bool:
        return all(self.beats(key, rival, None) for rival in _RIVALS[key[0]])


def holds(events: Iterable[Event]) -> Holds:
    """What a set of events amounts to.

    Saved(u, p, b): the latest SAVE(u, p, b) is strictly later than the latest UNSAVE of (u, p, b) and of (u, p, NULL).
    Follows: likewise. Muted and boosted: strictly later than the other two of MUTE, BOOST and CLEAR. Hidden(u, p): the latest
    HIDE is not earlier than the latest SAVE of the pin by the user, on any board.
    """
    once = distinct(events).values()
    latest = _Latest(once)
    weights: dict[tuple[EventKind, Id, Id], list[float]] = defaultdict(list)
    for event in once:
        if event.weight is not None:
            weights[event.kind, event.user, event.target].append(event.weight)

    def where(kind: EventKind, rule: Callable[[_Key], bool]) -> Iterator[tuple[_Key, TimeMs | None]]:
        return ((key, at) for key, at in latest.at.items() if key[0] is kind and rule(key))

    def pairs(kind: EventKind, rule: Callable[[_Key], bool]) -> dict[PairKey, TimeMs | None]:
        return {(key[1], key[3]): at for key, at in where(kind, rule)}

    def sums(kind: EventKind) -> dict[PairKey, Weighted]:
        found = pairs(kind, lambda _: True)
        return {pair: Weighted(math.fsum(weights[kind, *pair]), at) for pair, at in found.items()}

    return Holds(
        saved={(key[1], key[3], key[4]): at for key, at in where(EventKind.SAVE, latest.is_saved)},
        hidden=pairs(EventKind.HIDE, latest.is_hidden),
        viewed=sums(EventKind.VIEW),
        clicked=sums(EventKind.CLICK),
        follows={(key[1], key[2], key[3]): at for key, at in where(EventKind.FOLLOW, latest.beats_rivals)},
        muted=pairs(EventKind.MUTE, latest.beats_rivals),
        boosted=pairs(EventKind.BOOST, latest.beats_rivals),
    )
