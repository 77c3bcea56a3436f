"""What is being served: `releases/CURRENT`, one JSON that names a snapshot, the artifacts by model, and the blend weights.

It alone is swapped and rolled back, atomically; every release that was current is kept beside it as `releases/NAME.json`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import orjson

from graph.errors import CorruptFileError, NotFoundError
from graph.sealed import write_atomically
from graph.settings import Home

FORMAT = 1
CURRENT = "CURRENT"


@dataclass(frozen=True, slots=True)
class Release:
    """One published combination. `artifacts` maps a model's name to an artifact's version; `blend` a source to its weight."""

    name: str
    """`YYYYMMDDThhmmssZ-` and 6 hex digits; sorts by time."""
    published_at: str
    snapshot: str
    artifacts: dict[str, str]
    blend: dict[str, float] = field(default_factory=dict[str, float])
    erasure_epoch: int = 0
    format: int = FORMAT


def release_name(moment: datetime, content: str) -> str:
    """A name that sorts by time; `content` is a hex hash of what the release is made of."""
    return f"{moment:%Y%m%dT%H%M%SZ}-{content[:6]}"


def publish(home: Home, release: Release) -> None:
    """Makes a release current: its own file first, then CURRENT, each replaced whole."""
    data = orjson.dumps(asdict(release), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    write_atomically(home.releases / f"{release.name}.json", data)
    write_atomically(home.releases / CURRENT, data)


def current(home: Home) -> Release:
    """The release that is being served.

    Raises NotFoundError when nothing was published, CorruptFileError when CURRENT can't be read.
    """
    try:
        return _read(home.releases / CURRENT)
    except FileNotFoundError:
        raise NotFoundError(
            f"nothing is published in {home.path}; run `tastegraph train`, or `tastegraph demo`"
        ) from None


def published(home: Home, name: str) -> Release:
    """A release that was current once.

    Raises NotFoundError when none of that name was published, CorruptFileError when it can't be read.
    """
    if name not in history(home):
        raise NotFoundError(
            f"no release {name} was published in {home.path}; there are: {', '.join(history(home)) or 'none'}"
        )
    return _read(home.releases / f"{name}.json")


def _read(path: Path) -> Release:
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, orjson.JSONDecodeError) as error:
        raise CorruptFileError(f"release {path} can't be read ({error}); run `tastegraph rollback`") from None
    if not isinstance(found, dict) or cast("dict[str, Any]", found).get("format") != FORMAT:
        raise CorruptFileError(f"release {path} is not of format {FORMAT}; run `tastegraph rollback`")
    try:
        return Release(**cast("dict[str, Any]", found))
    except TypeError as error:
        raise CorruptFileError(f"release {path} is incomplete ({error}); run `tastegraph rollback`") from None


def history(home: Home) -> list[str]:
    """Names of all releases that were published here, oldest first."""
    return sorted(path.stem for path in home.releases.glob("*.json"))
