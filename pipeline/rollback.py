"""Takes a release back: CURRENT names an earlier one again, after all of its parts were read and found whole."""

from __future__ import annotations

from typing import Any

from embeddings.artifact import Artifact
from embeddings.release import Release, history, publish, published
from graph.errors import CorruptFileError, NotFoundError
from graph.settings import GraphSettings, Home
from graph.snapshot import Snapshot
from pipeline.gate import current_or_none
from pipeline.ledger import recorded


def run_rollback(settings: GraphSettings, name: str | None = None) -> dict[str, Any]:
    """Makes an earlier release current: the one of that name, else the newest before CURRENT that is whole.

    Where CURRENT can't be read, the newest of all. Raises NotFoundError when there is none to go back to, CorruptFileError when
    the one that was named is not whole; CURRENT then stays as it is.
    """
    home = settings.home_dir()
    now = current_or_none(home)
    before = None if now is None else now.name
    with recorded(home, "rollback", {"from": before, "to": name}) as run:
        target = _whole(home, name) if name is not None else _newest_before(home, before)
        publish(home, target)
        run.outputs["release"] = target.name
    return {"release": target.name, "was": before, "snapshot": target.snapshot, "artifacts": target.artifacts}


def _newest_before(home: Home, before: str | None) -> Release:
    names = [name for name in history(home) if before is None or name < before]
    damaged: list[str] = []
    for name in reversed(names):
        try:
            return _whole(home, name)
        except (CorruptFileError, NotFoundError):
            damaged.append(name)
    told = f"; not whole: {', '.join(damaged)}" if damaged else ""
    raise NotFoundError(f"there is no release before {before or 'now'} in {home.path} to go back to{told}")


def _whole(home: Home, name: str) -> Release:
    """A release whose snapshot and artifacts are what was written, byte for byte."""
    release = published(home, name)
    Snapshot.open(home.snapshots / release.snapshot)
    for model, version in release.artifacts.items():
        Artifact.open(home.artifacts / model / version)
    return release
