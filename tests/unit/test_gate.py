"""The publish gate: what may be published, and what is refused with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from embeddings.artifact import MANIFEST
from embeddings.release import CURRENT, Release, publish
from graph.errors import GateRefusedError
from graph.settings import Home
from pipeline.gate import check_gate


def evaluation(model: float, popularity: float = 0.1, rule: str = "time") -> dict[str, Any]:
    return {
        "split": {"rule": rule},
        "results": {
            "model": {"recall@20": model, "ndcg@20": 0.9},
            "popularity": {"recall@20": popularity, "ndcg@20": 0.1},
        },
    }


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def serve(home: Home, evaluated: dict[str, Any]) -> None:
    """Makes a model with this evaluation current."""
    folder = home.artifacts / "lightgcn" / "v1"
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_bytes(b"{}")
    (folder / "evaluation.json").write_bytes(orjson.dumps(evaluated))
    publish(home, Release("20240101T000000Z-aaaaaa", "2024-01-01", "s", {"lightgcn": "v1"}))


def test_better_than_popularity_and_the_first_is_let_through(home: Home) -> None:
    check_gate(home, "lightgcn", evaluation(0.2), 0.1)


@pytest.mark.parametrize("model", [0.09, float("nan")])
def test_worse_than_popularity_is_refused(home: Home, model: float) -> None:
    with pytest.raises(GateRefusedError, match=r"worse than popularity's 0\.1000.*--force") as caught:
        check_gate(home, "lightgcn", evaluation(model), 0.1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("model", "passes"), [(0.31, True), (0.28, True), (0.26, False)])
def test_worse_than_what_is_served_by_more_than_the_margin_is_refused(home: Home, model: float, passes: bool) -> None:
    serve(home, evaluation(0.3))
    if passes:
        check_gate(home, "lightgcn", evaluation(model), 0.1)
    else:
        with pytest.raises(GateRefusedError, match=r"CURRENT's 0\.3000 by more than 10%"):
            check_gate(home, "lightgcn", evaluation(model), 0.1)


def test_another_rule_of_splitting_is_no_comparison(home: Home) -> None:
    serve(home, evaluation(0.9, rule="random"))
    check_gate(home, "lightgcn", evaluation(0.2), 0.1)


def test_a_damaged_current_stands_in_nobodys_way(home: Home) -> None:
    serve(home, evaluation(0.9))
    (home.releases / CURRENT).write_text("{")
    check_gate(home, "lightgcn", evaluation(0.2), 0.1)


def test_what_could_not_be_measured_is_refused(home: Home) -> None:
    with pytest.raises(GateRefusedError, match="too few saves"):
        check_gate(home, "lightgcn", {"protocol": "none", "results": {}}, 0.1)
