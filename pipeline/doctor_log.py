"""What the doctor asks of collecting: how far the store is behind the event log, who works on it, what could not be applied."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from typing import Final

from graph.errors import NotFoundError, TastegraphError
from graph.eventlog import open_log
from graph.filelock import is_held
from graph.ports import Check
from graph.settings import GraphSettings, Home
from graph.stores import open_store
from loaders.deadletters import NAME, count_letters

_LOOK_AGAIN_S: Final = 1.0
"""A projector of another host is known only by the store's moving on."""


def collecting(settings: GraphSettings, store_url: str | None) -> list[Check]:
    """The event log and its dead letters."""
    return [_event_log(settings, store_url), _dead_letters(settings.home_dir())]


def _event_log(settings: GraphSettings, store_url: str | None) -> Check:
    name = "event_log"
    try:
        url, head = asyncio.run(_head(settings))
        if not head:
            return Check(name, "nothing was collected yet")
        reached = _reached(settings, store_url)
        if reached + 1 > head:
            found = f"{url} ends at offset {head - 1}, but the store has it up to {reached}: it is not the log that was read"
            return Check(
                name, found, "point TASTEGRAPH_LOG at the log that was, or TASTEGRAPH_STORE at a store of this one"
            )
        found = f"{url} holds {head:,} records, the store is {head - 1 - reached:,} behind"
        if reached + 1 == head or is_held(settings.home_dir().projector_lock):
            return Check(name, found)
        time.sleep(_LOOK_AGAIN_S)
        if _reached(settings, store_url) > reached:
            return Check(name, found)
        return Check(
            name,
            f"{found}, and nobody projects it",
            "run `tastegraph project`, or `tastegraph serve` where the log is a file",
        )
    except TastegraphError as error:
        return Check.failed(name, error)


async def _head(settings: GraphSettings) -> tuple[str, int]:
    log = open_log(None, settings)
    try:
        return log.url, await log.head()
    finally:
        await log.close()


def _reached(settings: GraphSettings, store_url: str | None) -> int:
    """The last offset that the store has; -1 where there is no store."""
    try:
        with closing(open_store(store_url, settings)) as store:
            return store.log_offset()
    except NotFoundError:
        return -1


def _dead_letters(home: Home) -> Check:
    count = count_letters(home.quarantine)
    if not count:
        return Check("dead_letters", "none")
    path = home.quarantine / NAME
    return Check(
        "dead_letters",
        f"{count:,} records of the event log could not be applied: {path}",
        "mend what each line says, record those events again, then delete the file",
    )
