"""Each source of candidates alone: the walk goes where chance says, the filter is its formula, vectors score as stated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from embeddings.baselines import two_hop_filter
from embeddings.dataset import pair_matrix
from graph.model import NodeKind
from graph.visibility import ADMIN
from recommend.blend import WEIGHTS, rank, weights_of
from recommend.ranked import Source
from recommend.retrieve import retrieve
from recommend.seeds import seeds_of
from recommend.serving import Serving
from recommend.spread import Weighted, two_hops
from recommend.walk import Visits, WalkPlan, walk
from tests.crowds import Crowd, artifact_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sources")


@pytest.fixture(scope="module")
def serving(folder: Path) -> Serving:
    snapshot = Crowd.of(1, size=30, events=600).snapshot(folder)
    return Serving.of(snapshot, artifact_of(snapshot, folder, exponent=0.3))


def pins(*rows: int) -> Weighted:
    return Weighted(np.array(rows, np.int32), np.ones(len(rows), np.float32))


def saves(serving: Serving) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(users, pins): the public saves, as a dense matrix."""
    matrix = np.zeros((30, 30))
    for user in range(30):
        matrix[user, serving.public.saves.out.neighbours(user)] = 1
    return matrix


def test_the_filter_is_its_formula(serving: Serving) -> None:
    users, rows = np.nonzero(saves(serving))
    weights = two_hop_filter(pair_matrix(users.astype(np.int32), rows.astype(np.int32), (30, 30))).weights
    for seeds in ([0], [3], [0, 5, 7]):
        expected = np.asarray(weights[seeds].sum(axis=0)).ravel()
        found = two_hops(serving.public.saves, pins(*seeds), alike=False)
        assert np.allclose(found.at(np.arange(30, dtype=np.int32)), expected, rtol=1e-4)


def shares(visits: Visits) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = np.zeros(30)
    found[visits.pins.rows] = np.sqrt(visits.pins.weights) ** 2
    return found / found.sum()


def test_single_hops_go_where_chance_says(serving: Serving) -> None:
    """From a pin to each saver alike, from there to each saved pin alike: (Rᵀ row-normalised) · (R row-normalised)."""
    matrix = saves(serving)
    back = matrix.T / np.maximum(matrix.sum(axis=0)[:, None], 1)
    forth = matrix / np.maximum(matrix.sum(axis=1)[:, None], 1)
    plan = WalkPlan(steps=200_000, restart=1.0, boards=0.0, enough_pins=10_000)
    visits = walk(serving.public, pins(0), plan, 1)
    assert visits.steps == 200_000
    assert np.abs(shares(visits) - (back @ forth)[0]).max() < 0.005


def test_boards_are_walked_too_and_counted(serving: Serving) -> None:
    visits = walk(serving.public, pins(0), WalkPlan(steps=5_000, restart=1.0, boards=1.0, enough_pins=10_000), 1)
    assert set(visits.boards.rows.tolist()) == set(serving.public.holds.into.neighbours(0).tolist())
    assert visits.boards.weights.sum() == 5_000


def test_visits_from_several_seeds_boost_each_other(serving: Serving) -> None:
    """(Σ √visits)²: with equal steps from two seeds, what both reach is worth up to twice the visits."""
    plan = WalkPlan(steps=4_000, restart=1.0, boards=0.0, enough_pins=10_000)
    alone = walk(serving.public, pins(0), plan, 1).pins.weights.sum()
    together = walk(serving.public, pins(0, 1), plan, 1).pins.weights.sum()
    assert together > 1.3 * alone


def test_a_walk_stops_when_enough_was_seen(serving: Serving) -> None:
    plan = WalkPlan(steps=100_000, enough_pins=5, enough_visits=3)
    assert walk(serving.public, pins(0), plan, 1).steps < 1_000


def test_a_pin_without_edges_is_walked_nowhere(serving: Serving) -> None:
    lonely = [row for row in range(30) if not serving.public.saves.into.degree(row)]
    for row in [*lonely, *[row for row in range(30) if row not in lonely][:1]]:
        visits = walk(serving.public, pins(row), WalkPlan(), 1)
        assert bool(visits.steps) is (row not in lonely)


def test_the_same_number_walks_the_same_also_in_many_threads(serving: Serving) -> None:
    def once(number: int) -> tuple[list[int], list[float]]:
        visits = walk(serving.public, pins(0, 3), WalkPlan(), number)
        return visits.pins.rows.tolist(), visits.pins.weights.tolist()

    one_by_one = [once(number) for number in range(8)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(once, range(8))) == one_by_one
    assert one_by_one[0] != one_by_one[1]


def test_vectors_score_by_dot_product_and_a_power_of_the_norm(serving: Serving) -> None:
    """u · v · ‖v‖^(0.3 − 1)."""
    assert serving.artifact is not None
    seeds = seeds_of(serving, NodeKind.USER, [2], ADMIN)
    found = retrieve(serving, seeds, NodeKind.PIN, own_vector=True, plan=WalkPlan()).found[Source.GNN]
    user = serving.artifact.vectors[NodeKind.USER].matrix[2].astype(np.float64)
    pin_vectors = serving.artifact.vectors[NodeKind.PIN].matrix.astype(np.float64)
    expected = pin_vectors @ user * np.linalg.norm(pin_vectors, axis=1) ** -0.7
    assert np.allclose(found.at(np.arange(30, dtype=np.int32)), np.maximum(expected, 0), atol=1e-5)


def test_rows_of_artifact_and_snapshot_are_mapped_both_ways(folder: Path, serving: Serving) -> None:
    some = artifact_of(serving.snapshot, folder, seed=8, without=lambda kind, id_: id_.endswith("3"))
    mapped = Serving.of(serving.snapshot, some)
    for kind, vectors in mapped.vectors.items():
        table = serving.snapshot.nodes[kind]
        for row in range(len(table)):
            there = vectors.rows[row]
            assert (there < 0) == table.id_of(row).endswith("3")
            if there >= 0:
                assert some.vectors[kind].ids.id_of(int(there)) == table.id_of(row)
                assert vectors.snapshot_rows[there] == row


def test_ranking_is_a_weighted_sum_of_scores_over_their_spread() -> None:
    rows = np.arange(4, dtype=np.int32)
    found = {
        Source.FILTER: Weighted(rows, np.array([4, 3, 2, 1], np.float32)),
        Source.WALK: Weighted(rows[1:3], np.array([100, 300], np.float32)),
    }
    ranked = rank(found, {Source.FILTER: 1.0, Source.WALK: 2.0}, nodes=4, without=np.array([0], np.int32), first=10)
    by_filter, by_walk = np.array([3, 2, 1]), np.array([100, 300, 0])
    expected = by_filter / np.std([*by_filter, 0]) + 2 * by_walk / np.std([*by_walk, 0])
    assert [scored.row for scored in ranked] == [2, 1, 3]
    assert [scored.score for scored in ranked] == pytest.approx(sorted(expected, reverse=True), rel=1e-5)
    assert all(sum(scored.parts.values()) == pytest.approx(scored.score) for scored in ranked)


def test_weights_are_the_releases_where_it_has_any() -> None:
    assert weights_of({}) == WEIGHTS
    assert weights_of({"gnn": 2.0, "Filter": 1.0}) == {Source.GNN: 2.0, Source.FILTER: 1.0}
