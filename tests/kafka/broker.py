"""A Kafka broker on this machine, from Maven's jars: for tests, and for a developer without a container engine.

    python -m tests.kafka.broker --port 9092 --home DIR

One node in KRaft mode, which is broker and controller, on loopback only. Clients need no credentials at its main port; at a
second one they sign in. This module knows nothing of tastegraph.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, Self
from uuid import uuid4

from tests.jvm.maven import ServerUnavailableError, java
from tests.jvm.ports import can_bind, free_port
from tests.jvm.tether import TetheredProcess
from tests.kafka.configuration import write_properties
from tests.kafka.jars import jar_folder
from tests.kafka.topics import is_ready

QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
"""JVM options for a broker that lives for minutes: less CPU time to the first answer, slower once warm."""

STEADY_STATE = ("-XX:+UseG1GC",)
"""JVM options for a broker that is measured or stays up."""

_TAIL_LINES = 25
_POLL_S = 0.1
_FORMAT_TIMEOUT_S = 60


class KafkaBroker:
    """One broker and its home folder. As a context manager it starts on entry and closes on exit.

    home: where data, server.properties and logs are kept; without it a temporary folder, removed by `close`.
    port: for clients; 0 picks a free one, the same for every start of this object.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        port: int = 0,
        heap_mb: int = 256,
        jvm: Sequence[str] = QUICK_START,
        start_timeout_s: float = 120,
    ) -> None:
        self._jars = jar_folder()
        self._java = java()
        self._temporary = home is None
        self.home = Path(tempfile.mkdtemp(prefix="kafka-")) if home is None else home.resolve()
        self._port = port or free_port()
        self._sasl_port = free_port()
        self._heap_mb = heap_mb
        self._jvm = tuple(jvm)
        self._start_timeout_s = start_timeout_s
        self._process: TetheredProcess | None = None
        self.user = ("tastegraph", secrets.token_urlsafe(18))
        """Name and password of the one user who may sign in."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def bootstrap(self) -> str:
        """HOST:PORT, as clients want it."""
        return f"127.0.0.1:{self._port}"

    @property
    def sasl_bootstrap(self) -> str:
        """The same for clients that sign in (SASL_PLAINTEXT, PLAIN) as `user`."""
        return f"127.0.0.1:{self._sasl_port}"

    @property
    def pid(self) -> int:
        """Of the broker's java."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.exit_code is None

    def start(self) -> None:
        """Starts it on its home, and returns when it answers and leads every partition that it has."""
        if self.is_running:
            raise RuntimeError(f"the broker of {self.home} runs already")
        if not can_bind(self._port):
            raise ServerUnavailableError(
                f"port {self._port} is in use: stop what listens there, or choose another port"
            )
        properties = write_properties(
            self.home, port=self._port, sasl_port=self._sasl_port, controller_port=free_port(), user=self.user
        )
        if not (self.home / "data" / "meta.properties").exists():
            self._format(properties)
        self._process = self._java_process("broker.log", "kafka.Kafka", str(properties))
        try:
            self._await_answer()
        except BaseException:
            self.kill()
            raise

    def stop(self, timeout_s: float = 60) -> None:
        """SIGTERM, then waits until it has closed its logs; nothing if it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        self.resume()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._fail(f"Kafka did not stop within {timeout_s:.0f} s and was killed")
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: what is on disk is what a power cut of the process leaves. Nothing if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing is answered, until `resume`."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Goes on after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Stops it; a temporary home is removed."""
        try:
            self.stop()
        finally:
            if self._temporary:
                shutil.rmtree(self.home, ignore_errors=True)

    def wait(self) -> int:
        """Blocks until the broker ends by itself; its exit code."""
        return self._running().wait()

    def _format(self, properties: Path) -> None:
        """Makes the home's storage; a broker refuses to start on one that was not formatted."""
        cluster_id = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        # With an equals sign, since one id in 64 begins with a dash.
        arguments = ("format", f"--cluster-id={cluster_id}", f"--config={properties}")
        process = self._java_process("format.log", "kafka.tools.StorageTool", *arguments)
        try:
            exit_code = process.wait(_FORMAT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._fail(f"Kafka's storage was not formatted within {_FORMAT_TIMEOUT_S} s")
        finally:
            process.kill()
        if exit_code:
            self._fail(f"Kafka's StorageTool ended with exit code {exit_code}")

    def _java_process(self, log: str, main: str, *arguments: str) -> TetheredProcess:
        options = [f"-Xmx{self._heap_mb}m", "-XX:+ExitOnOutOfMemoryError", *self._jvm]
        options += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        command = [self._java, *options, "-cp", f"{self._jars}/*", main, *arguments]
        return TetheredProcess(command, log=self.home / "logs" / log)

    def _running(self) -> TetheredProcess:
        if self._process is None:
            raise RuntimeError(f"the broker of {self.home} does not run: start() first")
        return self._process

    def _await_answer(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        # Asking costs a client; the port tells for nothing that it is too early.
        while can_bind(self._port) or not is_ready(self.bootstrap):
            exit_code = self._running().exit_code
            if exit_code is not None:
                self._fail(f"Kafka ended with exit code {exit_code} before it answered")
            if time.monotonic() > deadline:
                self._fail(f"Kafka did not answer within {self._start_timeout_s:.0f} s")
            time.sleep(_POLL_S)

    def _fail(self, what: str) -> NoReturn:
        paths = (self.home / "logs" / name for name in ("format.log", "broker.log"))
        logs = [
            "\n".join(path.read_text(errors="replace").splitlines()[-_TAIL_LINES:]) for path in paths if path.exists()
        ]
        raise ServerUnavailableError("\n".join([f"{what}; its home is {self.home} and its last words:", *logs]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one broker in the foreground until Ctrl-C or SIGTERM; prints how to reach it on stdout."""
    parser = argparse.ArgumentParser(prog="python -m tests.kafka.broker", description=main.__doc__)
    parser.add_argument("--port", type=int, default=9092, help="for clients; 0 picks a free one (default: 9092)")
    parser.add_argument("--home", type=Path, help="folder of its data; without it a temporary one, removed at the end")
    parser.add_argument("--heap-mb", type=int, default=512)
    given = parser.parse_args(arguments)

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    broker = KafkaBroker(given.home, port=given.port, heap_mb=given.heap_mb, jvm=STEADY_STATE)
    with suppress(KeyboardInterrupt), broker:
        print(broker.bootstrap, flush=True)
        print("Ctrl-C stops it", file=sys.stderr)
        return broker.wait()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ServerUnavailableError as error:
        sys.exit(str(error))
