"""The demo run: a real data set, loaded, exported, trained on, published and served. What is done already is skipped."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from graph.console import say
from graph.errors import NotFoundError, TerminalError
from graph.settings import GraphSettings, Home

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 60.0
QUESTION: Final = """
query RelatedFilms($film: String!) {
  pin(key: $film) {
    title
    relatedPins(first: 5) {
      source
      edges { score node { title } reasons { text share } }
    }
  }
}
"""
FILM: Final = {"film": "50"}
"""Star Wars (1977): the film of the sample with the most ratings."""


def run_demo(settings: GraphSettings) -> None:
    """Everything up to a published release, in the settings' home and store."""
    home = settings.home_dir()
    _step("sample", lambda: _sample(home))
    _step("load", lambda: _load(home))
    _step("snapshot", lambda: _snapshot(settings))
    _step("train", lambda: _train(settings))


def _step(name: str, run: Callable[[], str]) -> None:
    began = time.perf_counter()
    told = run()
    say(f"{name:>9}  {told}  ({time.perf_counter() - began:.1f} s)")


def _folder(home: Home) -> Path:
    return home.path / "sample"


def _sample(home: Home) -> str:
    from loaders.samples import write_sample
    from loaders.wheel import fetched_wheel

    if _folder(home).is_dir():
        return "MovieLens 100K is here already"
    counts = write_sample(fetched_wheel(home.path / "downloads"), _folder(home))
    return ", ".join(f"{rows:,} {table}" for table, rows in counts.items())


def _load(home: Home) -> str:
    from loaders.load import load

    summary = load(_folder(home))
    return f"{summary.read:,} rows read, {summary.written:,} written, {summary.quarantined:,} quarantined"


def _snapshot(settings: GraphSettings) -> str:
    from pipeline.snapshot import run_snapshot

    made = run_snapshot(settings)
    return f"{made['nodes']:,} nodes, {made['edges']:,} edges"


def _train(settings: GraphSettings) -> str:
    from embeddings.release import current
    from graph.export import latest_snapshot
    from pipeline.train import run_train

    home = settings.home_dir()
    try:
        release = current(home)
        if release.snapshot == latest_snapshot(home.snapshots).name and release.artifacts:
            return f"release {release.name} is trained on this snapshot already"
    except NotFoundError:
        pass
    made = run_train(settings)
    return f"release {made['release']} published; report: {made['report']}"


def selfcheck(home: Home) -> dict[str, Any]:
    """Starts the real server, asks it one real question, and stops it. Returns the answer's data.

    Raises TerminalError when it doesn't start within a minute, or doesn't answer with related pins.
    """
    with serving(home) as address:
        answer = _ask(f"{address}/graphql")
    if answer.get("errors") or not answer["data"]["pin"]["relatedPins"]["edges"]:
        raise TerminalError(f"the server of {home.path} answered without related pins: {str(answer)[:500]}")
    return answer["data"]


@contextmanager
def serving(home: Home) -> Generator[str]:
    """`tastegraph serve` on a free port of loopback, ready to answer; its address, such as http://127.0.0.1:40123."""
    port = _free_port()
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "tastegraph", "serve", "--port", str(port), "--metrics-port", "0"],
        env={**os.environ, "TASTEGRAPH_HOME": str(home.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_until_ready(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=STOP_TIMEOUT_S)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _wait_until_ready(server: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            told = server.stderr.read() if server.stderr else ""
            raise TerminalError(f"the server stopped while starting: {told.strip()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise TerminalError(f"the server was not ready after {START_TIMEOUT_S:.0f} s; try `tastegraph serve` to see why")


def _ask(url: str) -> dict[str, Any]:
    body = json.dumps({"query": QUESTION, "variables": FILM}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        return json.load(response)
