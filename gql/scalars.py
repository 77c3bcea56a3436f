"""How times look to a client: UTC in ISO 8601, from integer milliseconds that may lie outside Python's calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import strawberry
from strawberry.types.scalar import ScalarDefinition

from graph.model import TimeMs

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso8601(at: TimeMs) -> str:
    """A time as `2024-05-01T00:00:00.000Z`; years outside 1 to 9999 are written with their sign or more digits."""
    try:
        return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    except OverflowError:
        return f"{np.datetime64(at, 'ms')}Z"


DATE_TIME: Final[ScalarDefinition] = strawberry.scalar(
    name="DateTime",
    description="A moment in UTC, ISO 8601 with milliseconds and `Z`: `2024-05-01T00:00:00.000Z`.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=iso8601,
)

SCALARS: Final[dict[object, Any]] = {TimeMs: DATE_TIME}
"""For Strawberry's `scalar_map`: the domain's times are GraphQL's DateTime."""
