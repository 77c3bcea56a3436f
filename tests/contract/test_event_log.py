"""The event log's contract, the same for SQLite and Kafka: order, offsets, durability on acknowledgement, many writers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from graph.errors import ConflictError
from graph.eventlog import open_log
from graph.eventlog.port import EventLog

OpenLog = Callable[[], EventLog]
"""Opens the test's log once more, as another process would."""


def numbered(*numbers: int) -> list[bytes]:
    return [f"record {number}".encode() for number in numbers]


async def everything(log: EventLog) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while len(found) < await log.head():
        found += [tuple(record) for record in await log.read(len(found), 100)]  # type: ignore[misc]
    return found


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
async def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[OpenLog]:
    url = f"sqlite:///{tmp_path}/log.db"
    if request.param == "kafka":
        bootstrap = request.getfixturevalue("kafka_broker")
        url = f"kafka://{bootstrap}/{request.getfixturevalue('kafka_topic')('events')}"
    opened: list[EventLog] = []

    def open_one() -> EventLog:
        opened.append(open_log(url))
        return opened[-1]

    yield open_one
    for log in opened:
        await log.close()


@pytest.fixture
def log(open_again: OpenLog) -> EventLog:
    return open_again()


async def test_a_new_log_is_empty(log: EventLog):
    assert await log.head() == 0
    assert await log.read(0, 10) == []
    assert await log.append([]) == []


async def test_offsets_count_from_nought_in_the_order_of_appends(log: EventLog):
    assert await log.append(numbered(0, 1)) == [0, 1]
    assert await log.append(numbered(2)) == [2]
    assert await log.head() == 3
    assert await everything(log) == list(enumerate(numbered(0, 1, 2)))


async def test_it_is_read_from_an_offset_and_up_to_a_limit(log: EventLog):
    await log.append(numbered(*range(6)))
    assert [record.offset for record in await log.read(2, 3)] == [2, 3, 4]
    assert [record.offset for record in await log.read(0, 1)] == [0]
    assert [record.offset for record in await log.read(5, 9)] == [5]
    assert await log.read(6, 9) == []


async def test_an_offset_beyond_the_end_is_another_logs(log: EventLog):
    await log.append(numbered(0))
    with pytest.raises(ConflictError, match="ends at offset 1, before 7"):
        await log.read(7, 1)


async def test_bytes_come_back_as_they_were(log: EventLog):
    records = [bytes(range(256)), b"x" * 65_536, "ş".encode()]
    await log.append(records)
    assert [data for _, data in await everything(log)] == records


async def test_what_was_acknowledged_is_seen_by_whoever_opens_it(log: EventLog, open_again: OpenLog):
    await log.append(numbered(0, 1))
    other = open_again()
    assert await everything(other) == list(enumerate(numbered(0, 1)))
    assert await other.append(numbered(2)) == [2]
    assert await everything(log) == list(enumerate(numbered(0, 1, 2)))


async def test_appends_that_run_at_once_keep_each_its_order(log: EventLog, open_again: OpenLog):
    """Two that opened the log, each with many appends at once: every record is there once, where its offset says."""
    logs = [log, open_again()]
    appends = [numbered(*range(start, start + 7)) for start in range(0, 700, 7)]
    offsets = await asyncio.gather(*[logs[place % 2].append(records) for place, records in enumerate(appends)])
    held = dict(await everything(log))
    assert len(held) == 700
    for records, places in zip(appends, offsets, strict=True):
        assert places == sorted(places)
        assert [held[place] for place in places] == records


async def test_a_reader_that_waits_has_it_as_soon_as_it_is_there(log: EventLog, open_again: OpenLog):
    waiting = asyncio.create_task(open_again().read(0, 10, wait_s=30))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await log.append(numbered(0))
    assert [record.data for record in await waiting] == numbered(0)


async def test_a_reader_that_waits_in_vain_gets_nothing(log: EventLog):
    await log.append(numbered(0))
    assert await log.read(1, 10, wait_s=0.1) == []


async def test_whoever_gives_up_waiting_harms_nobody_else(log: EventLog):
    await log.append(numbered(0))
    given_up = asyncio.create_task(log.append(numbered(1)))
    await asyncio.sleep(0)
    given_up.cancel()
    (offset,) = await log.append(numbered(2))
    assert (await everything(log))[offset] == (offset, b"record 2")


async def test_closing_makes_the_appends_that_wait(log: EventLog, open_again: OpenLog):
    appending = asyncio.create_task(log.append(numbered(0)))
    await asyncio.sleep(0)
    await log.close()
    (offset,) = await appending
    assert await everything(open_again()) == [(offset, b"record 0")]
