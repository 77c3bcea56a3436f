"""The processes that serve: one worker in this process, or several under a supervisor, on one port.

A worker opens the release, listens, and on SIGTERM or SIGINT stops listening, lets the requests in flight end, and exits. The
supervisor answers nothing: it starts workers again that died, and has the metrics of all of them.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from http.server import HTTPServer

import structlog
import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry, start_http_server

from gql.api import API
from gql.app import make_app
from gql.keys import Keys
from gql.projection import add_collecting
from gql.rankers import warm_up
from gql.release import Releases
from gql.settings import ServeSettings
from gql.telemetry import Metrics, configure_logs
from graph.errors import ConflictError, InvalidInputError
from graph.settings import GraphSettings, Home

METRICS_HOST = "127.0.0.1"
BACKLOG = 1024
KEEP_ALIVE_S = 75.0
log = structlog.get_logger()


def serve(home: Home, settings: ServeSettings) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises InvalidInputError for a host that is open to other machines where no key is needed, ConflictError for a port in use,
    and what `gql.release.open_first_release` raises.
    """
    settings.check_exposure(keyed=Keys(home).needed)
    if settings.workers > 1:
        from gql.supervisor import supervise

        supervise(home, settings)
        return
    configure_logs(settings.log_level)
    metrics = Metrics()
    with listen(settings.host, settings.port, shared=False) as listening:
        metrics_server = serve_metrics(settings, port_of(listening), metrics.registry)
        try:
            run_worker(home, settings, listening, metrics, on_ready=lambda: say_where(metrics_server))
        finally:
            metrics_server.shutdown()
            metrics_server.server_close()


def run_worker(
    home: Home, settings: ServeSettings, listening: socket.socket, metrics: Metrics, on_ready: Callable[[], None]
) -> None:
    """Serves on a bound socket in this process until a signal says to stop."""
    allow_open_files()
    releases = Releases(home, keep_old_s=settings.keep_old_s)
    app = make_app(settings, releases, metrics, Keys(home))
    add_collecting(app, GraphSettings(home=home.path))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_answer(app, settings, listening, on_ready))


async def _answer(
    app: web.Application, settings: ServeSettings, listening: socket.socket, on_ready: Callable[[], None]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        keepalive_timeout=KEEP_ALIVE_S,
        shutdown_timeout=settings.drain_s,
    )
    await runner.setup()
    await web.SockSite(runner, listening, backlog=BACKLOG).start()
    url = f"http://{settings.host}:{port_of(listening)}/graphql"
    log.info("serving", url=url, release=app[API].releases.current.name)
    on_ready()
    await loop.run_in_executor(app[API].threads, warm_up)
    # What was made so far lives as long as the process: the collector need not look at it again.
    gc.freeze()
    await stop.wait()
    log.info("draining", seconds=settings.drain_s)
    app[API].draining = True
    await runner.cleanup()
    log.info("stopped")


def allow_open_files() -> None:
    """Lifts the soft limit on open files: a release has a hundred of them, a connection one, and 1,024 are soon reached."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def listen(host: str, port: int, *, shared: bool) -> socket.socket:
    """A socket bound to an address; `shared`: other processes of ours may bind to it too (SO_REUSEPORT).

    Raises ConflictError when something listens there, InvalidInputError when there is no such address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with ExitStack() as unless_bound:
            bound = unless_bound.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.bind(address)
            unless_bound.pop_all()
    except OSError as error:
        raise cant_listen(host, port, "--port", error) from None
    return bound


def port_of(bound: socket.socket) -> int:
    """The port that a socket is bound to."""
    return bound.getsockname()[1]


def serve_metrics(settings: ServeSettings, api_port: int, registry: CollectorRegistry) -> HTTPServer:
    """Serves `/metrics` from a thread, on loopback whatever the API's host is. Raises ConflictError for a port in use."""
    port = settings.metrics_port
    if port is None:
        port = 0 if settings.port == 0 else min(api_port + 1, 65535)
    try:
        server, _ = start_http_server(port, METRICS_HOST, registry)
    except OSError as error:
        raise cant_listen(METRICS_HOST, port, "--metrics-port", error) from None
    return server


def say_where(metrics_server: HTTPServer) -> None:
    """Logs where the metrics are."""
    log.info("metrics", url=f"http://{METRICS_HOST}:{metrics_server.server_port}/metrics")


def cant_listen(host: str, port: int, option: str, error: OSError) -> ConflictError | InvalidInputError:
    """The error for an address that can't be listened on."""
    if isinstance(error, socket.gaierror):
        return InvalidInputError(f"{host} is no address of this machine ({error.strerror}); give another --host")
    if error.errno == errno.EADDRINUSE:
        return ConflictError(f"port {port} on {host} is in use; stop what listens there, or give another {option}")
    return ConflictError(f"can't listen on {host}, port {port} ({error.strerror}); give another {option}")
