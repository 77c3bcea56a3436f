"""Whether the process lives, whether it should be sent requests, and what it is."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import hdrs, web

from gql.api import API, Api
from gql.scalars import iso8601


async def healthz(_: web.Request) -> web.Response:
    """200 as long as the event loop turns."""
    return _json(200, {"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """200 while requests are welcome, 503 while draining; the body says what is served and what was refused."""
    api = request.app[API]
    refused = api.releases.refused
    body = {
        "status": "draining" if api.draining else "ready",
        **_served(api),
        "degraded": api.releases.current.degraded,
        "refused": None if refused is None else {"reason": refused.reason, "at": iso8601(refused.at)},
    }
    return _json(503 if api.draining else 200, body)


async def version_(request: web.Request) -> web.Response:
    """Versions of the program and of what it serves."""
    return _json(200, {"version": version("tastegraph"), **_served(request.app[API])})


def _served(api: Api) -> dict[str, Any]:
    serving = api.releases.current.serving
    artifact = serving.artifact
    return {
        "release": None if serving.release is None else serving.release.name,
        "snapshot": serving.snapshot.version,
        "model": None if artifact is None else f"{artifact.model}/{artifact.version}",
    }


def _json(status: int, body: dict[str, Any]) -> web.Response:
    headers = {hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json", headers=headers)
