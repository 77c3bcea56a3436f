"""The main job on real data: what a newcomer sees after `make demo`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from embeddings.release import current
from graph.settings import Home
from tests.e2e.demo import Demo

pytestmark = pytest.mark.slow


def test_the_demo_answers_in_order_and_with_reasons(demo: Demo) -> None:
    related = demo.answer["pin"]["relatedPins"]
    assert related["source"] == "GNN"
    scores = [edge["score"] for edge in related["edges"]]
    assert scores == sorted(scores, reverse=True)
    assert all(edge["reasons"] and edge["reasons"][0]["text"] for edge in related["edges"])


def test_the_published_model_beats_popularity_on_held_out_time(demo: Demo) -> None:
    home = Home(demo.home)
    release = current(home)
    (model, version), *_ = release.artifacts.items()
    results = json.loads((home.artifacts / model / version / "evaluation.json").read_text())["results"]
    assert results["model"]["recall@20"] > 1.2 * results["popularity"]["recall@20"]


def test_a_second_demo_does_nothing_again_and_answers_the_same(demo: Demo) -> None:
    before = current(Home(demo.home)).name
    done = subprocess.run(
        [sys.executable, "-m", "tastegraph", "demo"],
        env={**demo.environment, "DEMO_SERVE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert current(Home(demo.home)).name == before
    assert json.loads(done.stdout.splitlines()[-1].removeprefix("SELFCHECK ")) == demo.answer
