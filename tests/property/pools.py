"""Rows made beforehand, for the stateful tests: one choice an event instead of eight lets hypothesis make longer stories.

Few names and times, as in `worlds`, so that rows meet, tie and contradict each other.
"""

from __future__ import annotations

from itertools import product

from graph.model import (
    About,
    Board,
    EdgeKind,
    EdgeRow,
    Entity,
    Event,
    EventKind,
    Id,
    Interest,
    Is,
    Node,
    NodeKind,
    NodeRow,
    Pin,
    Relates,
    TimeMs,
    User,
)
from tests.graphs import event
from tests.property.worlds import BOARDS, ENTITIES, INTERESTS, PINS, USERS

_TIMES = (None, TimeMs(-1), TimeMs(1))
_FOLLOWED = [(NodeKind.USER, USERS[1]), (NodeKind.BOARD, BOARDS[0]), (NodeKind.INTEREST, INTERESTS[0])]


def _saves() -> list[Event]:
    """Of two users, on two boards and on none."""
    kinds, boards = (EventKind.SAVE, EventKind.UNSAVE), (None, *BOARDS)
    return [
        event(kind, user, pin, at, board=board)
        for kind, user, pin, board, at in product(kinds, USERS[1:], PINS[:2], boards, _TIMES)
    ]


def _others() -> list[Event]:
    user, pin = USERS[1], PINS[0]
    found = [
        event(kind, user, pin, at, weight=weight)
        for kind, at, weight in product((EventKind.VIEW, EventKind.CLICK), _TIMES, (1.0, 0.25))
    ]
    found += [event(EventKind.HIDE, user, pin, at) for at in _TIMES]
    for kind, (target_kind, target), at in product((EventKind.FOLLOW, EventKind.UNFOLLOW), _FOLLOWED, _TIMES):
        found.append(event(kind, USERS[2], target, at, target_kind=target_kind))
    for kind, at in product((EventKind.MUTE, EventKind.BOOST, EventKind.CLEAR), _TIMES):
        found.append(event(kind, user, INTERESTS[1], at, target_kind=NodeKind.INTEREST))
    return found


def _rivals() -> list[Event]:
    """Several payloads under each of three ids, the last of which looks like a derived one."""
    return [
        made
        for id_ in ("x", "Y", "0f" * 16)
        for made in (
            event(EventKind.SAVE, USERS[1], PINS[0], TimeMs(1), event_id=id_),
            event(EventKind.SAVE, USERS[2], PINS[0], TimeMs(1), board=BOARDS[0], event_id=id_),
            event(EventKind.UNSAVE, USERS[1], PINS[1], None, board=BOARDS[0], event_id=id_, group_id="together"),
            event(EventKind.VIEW, USERS[1], PINS[1], TimeMs(2), weight=2.0, event_id=id_),
            event(EventKind.FOLLOW, USERS[1], USERS[2], TimeMs(2), target_kind=NodeKind.USER, event_id=id_),
        )
    ]


EVENTS = [*_saves(), *_others(), *_rivals()]


def _nodes(kind: NodeKind) -> list[Node]:
    match kind:
        case NodeKind.USER:
            return [User(Id(id_), at, more) for id_, at, more in product(USERS, _TIMES[1:], ("{}", '{"a":1}'))]
        case NodeKind.PIN:
            return [Pin(Id(id_), title, text) for id_, title, text in product(PINS, (None, "t", "Ü"), (None, ""))]
        case NodeKind.BOARD:
            owners = product(BOARDS, USERS[:2], (None, "t"), (False, True))
            return [Board(Id(id_), Id(owner), title, secret) for id_, owner, title, secret in owners]
        case NodeKind.INTEREST:
            parents = product(INTERESTS, ("", "n"), (None, *INTERESTS))
            return [Interest(Id(id_), name, None if up is None else Id(up)) for id_, name, up in parents]
        case NodeKind.ENTITY:
            return [Entity(Id(id_), name) for id_, name in product(ENTITIES, (None, "", "n"))]


NODE_ROWS: dict[NodeKind, list[NodeRow]] = {
    kind: [
        NodeRow(node, version, deleted)
        for node, version, deleted in product(_nodes(kind), _TIMES, (None, None, TimeMs(3)))
    ]
    for kind in NodeKind
}

EDGE_ROWS: dict[EdgeKind, list[EdgeRow]] = {
    EdgeKind.ABOUT: [
        EdgeRow(About(Id(pin), Id(interest), score), at)
        for pin, interest, score, at in product(PINS[:2], INTERESTS[:2], (None, 0.5, 1.0), _TIMES)
    ],
    EdgeKind.IS: [EdgeRow(Is(Id(pin), Id(entity)), at) for pin, entity, at in product(PINS, ENTITIES, _TIMES)],
    EdgeKind.RELATES: [
        EdgeRow(Relates(Id(head), predicate, Id(tail)), at)
        for head, predicate, tail, at in product(ENTITIES[:2], ("likes", "Likes"), ENTITIES, _TIMES)
    ],
}
