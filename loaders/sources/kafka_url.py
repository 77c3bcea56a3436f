"""The URL of Kafka topics as a source: kafka://HOST:PORT[,HOST:PORT]/TOPIC[,TOPIC][?table=TABLE][&from=START].

Says what was asked for. Whether it is there is for `loaders.sources.kafka`, which is the one that connects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from graph.errors import InvalidInputError
from graph.model import TimeMs
from loaders.interchange import Table
from loaders.validation.times import parse_time

SCHEME: Final = "kafka://"
DEFAULT_PORT: Final = 9092
_FORM: Final = "kafka://HOST:PORT/TOPIC?table=TABLE&from=START"
_topic = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
_offsets = re.compile(r"[0-9]+:[0-9]+(,[0-9]+:[0-9]+)*", re.ASCII)
_number = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading begins: at the earliest record of each partition, unless one of these says otherwise.

    offset: of a topic's only partition. offsets: by partition, the others from their earliest. at: the first record of that
    time or later, by the records' own times (UTC milliseconds).
    """

    offset: int | None = None
    offsets: Mapping[int, int] = field(default_factory=dict[int, int])
    at: TimeMs | None = None


@dataclass(frozen=True, slots=True)
class TopicSource:
    """Topics to read, and the table of each topic's rows that do not name their own."""

    bootstrap: str
    tables: dict[str, Table]
    start: Start

    @property
    def name(self) -> str:
        """The topics, for people and for the store's list of loads."""
        return ",".join(self.tables)


def parse_url(url: str) -> TopicSource:
    """What a URL asks for. Raises InvalidInputError, which says what is wrong with it."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise InvalidInputError("credentials do not go into a Kafka URL; set TASTEGRAPH_KAFKA_USERNAME and _PASSWORD")
    topics = parts.path.removeprefix("/").split(",")
    if not parts.netloc or not topics[0]:
        raise InvalidInputError(f"{url} names no broker or no topic; give {_FORM}")
    if wrong := [topic for topic in topics if not _topic.fullmatch(topic) or topics.count(topic) > 1]:
        raise InvalidInputError(f"{wrong[0]!r} is no name of a topic, or is named twice; give {_FORM}")
    query = _query(parts.query)
    start = _start(query["from"]) if "from" in query else Start()
    if len(topics) > 1 and (start.offset is not None or start.offsets):
        raise InvalidInputError("offsets count in one topic; load topics one by one, or give from= a time")
    return TopicSource(_bootstrap(parts.netloc), {topic: _table(topic, query.get("table")) for topic in topics}, start)


def _query(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        # Not parse_qs: it reads the plus of a zone such as +02:00 as a space.
        name, _, value = map(unquote, pair.partition("="))
        if name not in {"table", "from"}:
            raise InvalidInputError(f"a Kafka URL takes table and from, not {name!r}; give {_FORM}")
        if name in found:
            raise InvalidInputError(f"the Kafka URL gives {name} twice; give it once")
        found[name] = value
    return found


def _bootstrap(netloc: str) -> str:
    hosts: list[str] = []
    for host in netloc.split(","):
        name, _, port = host.rpartition(":") if re.search(r":[^\]]*$", host) else (host, "", str(DEFAULT_PORT))
        if not name or not (_number.fullmatch(port) and 0 < int(port) < 65536):
            raise InvalidInputError(f"{host!r} is no HOST:PORT of a Kafka broker; give {_FORM}")
        hosts.append(f"{name}:{port}")
    return ",".join(hosts)


def _table(topic: str, given: str | None) -> Table:
    """The table given, else the one that the topic's name ends with."""
    name = given if given is not None else re.split(r"[.-]", topic)[-1]
    if name in {table.value for table in Table}:
        return Table(name)
    if given is not None:
        raise InvalidInputError(f"table={given} is no table; give one of {', '.join(Table)}")
    raise InvalidInputError(
        f"the topic {topic} does not end with the name of a table; say with ?table= whose rows it holds: {', '.join(Table)}"
    )


def _start(text: str) -> Start:
    if text == "earliest":
        return Start()
    if _number.fullmatch(text):
        return Start(offset=int(text))
    if _offsets.fullmatch(text):
        pairs = [pair.partition(":") for pair in text.split(",")]
        return Start(offsets={int(partition): int(offset) for partition, _, offset in pairs})
    at = parse_time(text)
    if at is None or at < 0:
        raise InvalidInputError(
            f"from={text} is no start; give earliest, an offset, PARTITION:OFFSET,…, or a time like 2024-01-31T00:00:00Z"
        )
    return Start(at=TimeMs(at))
