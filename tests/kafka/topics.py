"""Topics of a broker made, filled and removed, by plain calls: a test may make them with or without a running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaError, for_code

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Sent:
    """A record to be. value None: a tombstone, which must have a key. at: its time in milliseconds; None is now."""

    value: bytes | None
    key: bytes | None = None
    partition: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()
    at: int | None = None


def is_ready(bootstrap: str) -> bool:
    """True if a broker answers there and every partition that it tells of has a leader."""

    async def ask() -> bool:
        async with _admin(bootstrap) as admin:
            topics = await admin.describe_topics()
            partitions = [partition for topic in topics for partition in topic["partitions"]]
            return bool((await admin.describe_cluster())["brokers"]) and all(p["leader"] >= 0 for p in partitions)

    try:
        return _run(ask())
    except KafkaError:
        return False


def topic_names(bootstrap: str) -> set[str]:
    """The topics that a broker has."""

    async def ask() -> set[str]:
        async with _admin(bootstrap) as admin:
            return set(await admin.list_topics())

    return _run(ask())


def create_topic(bootstrap: str, name: str, partitions: int = 1, **config: str) -> None:
    """Makes a topic of one copy; returns when its partitions have leaders."""

    async def create() -> None:
        async with _admin(bootstrap) as admin:
            made = await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
            _check(made.topic_errors)
            while True:
                (topic,) = await admin.describe_topics([name])
                if not topic["error_code"] and all(p["leader"] >= 0 for p in topic["partitions"]):
                    return
                await asyncio.sleep(0.02)

    _run(create())


def delete_topic(bootstrap: str, name: str) -> None:
    """Removes a topic and all that it holds."""

    async def delete() -> None:
        async with _admin(bootstrap) as admin:
            gone = await admin.delete_topics([name])
            _check(gone.topic_error_codes)

    _run(delete())


def delete_records(bootstrap: str, topic: str, before: int, partition: int = 0) -> None:
    """Removes the records of a partition before an offset, as retention does."""

    async def delete() -> None:
        async with _admin(bootstrap) as admin:
            await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})

    _run(delete())


def send(bootstrap: str, topic: str, records: Iterable[Sent], *, compression: str | None = None) -> None:
    """Appends records in their order, each partition's in its own; returns when all are durable."""

    async def produce() -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5, compression_type=compression
        )
        await producer.start()
        try:
            await asyncio.gather(*[await _sent(producer, topic, record) for record in records])
        finally:
            await producer.stop()

    _run(produce())


def send_in_transaction(bootstrap: str, topic: str, records: Iterable[Sent], *, commit: bool) -> None:
    """Appends records in one transaction, which is then committed or aborted."""

    async def produce() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}-writer")
        await producer.start()
        try:
            await producer.begin_transaction()
            await asyncio.gather(*[await _sent(producer, topic, record) for record in records])
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        finally:
            await producer.stop()

    _run(produce())


async def _sent(producer: AIOKafkaProducer, topic: str, record: Sent) -> asyncio.Future[Any]:
    return await producer.send(
        topic,
        record.value,
        key=record.key,
        partition=record.partition,
        timestamp_ms=record.at,
        headers=list(record.headers),
    )


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def _check(errors: Iterable[tuple[Any, ...]]) -> None:
    for topic, code, *_ in errors:
        if code:
            raise for_code(code)(topic)


def _run(work: Coroutine[Any, Any, Answer]) -> Answer:
    # On a thread: asyncio.run refuses to start inside the loop of a test that is a coroutine itself.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
