from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from embeddings.metrics import HitRate, Hits, Metric, Ndcg, Recall, catalogue_coverage, interval, popularity_bias


def hits(ranked: list[list[int]], truth: list[list[int]], pins: int = 10) -> Hits:
    matrix = np.zeros((len(truth), pins))
    for row, relevant in enumerate(truth):
        matrix[row, relevant] = 1
    return Hits.of(np.array(ranked, np.int32), sparse.csr_matrix(matrix))


RANX = """
import json, sys
from ranx import Qrels, Run, evaluate
qrels, run, names = json.load(sys.stdin)
print(json.dumps({name: evaluate(Qrels(qrels), Run(run), name, return_mean=False).tolist() for name in names}))
"""


def ranx(
    qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]], names: list[str]
) -> dict[str, list[float]]:
    """What ranx says, from a process of its own: uncompiled it takes a second, compiled by numba half a minute."""
    done = subprocess.run(
        [sys.executable, "-c", RANX],
        input=json.dumps([qrels, run, names]),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_metrics_agree_with_ranx_on_random_lists() -> None:
    rng = np.random.default_rng(0)
    users, pins = 40, 60
    ranked = np.array([rng.permutation(pins)[:30] for _ in range(users)])
    truth = [rng.choice(pins, rng.integers(1, 40), replace=False).tolist() for _ in range(users)]
    qrels = {f"{u:02}": {str(p): 1 for p in truth[u]} for u in range(users)}
    run = {f"{u:02}": {str(p): float(-rank) for rank, p in enumerate(ranked[u])} for u in range(users)}
    metrics = {
        f"{name}@{k}": make(k)
        for k in (1, 5, 20)
        for name, make in (("recall", Recall), ("ndcg", Ndcg), ("hit_rate", HitRate))
    }
    theirs = ranx(qrels, run, list(metrics))
    ours = hits(ranked.tolist(), truth, pins)
    for name, metric in metrics.items():
        np.testing.assert_allclose(metric(ours), theirs[name], atol=1e-12, err_msg=name)


@pytest.mark.parametrize("metric", [Recall(3), Ndcg(3), HitRate(3)])
def test_nothing_relevant_is_nan_and_nothing_found_is_zero(metric: Metric) -> None:
    values = metric(hits([[1, 2, 3], [1, 2, 3], [3, 1, 2]], [[], [7], [3]]))
    assert np.isnan(values[0])
    assert values[1] == 0
    assert values[2] == 1


def test_recall_is_of_all_that_is_relevant_also_beyond_k() -> None:
    assert Recall(2)(hits([[0, 1]], [[0, 1, 2, 3]])).tolist() == [0.5]


def test_ndcg_is_one_when_the_list_is_full_of_relevant_pins() -> None:
    assert Ndcg(2)(hits([[0, 1]], [[0, 1, 2, 3]])).tolist() == [1.0]


def test_a_list_that_ends_early_finds_nothing_at_its_missing_ranks() -> None:
    assert Recall(3)(hits([[9, -1, -1]], [[8, 9]])).tolist() == [0.5]


def test_coverage_counts_each_pin_once_and_no_missing_rank() -> None:
    assert catalogue_coverage(np.array([[0, 1], [1, -1]], np.int32), 4) == 0.5


def test_popularity_bias_is_high_for_the_popular_and_low_for_the_rest() -> None:
    savers = np.arange(100.0)
    assert popularity_bias(np.array([[99, 98]], np.int32), savers) > 0.98
    assert popularity_bias(np.array([[0, 1]], np.int32), savers) < 0.03


def test_the_interval_holds_the_mean_and_narrows_with_more_users() -> None:
    rng = np.random.default_rng(0)
    few, many = rng.random(30), rng.random(3_000)
    low, high = interval(few, 1) or (0.0, 0.0)
    assert low < few.mean() < high
    narrow = interval(many, 1) or (0.0, 1.0)
    assert narrow[1] - narrow[0] < (high - low) / 5
    assert interval(few, 1) == (low, high), "the same seed gives the same interval"


def test_one_user_has_no_interval() -> None:
    assert interval(np.array([0.3, np.nan]), 1) is None
