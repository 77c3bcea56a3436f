"""Runs `tastegraph load` in a process of its own, so that its time and memory are its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Loaded:
    """One run of `tastegraph load`."""

    summary: dict[str, Any]
    cpu_s: float
    peak_mb: float

    @property
    def seconds(self) -> float:
        return self.summary["seconds"]


def load(folder: Path, home: Path, *options: str, **environment: str) -> Loaded:
    """Loads a folder into a home's store, or another that is named; no setting of whoever measures is known to it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TASTEGRAPH_", "NEO4J_"))}
    command = [sys.executable, "-m", "tastegraph", "load", str(folder), *options, "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, env=clean | environment | {"TASTEGRAPH_HOME": str(home)}
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the load of {folder} ended with exit code {process.returncode}")
    return Loaded(json.loads(said), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
