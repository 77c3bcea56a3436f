"""A way to a server that can fail: it forwards bytes until it is told to be slow or silent, to refuse or to cut."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 65_536
_RST = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 s: closing resets the connection."""


class Proxy:
    """Listens on loopback for one server. Faults are for tests only."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 7687)
        self._talking = Event()
        self._talking.set()
        self._open: list[socket.socket] = []
        self._lock = Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"bolt://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.delay_s = 0.0
        """How long each piece of at most 64 KiB is held back, either way."""
        self._refusing = False
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._talking.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # else the thread would go on accepting
        self._accepting.join()
        self._listener.close()
        self.cut()

    def fall_silent(self) -> None:
        """Nothing gets through any more, and nobody is told: a half-open connection."""
        self._talking.clear()

    def talk(self) -> None:
        """Forwards again, also what came meanwhile."""
        self._talking.set()

    def refuse(self) -> None:
        """Resets every connection, and new ones as soon as they are made."""
        self._refusing = True
        self.cut()

    def accept(self) -> None:
        """Takes connections again."""
        self._refusing = False

    def cut(self) -> None:
        """Resets every connection; new ones are taken."""
        with self._lock:
            cut, self._open = self._open, []
        for end in cut:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                if self._refusing:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                with self._lock:
                    self._open += [client, server]
                for source, sink in ((client, server), (server, client)):
                    Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                self._talking.wait()
                time.sleep(self.delay_s)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
