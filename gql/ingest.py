"""`POST /v1/interactions`: NDJSON for producers without GraphQL, an interaction a line, in the interchange form's columns.

The rules and the acknowledgement are those of `gql.collect`; only ids are raw, and a bad line is refused alone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
import orjson
from aiohttp import hdrs, web

from gql.api import API
from gql.collect import ITEMS_MAX, Interaction
from gql.errors import ApiError, Code, HttpError, bad_input
from gql.guard import body_of
from graph.model import Event, EventKind
from graph.times import parse_time

PATH: Final = "/v1/interactions"
TYPES: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")


class _Kind(StrEnum):
    SAVE = "SAVE"
    UNSAVE = "UNSAVE"
    VIEW = "VIEW"
    CLICK = "CLICK"
    HIDE = "HIDE"


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    event_id: str
    kind: _Kind
    user_id: str
    pin_id: str
    at: int | str
    board_id: str | None = None
    weight: float | None = None
    group_id: str | None = None


_decoder = msgspec.json.Decoder(_Line)


async def interactions(request: web.Request) -> web.Response:
    """Records the lines of a body; answers `{"accepted", "refused": [{"index", "code", "reason"}]}`, index by line from 0.

    Raises HttpError for a body that can't be used as a whole, and (503) when nothing could be recorded.
    """
    api = request.app[API]
    principal = api.principal(request.headers.get(hdrs.AUTHORIZATION))
    if api.collector is None:
        raise HttpError(503, Code.UNAVAILABLE, "this server records no events; send them to one that does")
    lines = await _lines(request, api.settings.body_bytes_max)
    try:
        accepted, refusals = await api.collector.record(lines, _event, principal, api.releases.current)
    except ApiError as error:
        raise HttpError(503, error.code, str(error), {hdrs.RETRY_AFTER: "1"}) from None
    body = {
        "accepted": accepted,
        "refused": [{"index": r.index, "code": r.code.value, "reason": r.reason} for r in refusals],
    }
    return web.Response(
        body=orjson.dumps(body), content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"}
    )


async def _lines(request: web.Request, most_bytes: int) -> list[bytes]:
    # As for GraphQL: a form of another site can't send these types without asking first (CSRF).
    if request.content_type not in TYPES:
        raise HttpError(
            415, Code.UNSUPPORTED_MEDIA_TYPE, f"send the interactions as {TYPES[0]}", {hdrs.ACCEPT: TYPES[0]}
        )
    body = await body_of(request, most_bytes)
    lines = body.removesuffix(b"\n").split(b"\n") if body else []
    if not 1 <= len(lines) <= ITEMS_MAX:
        raise HttpError(400, Code.BAD_USER_INPUT, f"the body has {len(lines)} lines; send 1 to {ITEMS_MAX}")
    return lines


def _event(line: bytes) -> Event:
    """Raises InvalidInputError and ApiError."""
    try:
        said = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise bad_input(f"the line can't be read: {error}") from None
    at = parse_time(said.at) if isinstance(said.at, str) else said.at
    if at is None:
        raise bad_input(f"at can't be {said.at!r}; write 2024-05-01T00:00:00.000Z, or milliseconds since 1970")
    return Interaction(
        event_id=said.event_id,
        kind=EventKind(said.kind.value),
        user=said.user_id,
        pin=said.pin_id,
        at=at,
        board=said.board_id,
        weight=said.weight,
        group_id=said.group_id,
    ).event()
