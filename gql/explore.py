"""GraphiQL for browsers: the page at the API's own path, its assets beside it, cached for ever by the hash in each name."""

from __future__ import annotations

from functools import cache
from typing import Final

import structlog
from aiohttp import hdrs, web

from gql.graphiql.page import Asset, Page, load_page
from gql.transport import graphql
from graph.errors import NotFoundError

GRAPHQL_PATH: Final = "/graphql"
ASSETS_PATH: Final = "/graphiql/"
PAGE: Final = web.AppKey("page", Page)
log = structlog.get_logger()


@cache
def load() -> Page | None:
    """The page; None, with a line in the log, where it was not built: the API is served without it."""
    try:
        return load_page(GRAPHQL_PATH, assets_url=ASSETS_PATH)
    except NotFoundError as error:
        log.warning("graphiql_missing", reason=str(error))
        return None


async def page_or_graphql(request: web.Request) -> web.StreamResponse:
    """The page for a browser that opens the API's path; an answer for everyone else."""
    page = request.app.get(PAGE)
    if page is None or "query" in request.query or "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
        return await graphql(request)
    headers = {
        "Content-Security-Policy": page.content_security_policy,
        hdrs.CACHE_CONTROL: "no-cache",
        "Referrer-Policy": "no-referrer",
    }
    return web.Response(body=page.html, content_type="text/html", charset="utf-8", headers=headers)


async def asset(request: web.Request) -> web.Response:
    """A file of the page."""
    found = request.app[PAGE].assets.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    etag = f'"{found.sha256}"'
    headers: dict[str, str] = {
        hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable",
        hdrs.ETAG: etag,
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
    }
    if request.headers.get(hdrs.IF_NONE_MATCH) == etag:
        return web.Response(status=304, headers=headers)
    return _body(found, headers, gzip="gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""))


def _body(found: Asset, headers: dict[str, str], *, gzip: bool) -> web.Response:
    headers |= {hdrs.CONTENT_TYPE: found.content_type}
    if gzip and found.gzip is not None:
        return web.Response(body=found.gzip, headers=headers | {hdrs.CONTENT_ENCODING: "gzip"})
    return web.Response(body=found.body, headers=headers)
