"""Times as people and programs write them: ISO 8601 with a zone or `Z`, in UTC without one; or integer milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from graph.model import TIME_MS_MAX, TIME_MS_MIN

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_integer = re.compile(r"^-?[0-9]{1,19}$", re.ASCII)


def parse_time(text: str) -> int | None:
    """Milliseconds since 1970 in UTC, finer fractions cut off; None when the text is no time."""
    if _integer.fullmatch(text):
        value = int(text)
        return value if TIME_MS_MIN <= value <= TIME_MS_MAX else None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        return None
