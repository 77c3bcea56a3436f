"""A Neo4j Community server on this machine, from Maven's jars: for tests, and for a developer without a container engine.

    python -m tests.neo4j.server --port 7687 --home DIR

It listens on loopback only. Community has one user database, called `neo4j`: tests that share a server must not run in
parallel. This module knows nothing of tastegraph.
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
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, Self

from neo4j import GraphDatabase
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from tests.jvm.maven import ServerUnavailableError, java
from tests.jvm.ports import can_bind, free_port
from tests.jvm.tether import TetheredProcess
from tests.neo4j.configuration import write_conf
from tests.neo4j.jars import jar_folder

USERNAME = "neo4j"
DATABASE = "neo4j"

QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""JVM options for a server that lives for minutes: half the CPU time to the first answer, slower once warm."""

STEADY_STATE = ("-XX:+UseG1GC",)
"""JVM options for a server that is measured or stays up."""

_OPENS = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
_TAIL_LINES = 25
_POLL_S = 0.1


class Neo4jServer:
    """One server and its home folder. As a context manager it starts on entry and closes on exit.

    home: where data, conf and logs are kept; without it a temporary folder, removed by `close`.
    port: for Bolt; 0 picks a free one, the same for every start of this object.
    password: of the user `neo4j`; without it the one kept in the home, or a new random one. At least 8 characters.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        port: int = 0,
        password: str | None = None,
        heap_mb: int = 1024,
        pagecache_mb: int = 256,
        jvm: Sequence[str] = QUICK_START,
        start_timeout_s: float = 120,
    ) -> None:
        self._jars = jar_folder()
        self._java = java()
        self._temporary = home is None
        self.home = Path(tempfile.mkdtemp(prefix="neo4j-")) if home is None else home.resolve()
        self._port = port or free_port()
        self._heap_mb = heap_mb
        self._jvm = tuple(jvm)
        self._start_timeout_s = start_timeout_s
        self._process: TetheredProcess | None = None
        write_conf(self.home, port=self._port, heap_mb=heap_mb, pagecache_mb=pagecache_mb)
        self._password = self._keep_password(password)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def uri(self) -> str:
        return f"bolt://127.0.0.1:{self._port}"

    @property
    def auth(self) -> tuple[str, str]:
        return USERNAME, self._password

    @property
    def pid(self) -> int:
        """Of the server's java."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.exit_code is None

    def start(self) -> None:
        """Starts it on its home, and returns when it answers a query over Bolt."""
        if self.is_running:
            raise RuntimeError(f"the server of {self.home} runs already")
        if not can_bind(self._port):
            raise ServerUnavailableError(
                f"port {self._port} is in use: stop what listens there, or choose another port"
            )
        if not (self.home / "data" / "dbms" / "auth.ini").exists():
            self.admin("dbms", "set-initial-password", self._password)
        self._process = TetheredProcess(self._server_command(), log=self.home / "logs" / "console.log")
        try:
            self._await_bolt()
        except BaseException:
            self.kill()
            raise

    def stop(self, timeout_s: float = 60) -> None:
        """SIGTERM, then waits until it has closed its store; nothing if it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._fail(f"Neo4j did not stop within {timeout_s:.0f} s and was killed")
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL: what is on disk is what a power cut of the process leaves. Nothing if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def close(self) -> None:
        """Stops it; a temporary home is removed."""
        try:
            self.stop()
        finally:
            if self._temporary:
                shutil.rmtree(self.home, ignore_errors=True)

    def wait(self) -> int:
        """Blocks until the server ends by itself; its exit code."""
        return self._running().wait()

    def admin(self, *arguments: str, timeout_s: float = 300) -> str:
        """Runs `neo4j-admin ARGUMENTS` on the home of the stopped server; its output. Raises if it exits with an error."""
        if self.is_running:
            raise RuntimeError("neo4j-admin works on a stopped server: stop() first")
        env = os.environ | {
            "NEO4J_HOME": str(self.home),
            "NEO4J_CONF": str(self.home / "conf"),
            "HEAP_SIZE": f"{self._heap_mb}m",
        }
        main = "org.neo4j.server.startup.Neo4jAdminCommand"
        command = [self._java, *QUICK_START, "-cp", f"{self._jars}/*", main, *arguments]
        log = self.home / "logs" / "admin.log"
        log.write_bytes(b"")
        process = TetheredProcess(command, log=log, env=env)
        try:
            exit_code = process.wait(timeout_s)
        finally:
            process.kill()
        output = log.read_text(errors="replace")
        if exit_code:
            shown = " ".join(arguments[:3])
            raise RuntimeError(f"neo4j-admin {shown} … exited with {exit_code}:\n{_tail(output)}")
        return output

    def _running(self) -> TetheredProcess:
        if self._process is None:
            raise RuntimeError(f"the server of {self.home} does not run: start() first")
        return self._process

    def _keep_password(self, given: str | None) -> str:
        # Beside the conf and for its owner only: a home that is opened again must open with the password it was made with.
        kept = self.home / "conf" / "password"
        if kept.exists():
            password = kept.read_text()
            if given not in (None, password):
                raise ValueError(f"{self.home} was made with another password: leave it out, or use another home")
            return password
        password = given or secrets.token_hex(16)
        kept.touch(mode=0o600)
        kept.write_text(password)
        return password

    def _server_command(self) -> list[str]:
        opens = [word for package in _OPENS for word in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")]
        heap = [f"-Xms{self._heap_mb}m", f"-Xmx{self._heap_mb}m", "-XX:+ExitOnOutOfMemoryError"]
        main = "org.neo4j.server.CommunityEntryPoint"
        homes = [f"--home-dir={self.home}", f"--config-dir={self.home / 'conf'}"]
        return [self._java, *heap, *self._jvm, *opens, "-cp", f"{self._jars}/*", main, *homes]

    def _await_bolt(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        with GraphDatabase.driver(self.uri, auth=self.auth) as driver:
            while True:
                try:
                    # Not execute_query: its retries would sleep past the moment that we wait for.
                    with driver.session(database=DATABASE) as session:
                        session.run("RETURN 1").consume()
                except AuthError as error:
                    self._fail(f"Neo4j at {self.home} refuses the password it was made with: {error.message}")
                except (DriverError, Neo4jError) as error:
                    self._check_start(deadline, str(error))
                    time.sleep(_POLL_S)
                else:
                    return

    def _check_start(self, deadline: float, why: str) -> None:
        exit_code = self._running().exit_code
        if exit_code is not None:
            self._fail(f"Neo4j ended with exit code {exit_code} before it answered")
        if time.monotonic() > deadline:
            self._fail(f"Neo4j did not answer within {self._start_timeout_s:.0f} s: {why}")

    def _fail(self, what: str) -> NoReturn:
        paths = (self.home / "logs" / name for name in ("console.log", "neo4j.log"))
        logs = [_tail(path.read_text(errors="replace")) for path in paths if path.exists()]
        raise ServerUnavailableError("\n".join([f"{what}; its home is {self.home} and its last words:", *logs]))


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-_TAIL_LINES:])


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one server in the foreground until Ctrl-C or SIGTERM; prints how to reach it on stdout."""
    parser = argparse.ArgumentParser(prog="python -m tests.neo4j.server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=7687, help="for Bolt; 0 picks a free one (default: 7687)")
    parser.add_argument("--home", type=Path, help="folder of its data; without it a temporary one, removed at the end")
    parser.add_argument("--heap-mb", type=int, default=1024)
    parser.add_argument("--pagecache-mb", type=int, default=256)
    given = parser.parse_args(arguments)

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    password = os.environ.get("NEO4J_PASSWORD")
    server = Neo4jServer(
        given.home,
        port=given.port,
        password=password,
        heap_mb=given.heap_mb,
        pagecache_mb=given.pagecache_mb,
        jvm=STEADY_STATE,
    )
    with suppress(KeyboardInterrupt), server:
        print(f"NEO4J_URI={server.uri}\nNEO4J_USERNAME={USERNAME}\nNEO4J_PASSWORD={server.auth[1]}", flush=True)
        print("Ctrl-C stops it", file=sys.stderr)
        return server.wait()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ServerUnavailableError, ValueError) as error:
        sys.exit(str(error))
