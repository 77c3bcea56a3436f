from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from embeddings.baselines import Popularity
from embeddings.dataset import Dataset, Edges
from embeddings.heterograph import heterograph
from embeddings.loss import sampled_softmax
from embeddings.model import Encoder
from embeddings.ranking import measure
from embeddings.settings import Recipe, TrainSettings, recipe_for
from embeddings.splits import Split, random_split, validation_split
from embeddings.train import Trained, fit
from embeddings.tuning import scorer_of, tune
from graph.model import NodeKind
from graph.schema import Link
from tests.unit.embeddings.planted import planted

SETTINGS = TrainSettings(dim=16, epochs_max=6, threads=1)


@pytest.fixture(scope="module")
def split() -> Split:
    return random_split(planted(), 7)


@pytest.fixture(scope="module")
def recipe(split: Split) -> Recipe:
    return replace(recipe_for(split.train, SETTINGS), epochs=6)


@pytest.fixture(scope="module")
def trained(split: Split, recipe: Recipe) -> Trained:
    return fit(split.train, recipe)


def test_the_loss_falls(trained: Trained) -> None:
    losses = [record["loss"] for record in trained.history]
    assert losses[-1] < losses[0] - 0.2
    assert len(losses) == 6


def test_the_model_beats_popularity_where_interests_are_planted(trained: Trained, split: Split) -> None:
    popular = measure(Popularity.fit(split.train.matrix()), split).mean("recall@20")
    assert measure(scorer_of(trained.vectors, 0.5), split).mean("recall@20") > 2 * popular


def test_vectors_of_one_interest_point_the_same_way(trained: Trained) -> None:
    for kind in (NodeKind.PIN, NodeKind.USER, NodeKind.BOARD):
        vectors = trained.vectors[kind]
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        same = np.arange(len(unit))[:, None] % 5 == np.arange(len(unit)) % 5
        likeness = unit @ unit.T
        assert likeness[same].mean() > likeness[~same].mean() + 0.15, kind


def test_interests_lie_among_their_pins(trained: Trained) -> None:
    pins, interests = trained.vectors[NodeKind.PIN], trained.vectors[NodeKind.INTEREST]
    nearest = (pins @ (interests / np.linalg.norm(interests, axis=1, keepdims=True)).T).argmax(axis=1)
    assert (nearest == np.arange(len(pins)) % 5).mean() > 0.9


def test_the_same_seed_gives_the_same_vectors_to_the_bit(split: Split, recipe: Recipe, trained: Trained) -> None:
    again = fit(split.train, recipe)
    other = fit(split.train, replace(recipe, seed=8))
    for kind, vectors in trained.vectors.items():
        assert np.array_equal(vectors, again.vectors[kind])
    assert not np.array_equal(trained.vectors[NodeKind.PIN], other.vectors[NodeKind.PIN])


def test_two_threads_give_the_same_vectors_twice(split: Split, recipe: Recipe) -> None:
    one, other = (fit(split.train, replace(recipe, threads=2, epochs=1, half_life=0.1)) for _ in range(2))
    assert np.array_equal(one.vectors[NodeKind.PIN], other.vectors[NodeKind.PIN])


def test_a_board_objective_trains_too(split: Split, recipe: Recipe) -> None:
    boarded = fit(split.train, replace(recipe, board_weight=1.0, epochs=2))
    assert boarded.history[-1]["loss"] < boarded.history[0]["loss"]


def test_nodes_without_edges_get_no_vector() -> None:
    data = planted()
    alone = Dataset({**data.nodes, NodeKind.PIN: data.pins + 1}, data.links)
    found = fit(alone, replace(recipe_for(alone, SETTINGS), epochs=1))
    assert not found.vectors[NodeKind.PIN][-1].any()
    assert not alone.touched(NodeKind.PIN)[-1]
    assert np.isfinite(found.vectors[NodeKind.PIN]).all()


def test_tuning_stops_at_an_epoch_and_an_exponent_of_the_validation_split(split: Split) -> None:
    tuned = tune(validation_split(split, 7), recipe_for(split.train, SETTINGS), SETTINGS)
    assert 1 <= tuned.recipe.epochs <= 6
    assert tuned.recipe.half_life is None, "a random split knows no times"
    assert {"loss", "validation_recall@20", "exponent"} <= set(tuned.trained.history[0])


def test_one_hop_is_the_normalised_sum_of_neighbours() -> None:
    nodes = dict.fromkeys(NodeKind, 0) | {NodeKind.USER: 3, NodeKind.PIN: 2}
    user, pin = np.array([0, 1, 1, 2], np.int32), np.array([0, 0, 1, 1], np.int32)
    graph = heterograph(Dataset(nodes, {Link.SAVED: Edges.of(user, pin)}), source_exponent=0.5, target_exponent=0.3)
    adjacency = np.zeros((3, 2))
    adjacency[user, pin] = 1
    h = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    [into_pins] = graph.into(NodeKind.PIN)
    expected = np.diag(adjacency.sum(0) ** -0.3) @ adjacency.T @ np.diag(adjacency.sum(1) ** -0.5) @ h
    np.testing.assert_allclose(into_pins.propagate(torch.from_numpy(h)).numpy(), expected, rtol=1e-5)


def test_what_is_wanted_does_not_depend_on_what_else_is_computed(split: Split) -> None:
    torch.manual_seed(0)
    encoder = Encoder(heterograph(split.train, half_life=0.1), 8, 3, 3.0)
    everything = encoder()
    few = encoder({NodeKind.USER, NodeKind.PIN})
    assert few.keys() == {NodeKind.USER, NodeKind.PIN}
    for kind, vectors in few.items():
        torch.testing.assert_close(vectors, everything[kind])


def test_the_loss_is_minus_the_log_of_the_positives_share() -> None:
    anchor = torch.tensor([[1.0, 0.0]])
    positive, negatives = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 3.0], [5.0, 0.0]])
    nothing = torch.zeros(1, 2, dtype=torch.bool)
    expected = -np.log(np.e / (np.e + 1 + np.e))
    assert sampled_softmax(anchor, positive, negatives, nothing, 1.0).item() == pytest.approx(expected, rel=1e-5)
    collides = torch.tensor([[False, True]])
    expected = -np.log(np.e / (np.e + 1))
    assert sampled_softmax(anchor, positive, negatives, collides, 1.0).item() == pytest.approx(expected, rel=1e-5)


def test_the_recipe_follows_size_and_settings() -> None:
    data = planted()
    small = recipe_for(data, TrainSettings())
    assert recipe_for(data, TrainSettings(dim=24, batch_pairs=100)).batch_pairs == 100
    assert small.batch_pairs < len(data.saves)
    rng = np.random.default_rng(0)
    n = 200_000
    big = Dataset(
        dict.fromkeys(NodeKind, 0) | {NodeKind.USER: 5_000, NodeKind.PIN: 5_000},
        {Link.SAVED: Edges.of(*(rng.integers(0, 5_000, n).astype(np.int32) for _ in range(2)))},
    )
    assert recipe_for(big, TrainSettings()).dim > small.dim
    assert recipe_for(big, TrainSettings()).batch_pairs > small.batch_pairs
