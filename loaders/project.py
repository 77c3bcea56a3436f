"""The projector: reads the event log in order and writes the store, its position in the transaction of what it wrote.

So a record's effect is there exactly once, wherever the projector was killed: what was not committed is read again, and an
event that comes twice is the same event. What can't be applied goes to the dead letters, and the rest goes on.

It must not be imported with anything of the batch loaders: it runs in every server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from graph.errors import InvalidEventError, TransientError
from graph.eventlog.envelope import Envelope, RecordType, decode
from graph.eventlog.events import FUTURE_MS, GRAPH_TYPES, event_of
from graph.eventlog.port import EventLog, Record
from graph.model import BARE_KINDS, Event, Id, NodeKind
from graph.ports import EventBatch, GraphStore, Outcome
from loaders.deadletters import DeadLetter, DeadLetters

BATCH_RECORDS: Final = 5_000
"""Records of one transaction at most."""
_WAIT_S: Final = 0.5
"""How long one look at the log waits for something new, and so how long it takes to stop."""
_PAUSE_S: Final = (0.5, 30.0)
"""The first and the longest pause after the store or the log was out of reach."""


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projector did since it began. Each record is in exactly one of the outcome, `passed_over` and `dead_letters`."""

    records: int = 0
    outcome: Outcome = field(default_factory=Outcome)
    passed_over: int = 0
    """Records that are no edges of the graph: exposures."""
    dead_letters: int = 0
    log_offset: int = -1
    """The last offset that the store has."""

    def as_dict(self) -> dict[str, Any]:
        """For a command's result."""
        outcome = self.outcome
        return {
            "records": self.records,
            "written": outcome.written,
            "unchanged": outcome.unchanged,
            "duplicates": outcome.duplicates,
            "conflicts": outcome.conflicts,
            "passed_over": self.passed_over,
            "dead_letters": self.dead_letters,
            "log_offset": self.log_offset,
        }


class _Placed(NamedTuple):
    record: Record
    event: Event


@dataclass(slots=True)
class _Judged:
    """A run of records, each in one of three lists."""

    events: list[_Placed] = field(default_factory=list[_Placed])
    dead: list[DeadLetter] = field(default_factory=list[DeadLetter])
    passed_over: int = 0


class Projector:
    """Writes one log into one store. Whoever runs it holds the home's lock (`Home.projector_lock`)."""

    def __init__(
        self,
        log: EventLog,
        open_store: Callable[[], GraphStore],
        dead_letters: DeadLetters,
        tell: Callable[[str], None],
    ) -> None:
        """`open_store` is called when there is something to write; `tell` is given one line for a person now and then."""
        self._log, self._open_store, self._dead_letters, self._tell = log, open_store, dead_letters, tell
        self._store: GraphStore | None = None
        self._next: int | None = None
        self.done = Projected()

    async def run(self, stop: asyncio.Event) -> None:
        """Follows the log until it is told to stop; waits where the store or the log is out of reach.

        Raises TerminalError for what waiting does not mend: another log, records that are gone, a store of another version.
        """
        pause_s = _PAUSE_S[0]
        while not stop.is_set():
            try:
                await self.step(_WAIT_S)
                pause_s = _PAUSE_S[0]
            except TransientError as error:
                self._tell(f"{error}; the projector tries again in {pause_s:g} s")
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await stop.wait()
                pause_s = min(2 * pause_s, _PAUSE_S[1])

    async def catch_up(self) -> None:
        """Projects what is in the log as it begins. Raises TastegraphError."""
        head = await self._log.head()
        while await self.step() and self.done.log_offset + 1 < head:
            pass

    async def step(self, wait_s: float = 0.0) -> int:
        """Projects one run of records, and returns how many; waits up to `wait_s` for one. Raises TastegraphError."""
        position = await self._position()
        if position is None:
            await self._log.read(0, 1, wait_s)
            return 0
        records = await self._log.read(position, BATCH_RECORDS, wait_s)
        if len(records) == BATCH_RECORDS:
            records = _without_half_a_group(records)
        if not records:
            return 0
        try:
            await asyncio.to_thread(self._write, records)
        except BaseException:
            self._next = None  # whether it was committed is for the store to say
            raise
        self._next = records[-1].offset + 1
        return len(records)

    async def _position(self) -> int | None:
        """The first offset that the store does not have; None, and no store is made, while the log never held anything."""
        if self._next is None:
            if self._store is None and not await self._log.head():
                return None
            self._next = await asyncio.to_thread(lambda: self._opened().log_offset()) + 1
        return self._next

    def close(self) -> None:
        """Closes the store."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _opened(self) -> GraphStore:
        if self._store is None:
            store = self._open_store()
            try:
                store.migrate()
            except BaseException:
                store.close()
                raise
            self._store = store
        return self._store

    def _write(self, records: Sequence[Record]) -> None:
        """One transaction: events, and the position after them. Dead letters and bare nodes come before it."""
        store = self._opened()
        judged = _judged(records, time.time_ns() // 1_000_000)
        _bury_lost(judged, store)
        _bury_halves(judged)
        for kind, ids in _bare(judged.events).items():
            if missing := store.missing(kind, ids):
                store.ensure_nodes(kind, sorted(missing))
        judged.dead.sort(key=lambda letter: letter.record.offset)
        if new := self._dead_letters.add(judged.dead):
            self._tell(f"{new} records of the event log can't be applied; see {self._dead_letters.path}")
        batch = EventBatch.of([p.event for p in judged.events], [p.record.offset for p in judged.events])
        outcome = store.write_events(batch, log_offset=records[-1].offset)
        done = self.done
        self.done = Projected(
            records=done.records + len(records),
            outcome=done.outcome + outcome,
            passed_over=done.passed_over + judged.passed_over,
            dead_letters=done.dead_letters + len(judged.dead),
            log_offset=records[-1].offset,
        )


def _judged(records: Iterable[Record], now_ms: int) -> _Judged:
    """The events of some records, as far as they can be told without the store."""
    judged = _Judged()
    for record in records:
        try:
            envelope = decode(record.data)
            if envelope.type in GRAPH_TYPES:
                judged.events.append(_Placed(record, _event(envelope, now_ms)))
            elif envelope.type is RecordType.EXPOSURE:
                judged.passed_over += 1
            else:
                raise InvalidEventError(f"records of type {envelope.type} are not applied by this version")
        except InvalidEventError as error:
            judged.dead.append(DeadLetter(record, str(error)))
    return judged


def _event(envelope: Envelope, now_ms: int) -> Event:
    """Raises InvalidEventError also when the record claims to have been received in the future."""
    if envelope.received_at > now_ms + FUTURE_MS:
        raise InvalidEventError(f"received_at lies {(envelope.received_at - now_ms) / 1000:,.0f} s in the future")
    return event_of(envelope)


def _bury_lost(judged: _Judged, store: GraphStore) -> None:
    """Takes out events that name a board or an interest that the store has not: those can't be made of a mere id."""
    named: dict[NodeKind, set[Id]] = {}
    for _, event in judged.events:
        for kind, id_ in _ends(event):
            if kind not in BARE_KINDS:
                named.setdefault(kind, set()).add(id_)
    missing = {kind: store.missing(kind, sorted(ids)) for kind, ids in named.items()}
    if not any(missing.values()):
        return
    kept: list[_Placed] = []
    for placed in judged.events:
        lost = [f"{kind} {id_!r}" for kind, id_ in _ends(placed.event) if id_ in missing.get(kind, ())]
        if lost:
            judged.dead.append(DeadLetter(placed.record, f"there is no {lost[0]} in the store"))
        else:
            kept.append(placed)
    judged.events = kept


def _bury_halves(judged: _Judged) -> None:
    """Takes out what belongs to a group of which something can't be applied: half a move would lose a save."""
    groups = {group for letter in judged.dead if (group := _group_of(letter.record)) is not None}
    if not groups:
        return
    whole = [placed for placed in judged.events if (placed.event.user, placed.event.group_id) not in groups]
    halves = [placed for placed in judged.events if (placed.event.user, placed.event.group_id) in groups]
    judged.dead += [
        DeadLetter(half.record, f"another of group {half.event.group_id!r} can't be applied") for half in halves
    ]
    judged.events = whole


def _group_of(record: Record) -> tuple[Any, Any] | None:
    """The user and the group that a record names; None where it names none, or can't be read at all."""
    try:
        payload = decode(record.data).payload
    except InvalidEventError:
        return None
    group = payload.get("group_id")
    return (payload.get("user"), group) if isinstance(group, str) else None


def _without_half_a_group(records: list[Record]) -> list[Record]:
    """A run that was cut at its limit, without the group at its end, whose rest may lie beyond."""
    last = _group_of(records[-1])
    if last is None:
        return records
    end = len(records)
    while end and _group_of(records[end - 1]) == last:
        end -= 1
    return records[:end] or records


def _bare(placed: Iterable[_Placed]) -> dict[NodeKind, list[Id]]:
    """The nodes that may be made of a mere id."""
    named: dict[NodeKind, set[Id]] = {}
    for _, event in placed:
        for kind, id_ in _ends(event):
            if kind in BARE_KINDS:
                named.setdefault(kind, set()).add(id_)
    return {kind: sorted(ids) for kind, ids in sorted(named.items())}


def _ends(event: Event) -> Iterable[tuple[NodeKind, Id]]:
    """Every node that an event names."""
    yield NodeKind.USER, event.user
    yield event.target_kind, event.target
    if event.board is not None:
        yield NodeKind.BOARD, event.board
