"""Servers of `benchmarks.serve`, each a process of its own on a free loopback port, ended when the benchmark ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
PEER = Path(__file__).parent / "peer"


@contextmanager
def running(command: Sequence[str], folder: Path, **environment: str) -> Generator[str]:
    """Starts a server that logs `{"event": "serving", "url": …}` on stderr; its URL."""
    process = subprocess.Popen(
        command, cwd=folder, env=os.environ | environment, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    try:
        yield _url(process.stderr, command)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()


def _url(stderr: IO[str], command: Sequence[str]) -> str:
    lines: list[str] = []
    for line in stderr:
        lines.append(line)
        if line.startswith("{") and json.loads(line).get("event") == "serving":
            # Whatever it says from now on must not fill the pipe.
            threading.Thread(target=_drain, args=(stderr,), daemon=True).start()
            return str(json.loads(line)["url"])
    raise SystemExit(f"{' '.join(command)} did not start:\n{''.join(lines[-20:])}")


def _drain(stderr: IO[str]) -> None:
    for line in stderr:
        if '"level": "error"' in line or '"level":"error"' in line:
            sys.stderr.write(line)


def ours(home: Path, *, workers: int) -> Any:
    """`tastegraph serve`."""
    command = [sys.executable, "-m", "tastegraph", "serve", "--port", "0", "--workers", str(workers)]
    return running(command, ROOT, TASTEGRAPH_HOME=str(home))


def bare(answers: Mapping[str, str], folder: Path) -> Any:
    """aiohttp alone, answering ready bytes by path."""
    file = folder / "answers.json"
    file.write_text(json.dumps(answers))
    return running([sys.executable, "-m", "benchmarks.bare", str(file)], ROOT)


def peer(uri: str, auth: tuple[str, str]) -> Any:
    """@neo4j/graphql on Apollo Server, installed here if it is not yet."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise SystemExit("the peer runs on Node 20, which is not installed; --no-peer leaves it out")
    if not (PEER / "node_modules" / ".package-lock.json").exists():
        subprocess.run(["npm", "ci", "--silent"], cwd=PEER, check=True, stdout=sys.stderr)
    environment = {"NEO4J_URI": uri, "NEO4J_USERNAME": auth[0], "NEO4J_PASSWORD": auth[1], "NODE_ENV": "production"}
    return running(["node", "server.mjs"], PEER, **environment)


def ask(url: str, body: str) -> dict[str, Any]:
    """The answer to one request; raises SystemExit for one with errors."""
    request = urllib.request.Request(url, body.encode(), {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
        answer = json.load(response)
    if answer.get("errors"):
        raise SystemExit(f"{url} answers {body} with {answer['errors'][0]}")
    return answer
