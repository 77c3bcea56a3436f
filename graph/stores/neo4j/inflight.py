"""Event ids that are being written now, by any thread of this process.

An id is unique over all users and types, which no constraint of the database can say. Within a transaction the users' locks
keep their own events still; an id that two users claim at once is kept apart here. (Two processes that claim one id at the
same moment for different users are not: a load holds the store alone, and Spark's partitions come deduplicated.)
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from threading import Condition


class InFlight:
    """Ids that calls hold. A call waits for those that hold one of its own, and takes all or none: no deadlock."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._held: list[frozenset[str]] = []

    @contextmanager
    def holding(self, ids: Sequence[str]) -> Generator[None]:
        """Runs when no other call holds one of the ids."""
        wanted = frozenset(ids)
        with self._changed:
            self._changed.wait_for(lambda: all(wanted.isdisjoint(held) for held in self._held))
            self._held.append(wanted)
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(wanted)
                self._changed.notify_all()
