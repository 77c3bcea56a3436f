"""GraphQL over HTTP: a request's bytes become an operation, its result becomes bytes.

After the GraphQL-over-HTTP draft: `application/graphql-response+json` where it is asked for, with statuses that say what
happened; else `application/json`, where whatever is a GraphQL request at all is answered with 200. Strawberry's own view is not
used: it answers in `str`, knows neither these statuses nor our codes, and opens a WebSocket protocol that nobody needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

import orjson
from aiohttp import hdrs, web

from gql.api import API
from gql.errors import Code, HttpError
from gql.execution import Outcome, Request, Result, execute
from gql.guard import REQUEST_ID, body_of
from gql.keys import Principal
from gql.trusted import Trust

JSON: Final = "application/json"
RESPONSE_JSON: Final = "application/graphql-response+json"
_METHODS: Final = "GET, POST"


async def graphql(request: web.Request) -> web.StreamResponse:
    """Answers one GraphQL request. Raises HttpError for what is none."""
    media_type = _media_type(request.headers.get(hdrs.ACCEPT, "*/*"))
    api = request.app[API]
    principal = api.principal(request.headers.get(hdrs.AUTHORIZATION))
    if request.method == hdrs.METH_GET:
        parameters = _from_url(request.query)
    elif request.method == hdrs.METH_POST:
        parameters = await _from_body(request, api.settings.body_bytes_max)
    else:
        raise HttpError(405, Code.METHOD_NOT_ALLOWED, f"send {_METHODS}", {hdrs.ALLOW: _METHODS})
    reads_only = request.method == hdrs.METH_GET
    operation = _operation(api.trust, parameters, request[REQUEST_ID], principal, reads_only=reads_only)
    result = await execute(api, operation)
    return _response(result, media_type)


@lru_cache(maxsize=64)
def _media_type(accept: str) -> str:
    """The type to answer in; unlisted quality values don't matter between these two."""
    accepted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if RESPONSE_JSON in accepted:
        return RESPONSE_JSON
    if accepted & {JSON, "*/*", "application/*", ""}:
        return JSON
    raise HttpError(406, Code.BAD_REQUEST, f"answers are {RESPONSE_JSON} or {JSON}; accept one of them")


def _from_url(query: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = dict(query)
    for name in ("variables", "extensions"):
        if text := found.get(name):
            found[name] = _json(text, f"`{name}`")
    return found


async def _from_body(request: web.Request, most_bytes: int) -> dict[str, Any]:
    if request.headers.get(hdrs.CONTENT_TYPE) != JSON:
        _check_type(request)
    found = _json(await body_of(request, most_bytes), "the body")
    if not isinstance(found, dict):
        raise _bad_request("the body is not a JSON object; send {query, variables, operationName}")
    return cast("dict[str, Any]", found)


def _check_type(request: web.Request) -> None:
    # No other type is taken: a form of another site can send those, but never this one without asking first (CSRF).
    if request.content_type != JSON:
        raise HttpError(415, Code.UNSUPPORTED_MEDIA_TYPE, f"send the request as {JSON}", {hdrs.ACCEPT: JSON})
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise HttpError(415, Code.UNSUPPORTED_MEDIA_TYPE, "send the request in UTF-8")


def _json(text: str | bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _bad_request(f"{what} is not JSON ({error})") from None


def _operation(
    trust: Trust, parameters: Mapping[str, Any], request_id: str, principal: Principal, *, reads_only: bool
) -> Request:
    document, variables = parameters.get("query"), parameters.get("variables")
    name, extensions = parameters.get("operationName"), parameters.get("extensions")
    if not isinstance(document, str | None):
        raise _bad_request("`query` is no text; send a GraphQL document")
    if not isinstance(variables, dict | None):
        raise _bad_request("`variables` is not a JSON object")
    if not isinstance(name, str | None):
        raise _bad_request("`operationName` is no text")
    if not isinstance(extensions, dict | None):
        raise _bad_request("`extensions` is not a JSON object")
    text = trust.text(document or None, cast("dict[str, Any] | None", extensions))
    if text is None:
        raise _bad_request("`query` is missing; send a GraphQL document")
    given = cast("dict[str, Any] | None", variables)
    return Request(text, given, name or None, request_id, principal, reads_only)


def _bad_request(message: str) -> HttpError:
    return HttpError(400, Code.BAD_REQUEST, message)


def _response(result: Result, media_type: str) -> web.Response:
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = result.errors
    if result.outcome in (Outcome.OK, Outcome.ERRORS):
        body["data"] = result.data
    return web.Response(
        body=orjson.dumps(body),
        status=_status(result.outcome, media_type),
        content_type=media_type,
        charset="utf-8",
        headers={hdrs.CACHE_CONTROL: "no-store"},
    )


def _status(outcome: Outcome, media_type: str) -> int:
    if outcome is Outcome.DEADLINE:
        return 504
    return 400 if outcome is Outcome.REFUSED and media_type == RESPONSE_JSON else 200
