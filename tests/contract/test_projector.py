"""The projector on either store: what is in the log takes effect once, whatever happens, and what can't is kept apart."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from graph.errors import ConflictError, StoreUnavailableError
from graph.eventlog import open_log
from graph.eventlog.envelope import Envelope, RecordType, encode
from graph.eventlog.events import envelope_of
from graph.eventlog.port import EventLog
from graph.model import Event, EventKind, NodeKind
from graph.ports import EventBatch, GraphStore
from loaders import project
from loaders.deadletters import DeadLetters
from loaders.project import Projector
from tests.contract.conftest import OpenStore
from tests.graphs import BOARDS, INTERESTS, day, event

K = EventKind
NOW = int(time.time() * 1000)
STREAM = [
    event(K.SAVE, "ada", "fern", day(1), board="ada-garden", event_id="one"),
    event(K.VIEW, "new-user", "new-pin", day(2), weight=2.0),
    event(K.HIDE, "ada", "moss", day(3)),
    event(K.FOLLOW, "ada", "another-user", day(4), target_kind=NodeKind.USER),
    event(K.FOLLOW, "ada", "bo-kitchen", day(4), target_kind=NodeKind.BOARD),
    event(K.UNFOLLOW, "ada", "gardening", day(5), target_kind=NodeKind.INTEREST),
    event(K.MUTE, "bo", "food", day(6), target_kind=NodeKind.INTEREST),
    event(K.UNSAVE, "ada", "fern", day(7), board="ada-garden", group_id="move"),
    event(K.SAVE, "ada", "fern", day(7), board="ada-wedding", group_id="move"),
]


def record(said: Event, received_at: int = NOW) -> bytes:
    return encode(envelope_of(said, "admin", received_at))


def raw(**fields: Any) -> bytes:
    whole = {"v": 1, "type": "interaction", "event_id": "x", "at": 1, "received_at": NOW, "actor": "admin"}
    payload = {"kind": "VIEW", "user": "ada", "pin": "fern"}
    return orjson.dumps({**whole, "payload": payload, **fields})


def fill_nodes(store: GraphStore) -> None:
    from graph.model import NodeRow

    store.ensure_nodes(NodeKind.USER, sorted({board.owner for board in BOARDS}))
    store.write_nodes(NodeKind.BOARD, [NodeRow(board) for board in BOARDS])
    store.write_nodes(NodeKind.INTEREST, [NodeRow(interest) for interest in INTERESTS])


@pytest.fixture
async def log(tmp_path: Path) -> AsyncGenerator[EventLog]:
    log = open_log(f"sqlite:///{tmp_path}/log.db")
    yield log
    await log.close()


Make = Callable[[], Projector]


@pytest.fixture
def make(open_again: OpenStore, store: GraphStore, log: EventLog, tmp_path: Path) -> Make:
    """Another projector of the same log and store, as after a restart."""
    fill_nodes(store)
    return lambda: Projector(log, open_again, DeadLetters(tmp_path / "quarantine", log.url), lambda _: None)


def letters(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "quarantine" / "dead-letters.jsonl"
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def loaded(open_again: OpenStore, events: Iterable[Event]) -> str:
    """The content hash of a store that was given the same events by a load, at once."""
    ends = open_again()
    fill_nodes(ends)
    ends.ensure_nodes(NodeKind.USER, ["ada", "bo", "new-user", "another-user"])  # type: ignore[list-item]
    ends.ensure_nodes(NodeKind.PIN, ["fern", "moss", "new-pin"])  # type: ignore[list-item]
    ends.write_events(EventBatch.of(list(events)))
    return ends.content_hash()


async def test_every_kind_of_event_takes_effect(make: Make, log: EventLog, store: GraphStore, open_again: OpenStore):
    await log.append([record(said) for said in STREAM])
    projector = make()
    await projector.catch_up()
    assert projector.done.as_dict() == {
        "records": 9,
        "written": 9,
        "unchanged": 0,
        "duplicates": 0,
        "conflicts": 0,
        "passed_over": 0,
        "dead_letters": 0,
        "log_offset": 8,
    }
    assert store.log_offset() == 8
    assert [(pin, board) for pin, board, _ in store.saves("ada", 10)] == [("fern", "ada-wedding")]  # type: ignore[arg-type]
    assert store.content_hash() == loaded(open_again, STREAM)


async def test_what_is_repeated_takes_effect_once(make: Make, log: EventLog, store: GraphStore):
    await log.append([record(said) for said in STREAM])
    await make().catch_up()
    before = store.content_hash()
    await log.append([record(said) for said in STREAM])
    again = make()
    await again.catch_up()
    assert (again.done.records, again.done.outcome.unchanged, again.done.outcome.written) == (9, 9, 0)
    assert (store.content_hash(), store.log_offset()) == (before, 17)


async def test_replaying_the_log_from_its_start_changes_nothing(make: Make, log: EventLog, store: GraphStore):
    await log.append([record(said) for said in STREAM])
    await make().catch_up()
    before = store.content_hash()
    store.write_events(EventBatch.of([]), log_offset=-1)
    await make().catch_up()
    assert (store.content_hash(), store.log_offset()) == (before, 8)


async def test_it_goes_on_where_another_stopped(make: Make, log: EventLog, store: GraphStore):
    await log.append([record(STREAM[0])])
    await make().catch_up()
    await log.append([record(STREAM[1])])
    second = make()
    await second.catch_up()
    assert (second.done.records, store.log_offset()) == (1, 1)


REFUSED = [
    (raw(v=2), "version 2"),
    (raw(type="nonsense"), "no event envelope"),
    (b"{", "no event envelope"),
    (raw(payload={"kind": "VIEW", "user": "ada"}), "pin"),
    (raw(payload={"kind": "VIEW", "user": "ada", "pin": "fern", "surprise": 1}), "surprise"),
    (raw(payload={"kind": "FOLLOW", "user": "ada", "pin": "fern"}), "no kind of a record of type interaction"),
    (raw(payload={"kind": "VIEW", "user": "a" * 65, "pin": "fern"}), "longer than 64 bytes"),
    (raw(payload={"kind": "VIEW", "user": "ada", "pin": "fern", "weight": -1}), "weight"),
    (raw(payload={"kind": "SAVE", "user": "ada", "pin": "fern", "board": "nobody-has-it"}), "no Board 'nobody-has-it'"),
    (raw(type="taste", payload={"kind": "MUTE", "user": "ada", "interest": "none"}), "no Interest 'none'"),
    (raw(event_id=""), "event_id is empty"),
    (raw(at=NOW + 301_000), "in the future"),
    (raw(at=NOW + 86_400_000, received_at=NOW + 86_400_000), "in the future"),
    (raw(at=2**63), "is no time"),
    (raw(type="erasure", payload={}), "not applied by this version"),
]


async def test_what_can_not_be_applied_is_kept_with_its_reason(
    make: Make, log: EventLog, store: GraphStore, tmp_path: Path
):
    """Between two good events, which both take effect."""
    await log.append([record(STREAM[0]), *(data for data, _ in REFUSED), record(STREAM[2])])
    projector = make()
    await projector.catch_up()
    assert (projector.done.dead_letters, projector.done.outcome.written) == (len(REFUSED), 2)
    assert store.log_offset() == len(REFUSED) + 1
    found = letters(tmp_path)
    assert [letter["offset"] for letter in found] == list(range(1, len(REFUSED) + 1))
    for letter, (data, reason) in zip(found, REFUSED, strict=True):
        assert reason in letter["reason"]
        assert letter["record"] == data.decode()
    assert (tmp_path / "quarantine" / "dead-letters.jsonl").stat().st_mode & 0o777 == 0o600


async def test_half_a_move_is_none(make: Make, log: EventLog, store: GraphStore, tmp_path: Path):
    """The board that the pin shall go to is not there: then it also stays on the one that it is on."""
    await log.append([record(STREAM[0])])
    away = event(K.UNSAVE, "ada", "fern", day(2), board="ada-garden", group_id="move")
    there = event(K.SAVE, "ada", "fern", day(2), board="nobody-has-it", group_id="move")
    other = event(K.UNSAVE, "bo", "fern", day(2), group_id="move")
    await log.append([record(said) for said in (away, there, other)])
    await make().catch_up()
    assert [(pin, board) for pin, board, _ in store.saves("ada", 10)] == [("fern", "ada-garden")]  # type: ignore[arg-type]
    assert [letter["offset"] for letter in letters(tmp_path)] == [1, 2]
    assert [said.kind for said in store.events("bo", 10)] == [K.UNSAVE]  # type: ignore[arg-type]


async def test_a_group_is_of_one_transaction(
    make: Make, log: EventLog, store: GraphStore, monkeypatch: pytest.MonkeyPatch
):
    """Also where a run ends in its middle."""
    monkeypatch.setattr(project, "BATCH_RECORDS", 3)
    await log.append([record(STREAM[0]), record(STREAM[2]), record(STREAM[7]), record(STREAM[8])])
    projector = make()
    assert await projector.step() == 2
    assert [board for _, board, _ in store.saves("ada", 10)] == ["ada-garden"]  # type: ignore[arg-type]
    assert await projector.step() == 2
    assert [board for _, board, _ in store.saves("ada", 10)] == ["ada-wedding"]  # type: ignore[arg-type]


async def test_exposures_are_passed_over(make: Make, log: EventLog, store: GraphStore, tmp_path: Path):
    exposure = Envelope(
        v=1, type=RecordType.EXPOSURE, event_id="e", at=1, received_at=NOW, actor="admin", payload={"any": "thing"}
    )
    await log.append([encode(exposure)])
    projector = make()
    await projector.catch_up()
    assert (projector.done.passed_over, projector.done.dead_letters, store.log_offset()) == (1, 0, 0)
    assert letters(tmp_path) == []


async def test_another_log_is_refused(make: Make, log: EventLog, store: GraphStore):
    """A store that has more of the log than there is: events of this one would be taken for known ones."""
    await log.append([record(STREAM[0])])
    store.write_events(EventBatch.of([]), log_offset=41)
    with pytest.raises(ConflictError, match="ends at offset 1, before 42"):
        await make().catch_up()
    assert store.log_offset() == 41


@pytest.mark.parametrize("committed", [True, False])
async def test_a_failure_around_the_commit(
    make: Make, log: EventLog, store: GraphStore, tmp_path: Path, committed: bool
):
    """The same projector goes on, whether the store had committed or not; nothing is lost, nothing is there twice."""
    await log.append([record(STREAM[0]), b"{", record(STREAM[2])])
    projector = make()
    write, failed = projector._write, []

    def failing(records: Any) -> None:
        if not failed:
            failed.append(True)
            if committed:
                write(records)
            raise StoreUnavailableError("injected; try again")
        write(records)

    projector._write = failing  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailableError):
        await projector.catch_up()
    await projector.catch_up()
    assert store.log_offset() == 2
    assert {said.kind for said in store.events("ada", 10)} == {K.SAVE, K.HIDE}  # type: ignore[arg-type]
    assert [letter["offset"] for letter in letters(tmp_path)] == [1]
