"""Brings the one wheel that the sample is taken from: from the cache, or by pip, always checked against its digest."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from graph.console import say
from graph.errors import CorruptFileError, InvalidInputError, TerminalError

REQUIREMENT: Final = "recbole==1.2.1"
WHEEL: Final = "recbole-1.2.1-py3-none-any.whl"
SHA256: Final = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
_PIP_TIMEOUT_S: Final = 300


def fetched_wheel(cache: Path) -> Path:
    """The wheel in a folder of ours, fetched if it is not there yet.

    Raises TerminalError when pip can't bring it (offline), CorruptFileError when it is not the file that we know.
    """
    place = cache / WHEEL
    if place.is_file():
        return checked_wheel(place)
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".tmp-", dir=cache) as folder:
        say(f"fetching {REQUIREMENT} with pip (2 MB, not installed)")
        _download(Path(folder))
        os.replace(checked_wheel(Path(folder) / WHEEL), place)
    return place


def checked_wheel(path: Path) -> Path:
    """The path, if the file there is the wheel. Raises CorruptFileError for another file, InvalidInputError for none."""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InvalidInputError(
            f"wheel {path} can't be read ({error.strerror or error}); give the path of {WHEEL}"
        ) from None
    if found != SHA256:
        raise CorruptFileError(
            f"wheel {path} is not the {WHEEL} that the sample is made from (SHA-256 {found[:12]}…, expected {SHA256[:12]}…);"
            " remove it and run the command again"
        )
    return path


def _download(folder: Path) -> None:
    options = ["--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input", "--quiet"]
    patience = ["--retries", "1", "--timeout", "20"]
    command = [sys.executable, "-m", "pip", "download", *options, *patience, "--dest", str(folder), REQUIREMENT]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_TIMEOUT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TerminalError(f"{REQUIREMENT} can't be fetched ({error}); {_ADVICE}") from None
    if done.returncode or not (folder / WHEEL).is_file():
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["pip brought nothing"]
        raise TerminalError(f"{REQUIREMENT} can't be fetched ({said[-1].strip()}); {_ADVICE}")


_ADVICE: Final = f"connect to a package index once, or give the wheel with --wheel PATH/{WHEEL}"
