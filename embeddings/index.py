"""Nearest neighbours among vectors by inner product, behind one small protocol: exact, or approximate by faiss's HNSW.

Items go in already scaled (`artifact.score_scale`), so that the inner product is the score. Searching is safe from several
threads at once. Knows neither torch nor ids: rows in, rows out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from graph.errors import CorruptFileError

Scores = NDArray[np.float32]
Rows = NDArray[np.int64]

LINKS: Final = 16
"""Neighbours a node of the HNSW graph keeps: with EF_SEARCH 32, recall@10 was 1.000 on 100,000 × 64."""
EF_BUILD: Final = 80
EF_SEARCH: Final = 64
EXACT_MAX: Final = 20_000
"""Up to so many vectors exact search is as fast as HNSW and needs no graph."""


class VectorIndex(Protocol):
    """Answers which vectors have the largest inner product with a query."""

    def search(self, queries: NDArray[np.float32], k: int) -> tuple[Scores, Rows]:
        """queries: (n, dim). Returns scores and rows, (n, k) each, best first; -inf and -1 where there are fewer."""
        ...

    def __len__(self) -> int: ...


class ExactIndex:
    """Every vector is looked at. Ties are in no order that is promised."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors

    def __len__(self) -> int:
        return len(self._vectors)

    def search(self, queries: NDArray[np.float32], k: int) -> tuple[Scores, Rows]:
        scores = queries.astype(np.float32, copy=False) @ self._vectors.T
        width = min(k, len(self))
        if not width:
            return _padded(scores[:, :0], np.empty((len(queries), 0), np.int64), k)
        best = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        found = np.take_along_axis(scores, best, axis=1)
        order = np.argsort(-found, axis=1, kind="stable")
        return _padded(np.take_along_axis(found, order, axis=1), np.take_along_axis(best, order, axis=1), k)


class HnswIndex:
    """A navigable small-world graph (Malkov and Yashunin, TPAMI 2020), built and searched by faiss."""

    def __init__(self, index: Any, ef_search: int = EF_SEARCH) -> None:
        self._index = index
        make = faiss.SearchParametersHNSW  # pyright: ignore[reportAttributeAccessIssue] made at run time by SWIG
        self._parameters = make(efSearch=ef_search)

    @classmethod
    def build(cls, vectors: NDArray[np.float32], ef_search: int = EF_SEARCH) -> HnswIndex:
        """Builds on one thread: the same vectors give the same graph."""
        index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = EF_BUILD
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            index.add(np.ascontiguousarray(vectors, np.float32))
        finally:
            faiss.omp_set_num_threads(threads)
        return cls(index, ef_search)

    @classmethod
    def read(cls, path: Path) -> HnswIndex:
        """Raises CorruptFileError when the file is not an index."""
        try:
            return cls(faiss.read_index(str(path)))
        except RuntimeError as error:
            raise CorruptFileError(f"index {path} can't be read ({str(error).splitlines()[0]}); train again") from None

    def write(self, path: Path) -> None:
        """Writes one file."""
        faiss.write_index(self._index, str(path))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, queries: NDArray[np.float32], k: int) -> tuple[Scores, Rows]:
        found, rows = self._index.search(np.ascontiguousarray(queries, np.float32), k, params=self._parameters)
        found[rows < 0] = -np.inf
        return found, rows


def open_index(vectors: NDArray[np.float32], path: Path) -> VectorIndex:
    """The index of a kind: HNSW where the artifact has a file, else exact over the (already scaled) vectors."""
    return HnswIndex.read(path) if path.is_file() else ExactIndex(vectors)


def recall_against_exact(
    index: VectorIndex, vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int = 10
) -> float:
    """Mean share of the exact first k that an index finds too."""
    _, exact = ExactIndex(vectors).search(queries, k)
    _, found = index.search(queries, k)
    shared = [len(np.intersect1d(a[a >= 0], b)) / max((a >= 0).sum(), 1) for a, b in zip(exact, found, strict=True)]
    return float(np.mean(shared))


def _padded(scores: Scores, rows: Rows, k: int) -> tuple[Scores, Rows]:
    missing = ((0, 0), (0, k - scores.shape[1]))
    return (
        np.pad(scores.astype(np.float32, copy=False), missing, constant_values=-np.inf),
        np.pad(rows.astype(np.int64, copy=False), missing, constant_values=-1),
    )
