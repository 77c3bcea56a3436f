"""The harness that every other Kafka test stands on: a real broker that keeps what it acknowledged, over kill and restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.jvm.maven import ServerUnavailableError
from tests.kafka.broker import KafkaBroker
from tests.kafka.topics import Sent, create_topic, is_ready, send

pytestmark = pytest.mark.kafka


async def values(bootstrap: str, topic: str, partition: int = 0) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        found: list[bytes | None] = []
        while await consumer.position(place) < end:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                found += [record.value for record in records]
        return found
    finally:
        await consumer.stop()


async def test_records_come_back_in_order_partition_by_partition(
    kafka_broker: str, kafka_topic: Callable[..., str]
) -> None:
    topic = kafka_topic("plain", partitions=2)
    send(kafka_broker, topic, [Sent(b"a"), Sent(b"b", partition=1), Sent(None, key=b"k"), Sent("\N{SNOWMAN}".encode())])
    assert await values(kafka_broker, topic) == [b"a", None, "\N{SNOWMAN}".encode()]
    assert await values(kafka_broker, topic, partition=1) == [b"b"]


def test_a_killed_broker_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path / "home") as broker:
        create_topic(broker.bootstrap, "kept")
        send(broker.bootstrap, "kept", [Sent(str(number).encode()) for number in range(1_000)])
        broker.kill()
        assert not broker.is_running
        assert not is_ready(broker.bootstrap)
        broker.start()
        assert asyncio.run(values(broker.bootstrap, "kept")) == [str(number).encode() for number in range(1_000)]


def test_a_port_in_use_is_named(kafka_broker: str, tmp_path: Path) -> None:
    port = int(kafka_broker.rpartition(":")[2])
    with pytest.raises(ServerUnavailableError, match=rf"port {port} is in use"):
        KafkaBroker(tmp_path / "home", port=port).start()


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    (home / "data" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=other\n")
    with pytest.raises(ServerUnavailableError, match=r"ended with exit code \d+ before it answered(.|\n)*node id 7 "):
        KafkaBroker(home).start()
