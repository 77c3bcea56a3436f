"""How times look to a client: UTC in ISO 8601, from integer milliseconds that may lie outside Python's calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from graph.model import TimeMs
from graph.times import parse_time

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso8601(at: TimeMs) -> str:
    """A time as `2024-05-01T00:00:00.000Z`; years outside 1 to 9999 are written with their sign or more digits."""
    try:
        return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    except OverflowError:
        return f"{np.datetime64(at, 'ms')}Z"


def moment(written: object) -> TimeMs:
    """A time that a client wrote, in ISO 8601; without a zone it is UTC. Raises GraphQLError."""
    at = parse_time(written) if isinstance(written, str) else None
    if at is None:
        raise GraphQLError(f"DateTime can't be {written!r}; write it as 2024-05-01T00:00:00.000Z")
    return TimeMs(at)


DATE_TIME: Final[ScalarDefinition] = strawberry.scalar(
    name="DateTime",
    description="A moment in UTC, ISO 8601 with milliseconds and `Z`: `2024-05-01T00:00:00.000Z`.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=iso8601,
    parse_value=moment,
)

SCALARS: Final[dict[object, Any]] = {TimeMs: DATE_TIME}
"""For Strawberry's `scalar_map`: the domain's times are GraphQL's DateTime."""
