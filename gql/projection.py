"""The projector beside the requests: where the log is a file of this machine, one of the workers writes it into the store.

Which one, the home's lock decides; when that worker dies another takes over. Store calls are made in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, suppress
from typing import Final

import structlog
from aiohttp import web

from gql.api import API
from gql.collect import Collector
from graph.errors import ConflictError, TastegraphError
from graph.eventlog import is_embedded, open_log
from graph.eventlog.port import EventLog
from graph.filelock import only_one
from graph.settings import GraphSettings
from graph.stores import open_store
from loaders.deadletters import DeadLetters
from loaders.project import Projector
from loaders.projecting import WHAT

_LOOK_S: Final = 1.0
"""How often it is looked whether there is anything to project, and whether the lock is free."""
_PAUSE_S: Final = 30.0
"""After what waiting does not mend: a person may have mended it."""
log = structlog.get_logger()


def add_collecting(app: web.Application, settings: GraphSettings) -> None:
    """Makes an application record events in the settings' log, and project it if it is embedded, while it runs.

    Raises InvalidInputError for a log whose URL can't be used. Nothing is made or connected before it is needed.
    """
    event_log = open_log(None, settings)
    app[API].collector = Collector(event_log, app[API].metrics.registry)

    async def beside_the_requests(_: web.Application) -> AsyncGenerator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(_project(settings, event_log, stop)) if is_embedded(event_log.url) else None
        yield
        stop.set()
        if task is not None:
            await task
        await event_log.close()

    app.cleanup_ctx.append(beside_the_requests)


async def _project(settings: GraphSettings, event_log: EventLog, stop: asyncio.Event) -> None:
    while not stop.is_set():
        pause_s = _LOOK_S
        try:
            if await event_log.head():  # else nothing was ever collected, and nothing need be made
                pause_s = await _project_if_alone(settings, event_log, stop)
        except TastegraphError as error:
            log.error("projector_stopped", reason=str(error))
            pause_s = _PAUSE_S
        except Exception:
            log.exception("projector_failed")
            pause_s = _PAUSE_S
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await stop.wait()


async def _project_if_alone(settings: GraphSettings, event_log: EventLog, stop: asyncio.Event) -> float:
    """Projects until it is told to stop; returns after how many seconds to try again where somebody else does."""
    with ExitStack() as held:
        try:
            held.enter_context(only_one(settings.home_dir().projector_lock, WHAT))
        except ConflictError:
            return _LOOK_S
        projector = Projector(
            event_log,
            lambda: open_store(None, settings),
            DeadLetters(settings.home_dir().quarantine, event_log.url),
            lambda said: log.warning("projector", said=said),
        )
        held.callback(projector.close)
        log.info("projecting", log=event_log.url)
        await projector.run(stop)
    return 0.0
