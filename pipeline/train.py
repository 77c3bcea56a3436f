"""The train-and-publish run: newest snapshot → split, tune, measure → train on everything → sealed artifact → gate → release.

Killed at any moment it leaves no half artifact and no half release: both are moved into place whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from embeddings.artifact import MANIFEST
from embeddings.dataset import Dataset, of_snapshot
from embeddings.release import Release, publish, release_name
from embeddings.report import PinMap, write_report
from embeddings.settings import Recipe, TrainSettings, recipe_for
from embeddings.splits import Split, degrees, random_split, time_split
from embeddings.train import Trained, fit
from embeddings.writing import Made, manifest, write_contents
from graph.console import say
from graph.errors import InvalidInputError
from graph.export import latest_snapshot
from graph.model import NodeKind
from graph.schema import Link
from graph.sealed import building, folder_sums, seal, sums_hash
from graph.settings import GraphSettings, Home
from graph.snapshot import Snapshot
from pipeline.gate import check_gate
from pipeline.ledger import recorded
from pipeline.trial import Stopwatch, Tell, Trial, phase, published_recipe, run_trial, telling, telling_bars
from recommend.blend import WEIGHTS

SAVES_MIN: Final = 2


def run_train(
    settings: GraphSettings, train_settings: TrainSettings | None = None, *, force: bool = False
) -> dict[str, Any]:
    """Trains on the newest snapshot of the home and publishes what came of it.

    `force` publishes whatever the gate says, and also a model that couldn't be measured. Raises NotFoundError without a
    snapshot, InvalidInputError for too little data, GateRefusedError when the artifact is made but not published.
    """
    given = train_settings or TrainSettings()
    home = settings.home_dir()
    snapshot = Snapshot.open(latest_snapshot(home.snapshots))
    inputs = {"snapshot": snapshot.version, "content_hash": snapshot.content_hash, "settings": given.model_dump()}
    with recorded(home, "train", inputs) as run:
        began = Stopwatch()
        data = of_snapshot(snapshot)
        with telling_bars() as tell:
            trial = _trial(data, given, tell, force=force)
            recipe = published_recipe(trial, recipe_for(data, given))
            trained = fit(data, recipe, telling("publish", recipe, tell))
        recipe = replace(recipe, threads=trained.threads)
        evaluation = _evaluation(trial, given.seed)
        folder = _write_artifact(home, snapshot, data, given.model, recipe, trained, trial, evaluation)
        run.outputs["artifact"] = f"{given.model}/{folder.name}"
        if not force:
            check_gate(home, given.model, evaluation, given.margin)
        release = _publish(home, snapshot, given.model, folder.name, evaluation)
        run.outputs["release"] = release.name
        return {
            "release": release.name,
            "artifact": f"{given.model}/{folder.name}",
            "snapshot": snapshot.version,
            "report": str(folder / "report" / "index.html"),
            "results": evaluation.get("results", {}),
            **began.cost().as_dict(),
        }


def _trial(data: Dataset, settings: TrainSettings, tell: Tell, *, force: bool) -> Trial | None:
    """Measured by a cut in time, or on a random share where saves have no times; None if too little for both, and forced."""
    try:
        return run_trial(_split(data, settings.seed), settings, tell)
    except InvalidInputError as error:
        if not force or len(data.saves) < SAVES_MIN:
            raise InvalidInputError(f"{error}; or train without measuring: `tastegraph train --force`") from None
        say(f"not measured: {error}")
        return None


def _split(data: Dataset, seed: int) -> Split:
    try:
        return time_split(data)
    except InvalidInputError as by_time:
        try:
            split = random_split(data, seed)
        except InvalidInputError:
            raise by_time from None
        say(f"{by_time}; measured on a random split")
        return split


def _evaluation(trial: Trial | None, seed: int) -> dict[str, Any]:
    if trial is None:
        return {"protocol": "none", "results": {}}
    return {**trial.contest.report(seed), **trial.cost.as_dict()}


def _write_artifact(
    home: Home,
    snapshot: Snapshot,
    data: Dataset,
    model: str,
    recipe: Recipe,
    trained: Trained,
    trial: Trial | None,
    evaluation: Mapping[str, Any],
) -> Path:
    """Everything of the artifact in one sealed folder, which is returned."""
    history = [*(trial.history if trial else []), *phase("publish", trained.history)]
    known = {kind: data.touched(kind) & (np.abs(v).sum(axis=1) > 0) for kind, v in trained.vectors.items()}
    made = Made(trained.vectors, known, trained.weights, history, evaluation, recipe.score_exponent)
    with building(home.artifacts / model) as folder:
        recalls = write_contents(folder, snapshot, made)
        write_report(
            folder / "report",
            title=f"{model} on {snapshot.version}",
            facts=_facts(data, snapshot, recipe, evaluation),
            evaluation=evaluation,
            history=history,
            pins=_pin_map(snapshot, data, made),
        )
        files = folder_sums(folder)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{sums_hash(files)[:12]}"
        described = manifest(
            model=model,
            name=name,
            snapshot=snapshot,
            made=made,
            dim=recipe.dim,
            settings=recipe.as_dict(),
            threads=trained.threads,
            files=files,
            measured={"metrics": evaluation["results"].get("model", {}), "index_recall_at_10": recalls},
        )
        seal(folder, home.artifacts / model / name, MANIFEST, described)
    return home.artifacts / model / name


def _facts(data: Dataset, snapshot: Snapshot, recipe: Recipe, evaluation: Mapping[str, Any]) -> dict[str, str]:
    half_life = (
        "no"
        if recipe.half_life is None
        else f"a save counts half once {recipe.half_life:.0%} of all saves came after it"
    )
    return {
        "snapshot": snapshot.version,
        "nodes": ", ".join(f"{count:,} {kind.lower()}s" for kind, count in data.nodes.items() if count),
        "edges": ", ".join(f"{len(edges):,} {link}" for link, edges in data.links.items()),
        "model": f"{recipe.layers} layers, {recipe.dim} dimensions, {recipe.epochs} epochs",
        "scoring": f"u·v·‖v‖^({recipe.score_exponent:g} − 1)",
        "ageing": half_life,
        "training": f"{evaluation['train_cpu_s']:.0f} CPU s, choosing included"
        if "train_cpu_s" in evaluation
        else "not measured",
    }


def _pin_map(snapshot: Snapshot, data: Dataset, made: Made) -> PinMap:
    """Pins with vectors; of a pin's interests the rarest names it, as it says most."""
    rows = np.flatnonzero(made.known[NodeKind.PIN])
    about = snapshot.links[Link.ABOUT]
    pins_of = about.into.degrees()
    names: list[str | None] = []
    for row in rows:
        interests = about.out.neighbours(int(row))
        rarest = interests[np.argmin(pins_of[interests])] if len(interests) else None
        names.append(None if rarest is None else snapshot.nodes[NodeKind.INTEREST].value("name", int(rarest)))
    return PinMap(made.vectors[NodeKind.PIN][rows], names, degrees(data.matrix())[1][rows])


def _blend(evaluation: Mapping[str, Any]) -> Mapping[str, float]:
    """The weights that were tuned: of vectors and filter; other sources keep their own."""
    return evaluation.get("settings", {}).get("blend", {})


def _publish(home: Home, snapshot: Snapshot, model: str, version: str, evaluation: Mapping[str, Any]) -> Release:
    now = datetime.now(UTC)
    release = Release(
        name=release_name(now, version.rpartition("-")[2]),
        published_at=now.isoformat(timespec="seconds"),
        snapshot=snapshot.version,
        artifacts={model: version},
        blend={**{source.value.lower(): weight for source, weight in WEIGHTS.items()}, **_blend(evaluation)},
        erasure_epoch=snapshot.erasure_epoch,
    )
    publish(home, release)
    return release
