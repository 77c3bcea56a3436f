"""Kafka topics as a source of a load: what they hold now is read once, from a start to where they end as the read begins.

Partition by partition, in the order of offsets, so that the same range gives the same files. No consumer group: nothing is
committed at the broker, and a load leaves no trace there. Only what transactions committed is read. Rows are judged later.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError, OffsetOutOfRangeError
from rich.progress import Progress

from graph.console import say
from graph.errors import InvalidInputError, StoreUnavailableError, TerminalError, TransientError
from graph.settings import KafkaSettings
from loaders.coverage import LogRange
from loaders.interchange import Folder, Table
from loaders.sources.kafka_url import Start, TopicSource
from loaders.sources.records import LogRecord, Spool

TABLE_HEADER: Final = "table"
"""A record's header that names the table of its row, over the topic's own."""
_POLL_S: Final = 0.5
_TABLES: Final = {table.value.encode(): table for table in Table}


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets of one partition: those from `start` up to, not including, `end`."""

    topic: str
    partition: int
    start: int
    end: int

    @property
    def origin(self) -> str:
        """What the quarantine calls it."""
        return f"{self.topic}/{self.partition}"

    def __str__(self) -> str:
        return f"{self.origin} from {self.start} to {self.end}"


def read_topics(source: TopicSource, settings: KafkaSettings, workspace: Path, bars: Progress) -> Folder:
    """Reads topics into files of `workspace`, which is private to the load; these make the folder to be loaded.

    Raises InvalidInputError for a topic or an offset that is not there, StoreUnavailableError when no broker answers in time,
    TransientError when records are deleted while they are read.
    """
    folder = workspace / f"kafka-{source.name}"[:200]
    folder.mkdir()
    with _overheard() as log, _told(source, log):
        return asyncio.run(_Reading(source, settings, folder, bars).run())


class _Reading:
    """One read of some topics, each step within the settings' time."""

    def __init__(self, source: TopicSource, settings: KafkaSettings, folder: Path, bars: Progress) -> None:
        self._source, self._settings, self._folder, self._bars = source, settings, folder, bars
        self._options = settings.client_options(source.bootstrap)

    async def run(self) -> Folder:
        async with asyncio.timeout(self._settings.timeout_s):
            cluster, partitions = await self._partitions()
        async with self._consumer() as consumer:
            async with asyncio.timeout(self._settings.timeout_s):
                ranges = await _ranges(consumer, self._source.start, partitions)
            say("reading " + "; ".join(map(str, ranges)))
            about = {"ranges": orjson.dumps([[r.topic, r.partition, r.start, r.end] for r in ranges]).decode()}
            with Spool(self._folder, about) as spool:
                for table in self._source.tables.values():
                    spool.make(table)
                for span in ranges:
                    await self._read(consumer, span, spool)
        files = {table: (spool.files[table],) for table in Table if table in spool.files}
        covered = tuple(LogRange(f"{cluster}/{span.origin}", span.start, span.end) for span in ranges)
        return Folder(self._folder, files, None, covered)

    async def _partitions(self) -> tuple[str, list[TopicPartition]]:
        """What the cluster calls itself, and all partitions of the topics, in order.

        Raises InvalidInputError for a topic that is not there.
        """
        admin = AIOKafkaAdminClient(**self._options)
        try:
            await admin.start()
            # All of them: to ask for one by name makes it, where brokers make topics on demand.
            found: list[dict[str, Any]] = await admin.describe_topics()
            cluster: str | None = (await admin.describe_cluster())["cluster_id"]
        finally:
            await admin.close()
        known = {topic["topic"]: [part["partition"] for part in topic["partitions"]] for topic in found}
        if missing := [topic for topic in self._source.tables if not known.get(topic)]:
            raise InvalidInputError(
                f"Kafka at {self._source.bootstrap} has no topic {missing[0]} that we may read; check its name, and our rights"
            )
        partitions = [TopicPartition(topic, part) for topic in self._source.tables for part in sorted(known[topic])]
        return cluster or self._source.bootstrap, partitions

    @asynccontextmanager
    async def _consumer(self) -> AsyncGenerator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
        )
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await consumer.start()
            yield consumer
        finally:
            await _stop(consumer, self._settings.timeout_s)

    async def _read(self, consumer: AIOKafkaConsumer, span: Range, spool: Spool) -> None:
        """Every record of a range; a partition that does not advance in time is given up."""
        place, default = TopicPartition(span.topic, span.partition), self._source.tables[span.topic]
        bar = self._bars.add_task(f"reading {span.origin}", total=span.end - span.start)
        spool.begin(span.origin)
        consumer.assign([place])
        consumer.seek(place, span.start)
        loop = asyncio.get_running_loop()
        position, moved_at = span.start, loop.time()
        while position < span.end:
            try:
                fetched = await consumer.getmany(place, timeout_ms=int(_POLL_S * 1000))
            except KafkaError as error:
                if isinstance(error, OffsetOutOfRangeError) or error.retriable:
                    raise
                raise TerminalError(f"{span.origin} can't be read at offset {position}: {_reason(error)}") from None
            for record in fetched.get(place, ()):
                if record.offset < span.end:
                    spool.add(*_row(record, default))
            now, before = loop.time(), position
            # Not the last record's: offsets have gaps where records were compacted away, and at ends of transactions.
            position = await consumer.position(place)
            if position > before:
                moved_at = now
            elif now - moved_at > self._settings.timeout_s:
                raise TimeoutError(f"{span.origin} gave nothing after offset {position - 1}")
            self._bars.update(bar, completed=min(position, span.end) - span.start)


async def _stop(consumer: AIOKafkaConsumer, timeout_s: float) -> None:
    """Stops a consumer, whatever its broker does.

    While a fetch waits to be tried again, `stop` fails with the cancellation of that fetch, and leaves its connections open
    (aio-libs/aiokafka#647). So it has a task of its own, and what it left is closed here.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait({stopping}, timeout=timeout_s)
    if not stopping.done() or stopping.cancelled():
        stopping.cancel()
        await consumer._client.close()  # pyright: ignore[reportPrivateUsage]
    else:
        stopping.result()


def _row(record: ConsumerRecord[bytes | None, bytes | None], default: Table) -> tuple[Table, LogRecord]:
    """A record, and the table of its row."""
    at = record.timestamp if record.timestamp >= 0 else None  # -1 says that there is none
    for name, value in record.headers:
        if name == TABLE_HEADER:
            named = value or b""
            table = _TABLES.get(named)
            if table is None:
                return default, LogRecord(record.offset, record.value, at, named.decode(errors="backslashreplace"))
            return table, LogRecord(record.offset, record.value, at)
    return default, LogRecord(record.offset, record.value, at)


async def _ranges(consumer: AIOKafkaConsumer, start: Start, partitions: list[TopicPartition]) -> list[Range]:
    """What there is to read now, an empty range of a partition included."""
    first = await consumer.beginning_offsets(partitions)
    end = await consumer.end_offsets(partitions)
    begin = dict(first)
    if start.at is not None:
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, start.at))
        begin = {place: end[place] if at is None else min(at.offset, end[place]) for place, at in found.items()}
    for place, offset in _asked(start, partitions).items():
        if not first[place] <= offset <= end[place]:
            raise InvalidInputError(
                f"{place.topic}/{place.partition} holds offsets {first[place]} to {end[place]}, and from= asks for {offset}"
            )
        begin[place] = offset
    return [Range(place.topic, place.partition, begin[place], end[place]) for place in partitions]


def _asked(start: Start, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    """The offsets that were asked for. Raises InvalidInputError when it is not said of which partition, or of one too many."""
    if start.offset is not None:
        if len(partitions) > 1:
            raise InvalidInputError(
                f"{partitions[0].topic} has {len(partitions)} partitions; say of which, such as from=0:{start.offset},1:0"
            )
        return {partitions[0]: start.offset}
    by_number = {place.partition: place for place in partitions}
    if unknown := [partition for partition in start.offsets if partition not in by_number]:
        raise InvalidInputError(f"{partitions[0].topic} has no partition {unknown[0]}; it has {len(partitions)}")
    return {by_number[partition]: offset for partition, offset in start.offsets.items()}


@contextmanager
def _overheard() -> Generator[deque[str]]:
    """The last things that aiokafka logged: only there does it say why a connection failed, over and over, on stderr."""
    heard: deque[str] = deque(maxlen=1)
    logger = logging.getLogger("aiokafka")

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    ear, propagated = Ear(logging.WARNING), logger.propagate
    logger.addHandler(ear)
    logger.propagate = False
    try:
        yield heard
    finally:
        logger.propagate = propagated
        logger.removeHandler(ear)


@contextmanager
def _told(source: TopicSource, log: deque[str]) -> Generator[None]:
    """Turns what Kafka's client raises into one line of ours."""
    try:
        yield
    except OffsetOutOfRangeError:
        raise TransientError(
            f"records of {source.name} were deleted while they were read; run the load again"
        ) from None
    except (TimeoutError, KafkaError) as error:
        why = (
            log[-1].partition("\n")[0]
            if log and isinstance(error, TimeoutError | KafkaConnectionError)
            else _reason(error)
        )
        raise StoreUnavailableError(
            f"Kafka at {source.bootstrap} is out of reach ({why}); check that it runs, and TASTEGRAPH_KAFKA_* for how it is"
            " reached, then run the load again: nothing was written"
        ) from None


def _reason(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
