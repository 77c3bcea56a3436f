"""The web layer's own speed: an aiohttp handler on uvloop that reads a request's body and answers bytes it has ready.

    python -m benchmarks.bare ANSWERS.json

ANSWERS.json maps a path to a body. It listens on a free loopback port and logs it as `tastegraph serve` does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import uvloop
from aiohttp import web
from aiohttp.typedefs import Handler


def answering(body: bytes) -> Handler:
    """A handler that answers one body."""

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=body, content_type="application/json")

    return handler


async def serve(bodies: dict[str, str]) -> None:
    """Serves until it is ended."""
    app = web.Application()
    for path, body in bodies.items():
        app.router.add_post(path, answering(body.encode()))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    sys.stderr.write(json.dumps({"event": "serving", "url": f"http://{host}:{port}"}) + "\n")
    sys.stderr.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(json.loads(Path(sys.argv[1]).read_text())))
