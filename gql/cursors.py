"""Keyset cursors: opaque base64url of a connection's name and the sort key of one of its edges.

A cursor holds where an edge sorts, never how many came before it: pages neither repeat nor skip when rows are inserted or
gone in between. It is not signed, since it grants nothing: what comes after it is filtered as any page is.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, cast

import orjson

from gql.errors import ApiError, Code

Part = str | int | float | None
"""What a sort key is made of: ids, times, scores."""

CURSOR_CHARACTERS_MAX = 1024


def encode_cursor(connection: str, key: Sequence[Part]) -> str:
    """The cursor of an edge with this sort key."""
    return urlsafe_b64encode(orjson.dumps([connection, *key])).rstrip(b"=").decode()


def decode_cursor(connection: str, cursor: str, types: Sequence[tuple[type, ...]]) -> tuple[Any, ...]:
    """The sort key in a cursor; `types` says what each part may be.

    Raises ApiError (INVALID_CURSOR) when the cursor is not one of this connection's.
    """
    parts = _decode(cursor)
    if len(parts) != 1 + len(types) or parts[0] != connection:
        raise invalid_cursor(connection)
    key = parts[1:]
    if not all(type(part) in allowed for part, allowed in zip(key, types, strict=True)):
        raise invalid_cursor(connection)
    return tuple(key)


def _decode(cursor: str) -> list[Any]:
    if len(cursor) > CURSOR_CHARACTERS_MAX:
        return []
    try:
        found = orjson.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except ValueError:
        return []
    return cast("list[Any]", found) if isinstance(found, list) else []


def invalid_cursor(connection: str) -> ApiError:
    """The error for a cursor that is not one of a connection's."""
    return ApiError(
        Code.INVALID_CURSOR,
        f"`after` is not a cursor of `{connection}`; give an `endCursor` or `cursor` of that connection",
    )
