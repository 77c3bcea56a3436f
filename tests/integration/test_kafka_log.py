"""The event log in Kafka where something is amiss: topics that won't do, records that are gone, a broker that stops."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graph.errors import InvalidInputError, NotFoundError, StoreUnavailableError, TerminalError
from graph.eventlog import open_log
from tests.kafka.broker import KafkaBroker
from tests.kafka.topics import create_topic, delete_records, topic_names

pytestmark = pytest.mark.kafka


async def test_a_topic_that_is_not_there_is_not_made(kafka_broker: str):
    log = open_log(f"kafka://{kafka_broker}/nobody-made-this")
    for asking in (log.append([b"x"]), log.read(0, 1), log.head()):
        with pytest.raises(NotFoundError, match="make it with one partition"):
            await asking
    await log.close()
    assert "nobody-made-this" not in topic_names(kafka_broker)


async def test_a_topic_without_one_order(kafka_broker: str, kafka_topic: Callable[..., str]):
    log = open_log(f"kafka://{kafka_broker}/{kafka_topic('wide', partitions=2)}")
    with pytest.raises(InvalidInputError, match="has 2 partitions"):
        await log.append([b"x"])
    await log.close()


async def test_records_that_were_deleted_before_they_were_read(kafka_broker: str, kafka_topic: Callable[..., str]):
    topic = kafka_topic("short-lived")
    log = open_log(f"kafka://{kafka_broker}/{topic}")
    await log.append([b"0", b"1", b"2"])
    delete_records(kafka_broker, topic, before=2)
    with pytest.raises(TerminalError, match=r"records 1 to 1 of event log .* were deleted before they were read"):
        await log.read(1, 10)
    assert [record.offset for record in await log.read(2, 10)] == [2]
    await log.close()


async def test_a_broker_that_dies_and_comes_back(monkeypatch: pytest.MonkeyPatch):
    """While it is away nothing is acknowledged; afterwards the same log works, and what was acknowledged is there."""
    monkeypatch.setenv("TASTEGRAPH_KAFKA_TIMEOUT_S", "3")
    with KafkaBroker() as broker:
        create_topic(broker.bootstrap, "events")
        log = open_log(f"kafka://{broker.bootstrap}/events")
        kept = await log.append([b"before"])
        assert [record.data for record in await log.read(0, 10)] == [b"before"]
        broker.kill()
        with pytest.raises(StoreUnavailableError, match="is out of reach"):
            await log.append([b"meanwhile"])
        with pytest.raises(StoreUnavailableError, match="is out of reach"):
            await log.read(0, 10)
        broker.start()
        kept += await log.append([b"after"])
        held = {record.offset: record.data for record in await log.read(0, 10)}
        assert [held[offset] for offset in kept] == [b"before", b"after"]
        await log.close()
