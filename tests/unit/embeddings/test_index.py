from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from embeddings.index import ExactIndex, HnswIndex, VectorIndex, open_index, recall_against_exact
from graph.errors import CorruptFileError


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2_000, 16)).astype(np.float32)


@pytest.mark.parametrize("make", [ExactIndex, HnswIndex.build])
def test_the_largest_inner_products_come_first(make: type[ExactIndex], vectors: np.ndarray) -> None:
    queries = vectors[:50] + 0.1
    scores, rows = make(vectors).search(queries, 5)
    products = queries @ vectors.T
    np.testing.assert_allclose(scores[:, 0], products.max(axis=1), rtol=1e-4)
    np.testing.assert_allclose(np.take_along_axis(products, rows, axis=1), scores, rtol=1e-4)
    assert (np.diff(scores, axis=1) <= 1e-6).all()


@pytest.mark.parametrize("make", [ExactIndex, HnswIndex.build])
def test_fewer_vectors_than_asked_for_leave_the_rest_empty(make: type[ExactIndex], vectors: np.ndarray) -> None:
    scores, rows = make(vectors[:3]).search(vectors[:2], 5)
    assert rows.shape == scores.shape == (2, 5)
    assert (rows[:, 3:] == -1).all()
    assert (scores[:, 3:] == -np.inf).all()
    assert {tuple(sorted(found)) for found in rows[:, :3].tolist()} == {(0, 1, 2)}


def test_hnsw_finds_nearly_all_that_exact_search_finds(vectors: np.ndarray) -> None:
    assert recall_against_exact(HnswIndex.build(vectors), vectors, vectors[:200]) > 0.95


def test_an_index_is_the_same_after_writing_and_reading(vectors: np.ndarray, tmp_path: Path) -> None:
    built = HnswIndex.build(vectors)
    built.write(tmp_path / "Pin.faiss")
    read = open_index(vectors, tmp_path / "Pin.faiss")
    assert isinstance(read, HnswIndex)
    for mine, theirs in zip(built.search(vectors[:20], 10), read.search(vectors[:20], 10), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert isinstance(open_index(vectors, tmp_path / "absent"), ExactIndex)


def test_a_file_that_is_no_index_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "Pin.faiss").write_bytes(b"not an index at all")
    with pytest.raises(CorruptFileError, match="train again") as caught:
        HnswIndex.read(tmp_path / "Pin.faiss")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [ExactIndex, HnswIndex.build])
def test_threads_get_the_same_answers(make: type[ExactIndex], vectors: np.ndarray) -> None:
    index: VectorIndex = make(vectors)
    _, expected = index.search(vectors[:100], 10)
    found: list[np.ndarray] = []

    def ask() -> None:
        found.extend(index.search(vectors[:100], 10)[1] for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert all(np.array_equal(rows, expected) for rows in found)
