"""Ports of this machine's loopback for servers to listen on."""

from __future__ import annotations

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """A port that nothing listens on now."""
    # Below the range from which the kernel takes the ports of outgoing connections: none of those can take it before us.
    candidates = random.sample(range(20_000, 32_000), 100)
    return next(port for port in candidates if can_bind(port))


def can_bind(port: int) -> bool:
    """True if a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False
