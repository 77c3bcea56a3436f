"""Several workers on one port: each has its own SO_REUSEPORT socket, and the kernel shares connections out between them.

The supervisor holds the port, starts the first worker alone so that what can't be served is said once, starts a worker again
that died, passes SIGTERM on, and adds up the metrics of all workers.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType
from typing import Final

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gql.server import listen, port_of, run_worker, say_where, serve_metrics
from gql.settings import ServeSettings
from gql.telemetry import Metrics, configure_logs
from graph.console import say
from graph.errors import EXIT_FAILED, ConflictError, TastegraphError
from graph.settings import Home

START_S: Final = 60.0
"""Seconds a worker may take to be ready."""
PAUSE_S: Final = 1.0
"""Seconds between looks at the workers, and between attempts to start one."""
METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
log = structlog.get_logger()


def supervise(home: Home, settings: ServeSettings) -> None:
    """Serves with `settings.workers` processes until SIGTERM or SIGINT. Raises ConflictError when the port is in use."""
    configure_logs(settings.log_level)
    # SO_REUSEPORT would let a second server of the same user in: without it, binding fails if anything listens.
    with listen(settings.host, settings.port, shared=False) as probe:
        port = port_of(probe)
    with listen(settings.host, port, shared=True), _shared_metrics() as registry:
        settings = settings.model_copy(update={"port": port})
        metrics_server = serve_metrics(settings, port, registry)
        try:
            _Supervisor(home, settings).run(on_ready=lambda: say_where(metrics_server))
        finally:
            metrics_server.shutdown()
            metrics_server.server_close()


@contextmanager
def _shared_metrics() -> Generator[CollectorRegistry]:
    """A folder that the workers write their metrics into, and a registry that adds them up."""
    with tempfile.TemporaryDirectory(prefix="tastegraph-metrics-") as folder:
        os.environ[METRICS_FOLDER] = folder
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)
        yield registry


class _Supervisor:
    def __init__(self, home: Home, settings: ServeSettings) -> None:
        self._home = home
        self._settings = settings
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[int, SpawnProcess] = {}
        self._stopping = False

    def run(self, on_ready: Callable[[], None]) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        try:
            for _ in range(self._settings.workers):
                if not self._stopping:
                    self._start()
            on_ready()
            while not self._stopping:
                self._bury_dead()
                self._fill_up()
        finally:
            self._end_all()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self) -> None:
        """Starts a worker and waits until it serves. Raises ConflictError when it ends instead."""
        ready = self._context.Event()
        worker = self._context.Process(target=_work, args=(self._home.path, self._settings, ready))
        worker.start()
        self._workers[worker.sentinel] = worker
        deadline = time.monotonic() + START_S
        while not ready.wait(0.05) and not self._stopping:
            if not worker.is_alive() or time.monotonic() > deadline:
                raise ConflictError("a worker did not start, for the reason above; nothing is served")

    def _bury_dead(self) -> None:
        """Waits a moment for workers to die, and takes note of those that did."""
        for sentinel in wait(list(self._workers), timeout=PAUSE_S):
            worker = self._workers.pop(int(sentinel))  # pyright: ignore[reportArgumentType] sentinels are ints here
            mark_process_dead(worker.pid or 0)
            if not self._stopping:
                log.error("worker_died", pid=worker.pid, exit_code=worker.exitcode)

    def _fill_up(self) -> None:
        """Starts a worker if one is missing; one that does not start is tried again later, and the others go on."""
        if self._stopping or len(self._workers) == self._settings.workers:
            return
        try:
            self._start()
        except ConflictError:
            time.sleep(PAUSE_S)

    def _end_all(self) -> None:
        for worker in self._workers.values():
            worker.terminate()
        until = time.monotonic() + self._settings.drain_s + 5
        for worker in self._workers.values():
            worker.join(max(0.0, until - time.monotonic()))
            if worker.is_alive():
                log.error("worker_killed", pid=worker.pid)
                worker.kill()


def _work(home: Path, settings: ServeSettings, ready: Event) -> None:
    """A worker's whole life, in a process of its own."""
    configure_logs(settings.log_level)
    try:
        with listen(settings.host, settings.port, shared=True) as listening:
            run_worker(Home(home), settings, listening, Metrics(), on_ready=ready.set)
    except TastegraphError as error:
        say(f"tastegraph: {error}")
        raise SystemExit(EXIT_FAILED) from None
