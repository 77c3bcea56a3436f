"""What an event log promises, whatever carries it: one order, offsets that grow, and nothing acknowledged before it is durable.

Asynchronous, unlike the stores: a request does wait for its append. The log may hold an event twice; it is the effect that is
idempotent, so whoever did not hear of an acknowledgement appends again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """One record and its place; what is in it is for `graph.eventlog.envelope`."""

    offset: int
    data: bytes


class EventLog(Protocol):
    """An append-only log that was opened by URL (`graph.eventlog.open_log`). Many may append at once, one task reads."""

    @property
    def url(self) -> str:
        """Where it is, without credentials."""
        ...

    async def append(self, records: Sequence[bytes]) -> list[int]:
        """Appends records in their order and returns their offsets once they survive a crash of every process involved.

        Raises StoreUnavailableError when that can't be had; the records may be in the log nonetheless: append them again.
        """
        ...

    async def read(self, start: int, limit: int, wait_s: float = 0.0) -> list[Record]:
        """At most `limit` records from an offset on, in order; waits up to `wait_s` seconds where there is none yet.

        Offsets may have gaps, where records were erased. Raises ConflictError for a start beyond the log's end, which is that
        of another log; TerminalError when records from there on were deleted; StoreUnavailableError.
        """
        ...

    async def head(self) -> int:
        """The offset that the next record will have: 0 for a log that never held one. Raises StoreUnavailableError."""
        ...

    async def close(self) -> None:
        """Ends what runs beside; appends that wait are made first."""
        ...
