"""What people do now, append-only and in order, before it reaches the store; picked by the URL's scheme."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from graph.errors import InvalidInputError
from graph.eventlog.port import EventLog
from graph.settings import GraphSettings, KafkaSettings

SQLITE: Final = "sqlite:///"
KAFKA: Final = "kafka://"


def is_embedded(url: str) -> bool:
    """Whether the log is a file of this machine, so that whoever serves may project it too."""
    return url.startswith(SQLITE)


def open_log(url: str | None = None, settings: GraphSettings | None = None) -> EventLog:
    """The event log at a URL (by default the settings' one). Nothing is made or connected before it is used.

    Raises InvalidInputError for a URL that can't be used.
    """
    url = url or (settings or GraphSettings()).log_url()
    if url.startswith(SQLITE):
        from graph.eventlog.sqlite import SqliteLog

        if not (path := url.removeprefix(SQLITE)):
            raise InvalidInputError(f"event log URL {url} names no file; write sqlite:///PATH")
        return SqliteLog(Path(path))
    if url.startswith(KAFKA):
        from graph.eventlog.kafka import KafkaLog, parse_url

        return KafkaLog(*parse_url(url), KafkaSettings())
    raise InvalidInputError(f"event log URL {url} is of no known kind; use sqlite:///PATH or kafka://HOST:PORT/TOPIC")
