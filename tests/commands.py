"""Runs our commands as a shell would: arguments in, exit code, stdout and stderr out."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

import tastegraph

DOWNLOADS = Path(__file__).parents[1] / "build" / "downloads"
"""Where fetched wheels stay between test runs, so that the second run needs no network."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON object that --json printed."""
        assert self.code == 0, self.err
        return orjson.loads(self.out)

    @property
    def said(self) -> str:
        """The one line of a failure."""
        lines = [line for line in self.err.splitlines() if line.startswith("tastegraph: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        assert not self.out
        return lines[0]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Done:
    """A command in this process."""
    capsys.readouterr()
    code = tastegraph.run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return Done(code, captured.out, captured.err)


def start(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    """A command in a process of its own, its output piped."""
    return subprocess.Popen(
        [sys.executable, "-m", "tastegraph", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
    )
