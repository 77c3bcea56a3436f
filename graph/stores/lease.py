"""Who holds a store for a load. One opened store holds it; it lapses when its process is dead on this host, or after 30 s.

What a store keeps of a lease, and how it is taken under a lock, is the store's own business.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from graph.errors import ConflictError, NotFoundError

LEASE_S: Final = 30

ABANDONED: Final = '{"abandoned":true}'
"""The summary of a load that was given up."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One opened store, as a lease names it; another in the same process is somebody else."""

    token: str = field(default_factory=lambda: uuid4().hex)
    host: str = field(default_factory=socket.gethostname)


@dataclass(frozen=True, slots=True)
class Lease:
    """What a store knows of who holds it. `age_s`: since it was last renewed."""

    load_id: str
    token: str
    pid: int
    host: str
    age_s: float

    @property
    def orphaned(self) -> bool:
        """Whether its process is known to be dead; of another host's processes nothing is known."""
        return self.host == socket.gethostname() and not _alive(self.pid)

    @property
    def lapsed(self) -> bool:
        """Whether it holds nothing any more."""
        return self.orphaned or self.age_s >= LEASE_S

    def check_free(self, holder: Holder, load_id: str) -> None:
        """Raises ConflictError unless `holder` may take the store for a load."""
        if self.token == holder.token:
            if self.load_id != load_id:
                raise ConflictError(f"load {self.load_id} is not finished; finish or release it before load {load_id}")
            return
        if not self.lapsed:
            raise ConflictError(
                f"load {self.load_id} is running (process {self.pid} on {self.host}, seen {max(self.age_s, 0):.0f} s ago);"
                " wait until it has ended"
            )


@dataclass(frozen=True, slots=True)
class LoadHistory:
    """All that a store knows of how its loads went."""

    unfinished: list[str]
    """Ids, oldest first."""
    ended: list[str]
    """Summaries of the last hundred, the last to end first."""
    lease: Lease | None


def not_interrupted(load_id: str) -> NotFoundError:
    """What is told when a load is to be given up that is not there, or is done."""
    return NotFoundError(f"there is no interrupted load {load_id}; `tastegraph doctor` names those that there are")


def not_held(load_id: str) -> ConflictError:
    """What a load is told that does not hold the store."""
    return ConflictError(f"load {load_id} does not hold the store (any more); run the same load again")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
