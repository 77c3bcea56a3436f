"""What people do, on its way into the event log: who may tell it, whether it can be so, and the acknowledgement.

Nothing here waits for the store: boards and interests are looked up in the snapshot that is served, and what the store knows
better the projector finds out. What is acknowledged is durable; what is sent again is the same event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
from prometheus_client import CollectorRegistry, Counter

from gql.errors import ApiError, Code
from gql.keys import Principal, Scope
from gql.release import Served
from graph.errors import InvalidInputError, TastegraphError
from graph.eventlog.envelope import encode
from graph.eventlog.events import check_time, envelope_of
from graph.eventlog.port import EventLog
from graph.model import WEIGHTED_EVENTS, Event, EventId, EventKind, Id, NodeKind, check_id
from graph.visibility import Visibility

ITEMS_MAX: Final = 1_000
"""Interactions that one call may tell of."""
T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that was not recorded: its place in the call, a code, and why."""

    index: int
    code: Code
    reason: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """What a client says of one interaction, in raw ids; not yet checked."""

    event_id: str
    kind: EventKind
    user: str
    pin: str
    at: int
    board: str | None = None
    weight: float | None = None
    group_id: str | None = None

    def event(self) -> Event:
        """As an event of the domain. Raises InvalidInputError."""
        weight = 1.0 if self.weight is None and self.kind in WEIGHTED_EVENTS else self.weight
        return Event(
            EventId(check_id(self.event_id, "event id")),
            self.kind,
            check_id(self.user, "user id"),
            NodeKind.PIN,
            check_id(self.pin, "pin id"),
            None if self.board is None else check_id(self.board, "board id"),
            check_time(self.at, now_ms()),
            weight,
            None if self.group_id is None else check_id(self.group_id, "group id"),
        )


class Collector:
    """Appends to the event log for one process."""

    def __init__(self, event_log: EventLog, registry: CollectorRegistry) -> None:
        self.event_log = event_log
        events = Counter(
            "tastegraph_events", "Events that clients told of, by outcome: accepted, refused.",
            ["outcome"], registry=registry,
        )  # fmt: skip
        self._accepted, self._refused = events.labels("accepted"), events.labels("refused")

    async def record(
        self, items: Iterable[T], read: Callable[[T], Event], principal: Principal, served: Served
    ) -> tuple[int, list[Refusal]]:
        """Records what can be recorded; returns how many, and the rest with their reasons. `read` makes an event of an item.

        Raises ApiError (UNAVAILABLE) when the log can't be written: then nothing is acknowledged.
        """
        rules = _Rules(principal, served)
        events: list[tuple[int, Event]] = []
        refusals: list[Refusal] = []
        broken: set[tuple[Id, str | None]] = set()
        for index, item in enumerate(items):
            event = None
            try:
                event = read(item)
                rules.check(event)
                events.append((index, event))
            except (ApiError, InvalidInputError) as error:
                refusals.append(Refusal(index, _code_of(error), str(error)))
                if event is not None and event.group_id is not None:
                    broken.add((event.user, event.group_id))
        kept = [event for _, event in events if (event.user, event.group_id) not in broken]
        refusals += [
            Refusal(
                index, Code.BAD_USER_INPUT, f"another of group {event.group_id!r} was refused; a group is all or none"
            )
            for index, event in events
            if (event.user, event.group_id) in broken
        ]
        await self._append(kept, principal)
        self._accepted.inc(len(kept))
        self._refused.inc(len(refusals))
        return len(kept), sorted(refusals, key=lambda refusal: refusal.index)

    async def record_one(self, event: Event, principal: Principal, served: Served) -> None:
        """Records one event. Raises ApiError when it is refused, or the log can't be written (UNAVAILABLE)."""
        _Rules(principal, served).check(event)
        await self._append([event], principal)
        self._accepted.inc()

    async def _append(self, events: Sequence[Event], principal: Principal) -> None:
        received_at, actor = now_ms(), principal.user or principal.name
        try:
            await self.event_log.append([encode(envelope_of(event, actor, received_at)) for event in events])
        except TastegraphError as error:
            log.error("events_not_recorded", events=len(events), reason=str(error))
            raise ApiError(Code.UNAVAILABLE, "events can't be recorded now; send the same again, soon") from None


class _Rules:
    """Who may tell what, on one release."""

    def __init__(self, principal: Principal, served: Served) -> None:
        self._principal = principal
        self._anyone = principal.may(Scope.WRITE)
        self._snapshot = served.serving.snapshot
        self._visible: Visibility = served.serving.visible(principal.viewer(self._snapshot))

    def check(self, event: Event) -> None:
        """Raises ApiError (FORBIDDEN, NOT_FOUND)."""
        if not self._anyone and not (self._principal.may(Scope.PERSONAL_WRITE) and self._principal.user == event.user):
            raise ApiError(
                Code.FORBIDDEN,
                f"this key may not tell what user {event.user!r} did; use one with the scope `write`, or the user's own",
            )
        if event.board is not None:
            self._check_board(event, event.board)
        if event.target_kind in (NodeKind.BOARD, NodeKind.INTEREST):
            self._find(event.target_kind, event.target, event.user)

    def _check_board(self, event: Event, board: Id) -> None:
        """A SAVE is put on a board of the user's own; an UNSAVE may take it off any that there is."""
        if event.kind is not EventKind.SAVE:
            self._find(NodeKind.BOARD, board, event.user)
            return
        row = self._snapshot.nodes[NodeKind.BOARD].row_of(board)
        # One answer for what is not there and what is another's: a secret board is not to be found out.
        if row is None or not self._owns(row, event.user):
            raise ApiError(
                Code.NOT_FOUND, f"user {event.user!r} owns no board {board!r}; save on one of the user's own"
            )

    def _find(self, kind: NodeKind, id_: Id, user: Id) -> None:
        row = self._snapshot.nodes[kind].row_of(id_)
        if row is None or not self._may_name(kind, row, user):
            raise ApiError(Code.NOT_FOUND, f"there is no {kind} {id_!r}; look it up with `search`")

    def _may_name(self, kind: NodeKind, row: int, user: Id) -> bool:
        return self._anyone or self._visible.node(kind, row) or (kind is NodeKind.BOARD and self._owns(row, user))

    def _owns(self, board_row: int, user: Id) -> bool:
        return self._snapshot.nodes[NodeKind.BOARD].value("owner", board_row) == user


def _code_of(error: ApiError | InvalidInputError) -> Code:
    return error.code if isinstance(error, ApiError) else Code.BAD_USER_INPUT


def now_ms() -> int:
    """The server's clock, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
