"""The evaluate run: the model with default settings beside its baselines, on a public split or an interchange folder.

Nothing is published, and nothing of the home is changed: a folder is loaded into a store that is thrown away.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import orjson

from embeddings.dataset import Dataset, of_snapshot
from embeddings.settings import TrainSettings
from embeddings.splits import Protocol, Split, public_split, random_split, time_split
from graph.console import say
from graph.errors import InvalidInputError
from graph.export import export_snapshot
from graph.sealed import write_atomically
from graph.settings import GraphSettings
from graph.snapshot import Snapshot
from graph.stores import open_store
from pipeline.trial import run_trial, telling_bars

Rule = Literal["time", "random"]


def run_evaluate(split: Split, settings: TrainSettings, out: Path | None = None) -> dict[str, Any]:
    """Trains and measures; the result is what `evaluate --json` prints, `out` gets intervals, curves and settings as well."""
    with telling_bars() as tell:
        trial = run_trial(split, settings, tell)
    report = {**trial.contest.report(settings.seed), **trial.cost.as_dict()}
    for line in _table(report):
        say(line)
    if out is not None:
        whole = {**report, "recipe": trial.recipe.as_dict(), "history": trial.history}
        write_atomically(out, orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n")
    return {"protocol": report["protocol"], "results": report["results"], **trial.cost.as_dict()}


def split_of_files(train: Path, test: Path, protocol: Protocol) -> Split:
    """A public split; raises InvalidInputError for files that can't be used."""
    return public_split(train, test, protocol)


def split_of_folder(folder: Path, rule: Rule, seed: int) -> Split:
    """An interchange folder, loaded and cut. Raises InvalidInputError, QuarantineThresholdError as `load` does."""
    data = _loaded(folder)
    return time_split(data) if rule == "time" else random_split(data, seed)


def _loaded(folder: Path) -> Dataset:
    from loaders.load import load

    if not folder.is_dir():
        raise InvalidInputError(f"{folder} is not a folder; give one in interchange form")
    with tempfile.TemporaryDirectory(prefix="tastegraph-") as temporary, _home_at(Path(temporary)) as settings:
        load(folder, settings.store_url())
        store = open_store(None, settings)
        try:
            snapshot = Snapshot.open(export_snapshot(store, settings.home_dir().snapshots), verify=False)
        finally:
            store.close()
        return of_snapshot(snapshot).in_memory()


@contextmanager
def _home_at(folder: Path) -> Generator[GraphSettings]:
    """Everything that a load leaves goes into this folder for a while: the home is not to know of it."""
    name = "TASTEGRAPH_HOME"
    before = os.environ.get(name)
    os.environ[name] = str(folder)
    try:
        yield GraphSettings(home=folder, store=f"sqlite:///{folder / 'store.db'}")
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _table(report: dict[str, Any]) -> list[str]:
    """Every method with its intervals, the best first, for people."""
    results = {**report["results"], **report["also"]}
    metrics = list(next(iter(results.values())))
    split = report["split"]
    asked = (
        f"{split['scored_users']:,} users, {split['test_pairs']:,} held-out saves, {split['train_pairs']:,} in train"
    )
    lines = [f"{asked}, {split['cold_users']:,} cold users not scored; 95 % intervals by bootstrap over users"]
    for name in sorted(results, key=lambda name: -results[name][metrics[0]]):
        cells = [
            f"{metric} {results[name][metric]:.4f} {_bounds(report['intervals_95'][name][metric])}"
            for metric in metrics
        ]
        lines.append(f"{name:<16} {'  '.join(cells)}")
    return lines


def _bounds(bounds: tuple[float, float] | None) -> str:
    return "(–)" if bounds is None else f"({bounds[0]:.4f}–{bounds[1]:.4f})"
