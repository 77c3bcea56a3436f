"""The run ledger: what each run read, what it made, with which versions, and how it ended. The lineage of what is served.

`runs/NAME.json` is there from the moment a run begins, so that one that was killed is seen too: it stays `running` under a
process id that is gone.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from graph.sealed import write_atomically
from graph.settings import Home


@dataclass(slots=True)
class Run:
    """One entry. `inputs` and `outputs` are filled while the run goes on; they are written when it ends."""

    path: Path
    command: str
    started_at: str
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    def write(self, status: str, error: str | None = None) -> None:
        """Replaces the entry."""
        entry = {
            "run": self.path.stem,
            "command": self.command,
            "status": status,
            "started_at": self.started_at,
            "ended_at": None if status == "running" else datetime.now(UTC).isoformat(timespec="seconds"),
            "pid": os.getpid(),
            "versions": {"tastegraph": version("tastegraph"), "python": platform.python_version()},
            "inputs": self.inputs,
            "outputs": self.outputs,
            "error": error,
        }
        write_atomically(
            self.path, orjson.dumps(entry, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n"
        )


@contextmanager
def recorded(home: Home, command: str, inputs: Mapping[str, Any]) -> Generator[Run]:
    """Keeps an entry about what is done inside: `done`, or `failed` with the error's one line."""
    now = datetime.now(UTC)
    name = f"{now:%Y%m%dT%H%M%S%fZ}-{command}-{os.getpid()}"
    run = Run(home.runs / f"{name}.json", command, now.isoformat(timespec="seconds"), dict(inputs))
    run.write("running")
    try:
        yield run
    except BaseException as error:
        run.write("failed", f"{type(error).__name__}: {error}".replace("\n", " "))
        raise
    run.write("done")
