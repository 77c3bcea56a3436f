"""The publish gate: whether a trained model may replace what is being served."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import orjson

from embeddings.artifact import MANIFEST
from embeddings.release import Release, current
from graph.errors import CorruptFileError, GateRefusedError, NotFoundError
from graph.settings import Home

_ADVICE: Final = "; see its report, or publish it anyway with --force"


def check_gate(home: Home, model: str, evaluation: Mapping[str, Any], margin: float) -> None:
    """Raises GateRefusedError when the model is worse than popularity, or than CURRENT by more than `margin` (a share).

    Worse is by the first metric of the protocol, recall@20 on held-out saves. CURRENT is compared only where it was measured by
    the same rule: another split asks another question.
    """
    results = evaluation.get("results") or {}
    if not results:
        raise GateRefusedError("not published: there are too few saves to measure the model; publish it with --force")
    metric = next(iter(results["model"]))
    mine, popular = results["model"][metric], results["popularity"][metric]
    if not mine >= popular:
        raise GateRefusedError(f"not published: {metric} {mine:.4f} is worse than popularity's {popular:.4f}{_ADVICE}")
    before = _current_evaluation(home, model)
    if before is None or before.get("split", {}).get("rule") != evaluation["split"]["rule"]:
        return
    theirs = before.get("results", {}).get("model", {}).get(metric)
    if theirs is not None and mine < theirs * (1 - margin):
        raise GateRefusedError(
            f"not published: {metric} {mine:.4f} is worse than CURRENT's {theirs:.4f} by more than {margin:.0%}{_ADVICE}"
        )


def _current_evaluation(home: Home, model: str) -> Mapping[str, Any] | None:
    """The evaluation of the model that is being served; None where there is none that can be read."""
    release = current_or_none(home)
    version = None if release is None else release.artifacts.get(model)
    if version is None:
        return None
    folder = home.artifacts / model / version
    if not (folder / MANIFEST).is_file():
        return None
    return _read(folder / "evaluation.json")


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else None


def current_or_none(home: Home) -> Release | None:
    """What is being served; None for nothing, or for a CURRENT that can't be read: publishing mends that."""
    try:
        return current(home)
    except (NotFoundError, CorruptFileError):
        return None
