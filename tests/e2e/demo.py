"""The demo's home, made once a test run by the real command: sample, load, snapshot, train, publish, one real query."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graph.settings import Home
from loaders.wheel import WHEEL, fetched_wheel
from pipeline.demo import serving
from tests.commands import DOWNLOADS


@dataclass(frozen=True, slots=True)
class Demo:
    """A home that `tastegraph demo` made, and the answer that it printed."""

    home: Path
    answer: dict[str, Any]
    told: str

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to find the home."""
        return {**os.environ, "TASTEGRAPH_HOME": str(self.home)}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    home = tmp_path_factory.mktemp("demo") / "home"
    (home / "downloads").mkdir(parents=True)
    shutil.copy(fetched_wheel(DOWNLOADS), home / "downloads" / WHEEL)
    done = subprocess.run(
        [sys.executable, "-m", "tastegraph", "demo"],
        env={**os.environ, "TASTEGRAPH_HOME": str(home), "DEMO_SERVE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    line = done.stdout.splitlines()[-1]
    assert line.startswith("SELFCHECK "), done.stdout
    return Demo(home, json.loads(line.removeprefix("SELFCHECK ")), done.stderr)


@pytest.fixture(scope="session")
def demo_server(demo: Demo) -> Generator[str]:
    """The demo's home, served by the real command; its address."""
    with serving(Home(demo.home)) as address:
        yield address
