"""What every HTTP request goes through first: a name for it, a check that it was meant for us, and an end to every error.

Without API keys whoever reaches this server is admin. So no web page of another site may: it is refused by its `Origin`, and
one whose name was pointed at this address (DNS rebinding) by its `Host`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from functools import lru_cache
from itertools import count
from typing import Final
from urllib.parse import urlsplit

import orjson
import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gql.api import API
from gql.errors import Code, HttpError, extensions
from gql.settings import is_loopback

REQUEST_ID: Final = web.RequestKey("request_id", str)
_PROCESS: Final = secrets.token_hex(4)
"""Begins the ids that this process gives."""
_number = count()
_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger()


def guard(allowed_hosts: Collection[str], *, any_host: bool = False) -> Middleware:
    """The middleware; `allowed_hosts` are names besides loopback ones. `any_host`: keys protect, whatever we are called."""
    allowed = frozenset(name.casefold() for name in allowed_hosts)

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        request_id = request[REQUEST_ID] = _request_id(request)
        # Never unbound: a connection's requests come one after the other, and each binds its own.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            check_host(request.headers.get(hdrs.HOST), request.headers.get(hdrs.ORIGIN), None if any_host else allowed)
            response = await handler(request)
        except HttpError as error:
            request.app[API].metrics.errors.labels(error.code.value).inc()
            response = error_response(error, request_id)
        except web.HTTPException as error:
            _sign(error, request_id)
            raise
        except Exception:
            log.exception("request_failed", method=request.method, path=request.path)
            response = error_response(HttpError(500, Code.INTERNAL, "internal error"), request_id)
        _sign(response, request_id)
        return response

    return guarded


def _sign(response: web.StreamResponse, request_id: str) -> None:
    response.headers[hdrs.X_REQUEST_ID] = request_id
    response.headers[hdrs.X_CONTENT_TYPE_OPTIONS] = "nosniff"
    response.headers[hdrs.SERVER] = "tastegraph"


def check_host(host: str | None, origin: str | None, allowed: Collection[str] | None = ()) -> None:
    """Raises HttpError (403) unless `Host` is a name of ours and `Origin`, where a browser sends one, is our own.

    `allowed`: names besides loopback ones; None for any.
    """
    if allowed is not None and not _is_ours(host or "", frozenset(allowed)):
        raise HttpError(
            403,
            Code.FORBIDDEN_HOST,
            "`Host` is not a name of this server; use localhost, or set TASTEGRAPH_SERVE_ALLOWED_HOSTS",
        )
    if origin is not None and urlsplit(origin).netloc != host:
        raise HttpError(
            403, Code.FORBIDDEN_ORIGIN, "pages of other sites may not ask this server; use its own GraphiQL"
        )


@lru_cache(maxsize=64)
def _is_ours(host: str, allowed: frozenset[str]) -> bool:
    name = _name_in(host)
    return name is not None and (is_loopback(name) or name.casefold() in allowed)


def error_response(error: HttpError, request_id: str) -> web.Response:
    """An error that came before there was an operation: JSON in the shape of a GraphQL answer."""
    body = {"errors": [{"message": str(error), "extensions": extensions(error.code, request_id)}]}
    return web.Response(
        body=orjson.dumps(body),
        status=error.status,
        headers=error.headers,
        content_type="application/json",
        charset="utf-8",
    )


def _request_id(request: web.Request) -> str:
    given = request.headers.get(hdrs.X_REQUEST_ID)
    return given if given is not None and _GIVEN_ID.fullmatch(given) else f"{_PROCESS}{next(_number):08x}"


async def body_of(request: web.Request, most_bytes: int) -> bytes:
    """A request's body. Raises HttpError (413) for one over the application's limit, which is `most_bytes`."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise HttpError(
            413, Code.REQUEST_TOO_LARGE, f"the body is over {most_bytes} bytes; send less at once"
        ) from None


def _name_in(host: str) -> str | None:
    """The name in a `Host` header, its port dropped; None where there is none to be read."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
