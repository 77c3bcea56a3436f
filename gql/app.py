"""The web application: which path is answered by what, and what runs beside the requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import structlog
from aiohttp import web

from gql import explore, health, ingest
from gql.api import API, Api
from gql.guard import guard
from gql.keys import Keys
from gql.release import Releases
from gql.settings import ServeSettings
from gql.telemetry import Metrics, measure_lag
from gql.transport import graphql
from graph.errors import CorruptFileError

log = structlog.get_logger()


def make_app(
    settings: ServeSettings, releases: Releases, metrics: Metrics | None = None, keys: Keys | None = None
) -> web.Application:
    """An application that serves what `releases` has open, and swaps as it does. Without `keys` whoever asks is admin."""
    api = Api(settings, releases, metrics or Metrics(), keys)
    keyed = keys is not None and keys.needed
    app = web.Application(
        middlewares=[guard(settings.allowed_hosts, any_host=keyed)], client_max_size=settings.body_bytes_max
    )
    app[API] = api
    app.router.add_get("/", _to_graphql)
    app.router.add_get(explore.GRAPHQL_PATH, explore.page_or_graphql, allow_head=False)
    app.router.add_route("*", explore.GRAPHQL_PATH, graphql)
    app.router.add_post(ingest.PATH, ingest.interactions)
    app.router.add_get("/healthz", health.healthz)
    app.router.add_get("/readyz", health.readyz)
    app.router.add_get("/version", health.version_)
    if settings.mode == "development" and (page := explore.load()) is not None:
        app[explore.PAGE] = page
        app.router.add_get(explore.ASSETS_PATH + "{name}", explore.asset)
    app.cleanup_ctx.append(_beside_the_requests)
    return app


async def _to_graphql(_: web.Request) -> web.Response:
    raise web.HTTPFound(explore.GRAPHQL_PATH)


async def _beside_the_requests(app: web.Application) -> AsyncGenerator[None]:
    """Watches for releases and measures the event loop while the application runs; ends its threads afterwards."""
    api = app[API]
    tasks = [asyncio.create_task(_watch(api)), asyncio.create_task(measure_lag(api.metrics))]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    api.threads.shutdown(wait=False, cancel_futures=True)


async def _watch(api: Api) -> None:
    """Swaps releases as they are published, and keeps the metrics at what is served."""
    api.metrics.show_release(api.releases)
    while True:
        await asyncio.sleep(api.settings.poll_s)
        if await api.releases.poll():
            api.metrics.swaps.inc()
        if api.keys is not None:
            _read_keys(api.keys)
        api.metrics.show_release(api.releases)


def _read_keys(keys: Keys) -> None:
    try:
        keys.fresh()
    except CorruptFileError as error:
        log.error("keys_unreadable", reason=str(error))
