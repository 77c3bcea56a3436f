from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from embeddings.baselines import GRIDS, Factors, two_hop_filter
from embeddings.dataset import Rows, aged_matrix
from embeddings.ranking import measure, top
from embeddings.splits import random_split, time_split
from tests.unit.embeddings.planted import planted


class Constant:
    """Everybody gets the same scores."""

    def __init__(self, scores: np.ndarray) -> None:
        self.values = scores.astype(np.float32)

    def scores(self, users: Rows) -> np.ndarray:
        return np.tile(self.values, (len(users), 1))


def test_the_best_come_first_and_nothing_after_the_end() -> None:
    scores = np.array([[0.1, 0.9, -np.inf, 0.5]], np.float32)
    assert top(scores, 6).tolist() == [[1, 3, 0, -1, -1, -1]]
    assert top(scores, 2).tolist() == [[1, 3]]


def test_what_was_saved_in_train_and_what_is_not_in_the_catalogue_is_never_an_answer() -> None:
    split = random_split(planted(), 7)
    closed = split.catalogue.copy()
    closed[3] = False
    split = replace(split, catalogue=closed)
    ranked = measure(Constant(np.arange(split.train.pins)), split).ranked
    known = split.train.matrix()
    for place, user in enumerate(split.scored):
        assert not set(ranked[place].tolist()) & set(known[user].indices.tolist())
    assert 3 not in ranked


def test_perfect_scores_get_all_and_the_reverse_nothing() -> None:
    split = random_split(planted(), 7)

    class Oracle:
        def scores(self, users: Rows) -> np.ndarray:
            return np.asarray(split.truth[users].todense(), np.float32)

    assert measure(Oracle(), split).means() == {"recall@20": 1.0, "ndcg@20": 1.0}


def test_a_method_that_cant_tell_pins_apart_gets_nothing_in_leave_one_out() -> None:
    split = random_split(planted(), 7)
    one = split.truth.tolil()
    for user in split.scored:
        one[user, split.truth[user].indices[1:]] = 0
    split = replace(split, protocol="leave-one-out", truth=one.tocsr())
    assert measure(Constant(np.zeros(split.train.pins)), split).mean("hr@10") == 0
    user = np.zeros((split.train.users, split.train.pins), np.float32)
    user[split.truth.nonzero()] = 1
    found = measure(Factors(user, np.eye(split.train.pins, dtype=np.float32)), split)
    assert found.means() == {"hr@10": 1.0, "ndcg@10": 1.0}


@pytest.mark.parametrize("method", ["item_knn", "ials", "gf_cf", "filter"])
def test_every_personal_baseline_beats_popularity_where_interests_are_planted(method: str) -> None:
    split = random_split(planted(), 7)
    saves = split.train.matrix()
    fit, grid = GRIDS[method]
    settings = {"dim": 8} if method == "ials" else {"rank": 16} if method == "gf_cf" else grid[0]
    popular = measure(GRIDS["popularity"][0](saves), split).mean("recall@20")
    assert measure(fit(saves, **settings), split).mean("recall@20") > 1.5 * popular


def test_the_filter_is_the_product_that_it_says() -> None:
    saves = planted(users=30, pins=40).matrix()
    r = saves.toarray().astype(np.float64)
    by_user, by_pin = r.sum(axis=1), np.maximum(r.sum(axis=0), 1e-300)
    powers = [np.where(r.sum(axis=0) > 0, by_pin**-p, 0) for p in (0.7, 0.3)]
    expected = (r * powers[0]) @ (r.T * by_user**-0.8) @ (r * powers[1])
    np.testing.assert_allclose(two_hop_filter(saves).scores(np.arange(30)), expected, rtol=1e-4)


def test_ageing_makes_what_was_saved_lately_count_more() -> None:
    data = planted(users=20, pins=30)
    aged = aged_matrix(data, 0.1)
    newest, oldest = np.argmax(data.saves.at), np.argmin(data.saves.at)
    assert aged[data.saves.source[newest], data.saves.target[newest]] == 1
    assert aged[data.saves.source[oldest], data.saves.target[oldest]] < 0.02
    assert aged.nnz == data.matrix().nnz


def test_a_time_split_measures_only_warm_users() -> None:
    split = time_split(planted())
    assert len(measure(Constant(np.zeros(split.train.pins)), split).values["recall@20"]) == len(split.scored)
