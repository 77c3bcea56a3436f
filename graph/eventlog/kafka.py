"""The event log in one partition of a Kafka topic: one order, and offsets that Kafka itself gives.

Appends wait for every replica in sync (acks=all), by an idempotent producer, so that its own retries double nothing. The topic
is made by whoever runs the brokers, with the replicas and the retention that the data deserves; it is only used here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from graph.errors import ConflictError, InvalidInputError, NotFoundError, StoreUnavailableError, TerminalError
from graph.eventlog.envelope import RECORD_BYTES_MAX
from graph.eventlog.port import Record
from graph.settings import KafkaSettings

FORM: Final = "kafka://HOST:PORT[,HOST:PORT]/TOPIC"
_PARTITION: Final = 0
_POLL_S: Final = 0.2
_topic = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)


def parse_url(url: str) -> tuple[str, str]:
    """Bootstrap servers and topic of a URL. Raises InvalidInputError."""
    parts = urlsplit(url)
    topic = parts.path.removeprefix("/")
    if "@" in parts.netloc:
        raise InvalidInputError("credentials do not go into a Kafka URL; set TASTEGRAPH_KAFKA_USERNAME and _PASSWORD")
    if not parts.netloc or not _topic.fullmatch(topic) or parts.query:
        raise InvalidInputError(f"event log URL {url} names no broker or not one topic; write {FORM}")
    return parts.netloc, topic


class KafkaLog:
    """`graph.eventlog.port.EventLog` in a topic of one partition. Connections are made when they are first needed."""

    def __init__(self, bootstrap: str, topic: str, settings: KafkaSettings) -> None:
        self._bootstrap, self._topic, self._timeout_s = bootstrap, topic, settings.timeout_s
        self._options = settings.client_options(bootstrap)
        self._place = TopicPartition(topic, _PARTITION)
        self._checked = False
        self._opening = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self._consumer: AIOKafkaConsumer | None = None

    @property
    def url(self) -> str:
        """kafka://BOOTSTRAP/TOPIC."""
        return f"kafka://{self._bootstrap}/{self._topic}"

    async def append(self, records: Sequence[bytes]) -> list[int]:
        if not records:
            return []
        async with self._told():
            producer = await self._open_producer()
            try:
                async with asyncio.timeout(self._timeout_s):
                    sent = [await producer.send(self._topic, record, partition=_PARTITION) for record in records]
                    return [metadata.offset for metadata in await asyncio.gather(*sent)]
            except (TimeoutError, KafkaError):
                # Its sequence may have a gap that the broker refuses for ever; the next append makes another.
                if self._producer is producer:
                    self._producer = None
                    await _stop(producer, self._timeout_s)
                raise

    async def read(self, start: int, limit: int, wait_s: float = 0.0) -> list[Record]:
        async with self._reading, self._told():
            try:
                return await self._read(await self._open_consumer(), start, limit, wait_s)
            except (TimeoutError, KafkaError):
                await self._close_consumer()
                raise

    async def _read(self, consumer: AIOKafkaConsumer, start: int, limit: int, wait_s: float) -> list[Record]:
        async with asyncio.timeout(self._timeout_s):
            end = (await consumer.end_offsets([self._place]))[self._place]
            first = (await consumer.beginning_offsets([self._place]))[self._place]
        if start > end:
            raise ConflictError(
                f"event log {self.url} ends at offset {end}, before {start}; it is not the one that was read so far"
            )
        if start < first:
            raise TerminalError(
                f"records {start} to {first - 1} of event log {self.url} were deleted before they were read; load what they"
                " held from its source, and keep the topic's records for longer"
            )
        if await consumer.position(self._place) != start:
            consumer.seek(self._place, start)
        loop = asyncio.get_running_loop()
        # What is there needs a moment to be fetched; what is not is waited for as long as was asked.
        until = loop.time() + (self._timeout_s if start < end else wait_s)
        while (left_s := until - loop.time()) > 0:
            fetched = await consumer.getmany(
                self._place, timeout_ms=max(1, int(min(left_s, _POLL_S) * 1000)), max_records=limit
            )
            if records := fetched.get(self._place):
                return [Record(record.offset, record.value or b"") for record in records]
            if start < end <= await consumer.position(self._place):
                return []  # the rest is marks of transactions, which are no records
        if start < end:
            raise TimeoutError(f"nothing came after offset {start - 1}")
        return []

    async def head(self) -> int:
        async with self._reading, self._told():
            try:
                consumer = await self._open_consumer()
                async with asyncio.timeout(self._timeout_s):
                    return (await consumer.end_offsets([self._place]))[self._place]
            except (TimeoutError, KafkaError):
                await self._close_consumer()
                raise

    async def close(self) -> None:
        if self._producer is not None:
            await _stop(self._producer, self._timeout_s)
            self._producer = None
        await self._close_consumer()

    async def _open_producer(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                await self._check_topic()
                producer = AIOKafkaProducer(
                    **self._options,
                    acks="all",
                    enable_idempotence=True,
                    max_batch_size=RECORD_BYTES_MAX * 4,
                )
                await self._start(producer)
                self._producer = producer
            return self._producer

    async def _open_consumer(self) -> AIOKafkaConsumer:
        async with self._opening:
            if self._consumer is None:
                await self._check_topic()
                consumer = AIOKafkaConsumer(
                    **self._options,
                    enable_auto_commit=False,
                    auto_offset_reset="none",
                    isolation_level="read_committed",
                )
                await self._start(consumer)
                consumer.assign([self._place])
                consumer.seek(self._place, 0)
                self._consumer = consumer
            return self._consumer

    async def _start(self, client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await client.start()
        except BaseException:
            await _stop(client, self._timeout_s)
            raise

    async def _close_consumer(self) -> None:
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await _stop(consumer, self._timeout_s)

    async def _check_topic(self) -> None:
        """Raises NotFoundError when the topic is not there, InvalidInputError when it has several partitions."""
        if self._checked:
            return
        admin = AIOKafkaAdminClient(**self._options)
        try:
            async with asyncio.timeout(self._timeout_s):
                await admin.start()
                # All of them: to ask for one by name makes it, where brokers make topics on demand.
                found: list[dict[str, Any]] = await admin.describe_topics()
        finally:
            await admin.close()
        partitions = {topic["topic"]: len(topic["partitions"]) for topic in found}.get(self._topic, 0)
        if not partitions:
            raise NotFoundError(
                f"Kafka at {self._bootstrap} has no topic {self._topic} that we may use; make it with one partition and"
                " retention.ms=-1"
            )
        if partitions > 1:
            raise InvalidInputError(
                f"topic {self._topic} has {partitions} partitions, which have no order among them; give one that has one"
            )
        self._checked = True

    @asynccontextmanager
    async def _told(self) -> AsyncGenerator[None]:
        """Turns what Kafka's client raises into one line of ours."""
        try:
            yield
        except (TimeoutError, KafkaError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise StoreUnavailableError(
                f"event log {self.url} is out of reach ({reason}); check that Kafka runs, and TASTEGRAPH_KAFKA_* for how it is"
                " reached, then try again"
            ) from error


async def _stop(client: AIOKafkaProducer | AIOKafkaConsumer, timeout_s: float) -> None:
    """Stops a client, whatever its broker does; in a task of its own, since `stop` may end by a cancellation that is not ours,
    and leave its connections open (aio-libs/aiokafka#647).
    """
    stopping = asyncio.create_task(client.stop())
    await asyncio.wait({stopping}, timeout=timeout_s)
    if not stopping.done() or stopping.cancelled():
        stopping.cancel()
        if isinstance(client, AIOKafkaConsumer):
            await client._client.close()  # pyright: ignore[reportPrivateUsage]
    else:
        with suppress(KafkaError):
            stopping.result()
