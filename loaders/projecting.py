"""`tastegraph project` as a run: one projector of a home, until the log is caught up with or a signal says to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from graph.console import say
from graph.eventlog import open_log
from graph.filelock import only_one
from graph.settings import GraphSettings
from graph.stores import open_store
from loaders.deadletters import DeadLetters
from loaders.project import Projected, Projector

WHAT = "a projector of this home"


def run_project(settings: GraphSettings, store_url: str | None, log_url: str | None, *, once: bool) -> dict[str, Any]:
    """Projects the event log into the store; `once`: only what is there now.

    Raises ConflictError while another projector of the home runs, and what `Projector.run` or `Projector.catch_up` raise.
    """
    with only_one(settings.home_dir().projector_lock, WHAT):
        done = asyncio.run(_project(settings, store_url, log_url, once=once))
    return done.as_dict()


async def _project(settings: GraphSettings, store_url: str | None, log_url: str | None, *, once: bool) -> Projected:
    log = open_log(log_url, settings)
    projector = Projector(
        log,
        lambda: open_store(store_url, settings),
        DeadLetters(settings.home_dir().quarantine, log.url),
        say,
    )
    try:
        if once:
            await projector.catch_up()
        else:
            await projector.run(_stopped())
    finally:
        projector.close()
        await log.close()
    return projector.done


def _stopped() -> asyncio.Event:
    """Set by SIGTERM and SIGINT: the transaction in hand ends first."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
