"""Who holds a store for a load. One opened store holds it; it lapses when its process is dead on this host, or after 30 s.

What a store keeps of a lease, and how it is taken under a lock, is the store's own business.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from graph.errors import ConflictError

LEASE_S: Final = 30


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

    def check_free(self, holder: Holder, load_id: str) -> None:
        """Raises ConflictError unless `holder` may take the store for a load."""
        if self.token == holder.token:
            if self.load_id != load_id:
                raise ConflictError(f"load {self.load_id} is not finished; finish or release it before load {load_id}")
            return
        if self.host == holder.host and not _alive(self.pid):
            return
        if self.age_s < LEASE_S:
            raise ConflictError(
                f"load {self.load_id} is running (process {self.pid} on {self.host}, seen {max(self.age_s, 0):.0f} s ago);"
                " wait until it has ended"
            )


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
