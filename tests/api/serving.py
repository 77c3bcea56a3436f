"""`tastegraph serve` as a process: started on a free port, asked over HTTP, stopped by a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from graph.settings import Home

ROOT = Path(__file__).parents[2]
START_S = 120.0


class Server:
    """A running server and what it logged so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._more = threading.Condition()
        assert process.stderr is not None
        threading.Thread(target=self._read, args=(process.stderr,), daemon=True).start()

    def _read(self, stderr: IO[str]) -> None:
        for line in stderr:
            with self._more:
                self.lines.append(json.loads(line) if line.startswith("{") else {"event": "text", "text": line})
                self._more.notify_all()
        with self._more:
            self.lines.append({"event": "end"})
            self._more.notify_all()

    def wait_for(self, event: str, count: int = 1) -> dict[str, Any]:
        """The nth line of a kind in the log, as soon as it is there."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines if line["event"] == event]

        with self._more:
            self._more.wait_for(lambda: len(found()) >= count or self.lines[-1:] == [{"event": "end"}], START_S)
            assert len(found()) >= count, f"no {event} in {self.lines}"
            return found()[count - 1]

    @property
    def url(self) -> str:
        return self.wait_for("serving")["url"]

    @property
    def metrics_url(self) -> str:
        return self.wait_for("metrics")["url"]

    def ask(self, query: str) -> dict[str, Any]:
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def metrics(self) -> str:
        with urllib.request.urlopen(self.metrics_url, timeout=30) as response:
            return response.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def running(home: Home, *options: str, program: tuple[str, ...] = ("-m", "tastegraph", "serve")) -> Generator[Server]:
    """A server on free ports; killed at the end if it is still there."""
    process = subprocess.Popen(
        [sys.executable, *program, "--port", "0", *options],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Server(process)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def environment(home: Home) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASTEGRAPH_")}
    return {**kept, "TASTEGRAPH_HOME": str(home.path)}
