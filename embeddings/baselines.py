"""The simple methods that a neural network has to beat: popularity, item-kNN, iALS, GF-CF, a 2-hop filter.

Each is fitted to a binary (users, pins) matrix R and scores users for all pins. D_u and D_i are the diagonal matrices of saves
a user and savers a pin. All but iALS are closed forms; the filter also serves, as a source of `recommend`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from embeddings.dataset import Matrix, Rows
from embeddings.ranking import Scorer
from embeddings.splits import degrees

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Popularity:
    """Everybody gets what most users saved."""

    savers: Scores

    @classmethod
    def fit(cls, saves: Matrix) -> Popularity:
        return cls(degrees(saves)[1].astype(np.float32))

    def scores(self, users: Rows) -> Scores:
        return np.tile(self.savers, (len(users), 1))


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores R_u · W for a sparse pin–pin matrix W: what item-kNN and the 2-hop filter have in common."""

    saves: Matrix
    weights: Matrix

    def scores(self, users: Rows) -> Scores:
        return np.asarray((self.saves[users] @ self.weights).todense(), np.float32)


def two_hop_filter(
    saves: Matrix, first: float = 0.7, users: float = 0.8, last: float = 0.3, aged: Matrix | None = None
) -> Linear:
    """R · D_i^-first · Rᵀ · D_u^-users · A · D_i^-last, where A is R, or R with its entries weighted by age.

    The linear filter of GF-CF (Shen et al., CIKM 2021, §4.2) has the exponents (.5, 1, .5); these defaults do better on every
    public split at hand. D of the last two factors is that of A.
    """
    reached = saves if aged is None else aged
    by_user, by_pin = degrees(reached)
    left = sparse.diags(_power(degrees(saves)[1], -first)) @ saves.T @ sparse.diags(_power(by_user, -users))
    right = reached @ sparse.diags(_power(by_pin, -last))
    return Linear(saves, (left @ right).tocsr().astype(np.float32))


def item_knn(saves: Matrix, neighbours: int = 100, damping: float = 0.5) -> Linear:
    """Cosine between pins, each user's vote divided by (saves of the user)^damping; the nearest 100 of each pin are kept.

    Sarwar et al., WWW 2001, §3.1, with the vote damped as by Deshpande and Karypis, TOIS 2004, §4.1.
    """
    by_user, by_pin = degrees(saves)
    votes = sparse.diags(_power(by_user, -damping / 2)) @ saves @ sparse.diags(_power(by_pin, -0.5))
    similar = (votes.T @ votes).tocsr()
    similar.data[similar.indices == np.repeat(np.arange(similar.shape[0]), np.diff(similar.indptr))] = 0
    similar.eliminate_zeros()
    return Linear(saves, _nearest(similar, neighbours))


def _nearest(similar: Matrix, neighbours: int) -> Matrix:
    """Keeps the largest entries of each column: what each pin is recommended for."""
    columns = similar.T.tocsr()
    keep = np.zeros(columns.nnz, np.bool_)
    for row in range(columns.shape[0]):
        start, stop = columns.indptr[row], columns.indptr[row + 1]
        values = columns.data[start:stop]
        if len(values) <= neighbours:
            keep[start:stop] = True
        else:
            keep[start + np.argpartition(-values, neighbours)[:neighbours]] = True
    columns.data[~keep] = 0
    columns.eliminate_zeros()
    return columns.T.tocsr().astype(np.float32)


@dataclass(frozen=True, slots=True)
class GraphFilter:
    """GF-CF: the linear filter plus an ideal low-pass filter (Shen et al., CIKM 2021, eq. 13).

    R · (R̃ᵀR̃ + α · D_i^-½ · V·Vᵀ · D_i^½) with R̃ = D_u^-½ · R · D_i^-½ and V its first k right singular vectors (pins, k).
    """

    linear: Linear
    narrow: Scores
    wide: Scores

    @classmethod
    def fit(cls, saves: Matrix, rank: int = 256, alpha: float = 0.3) -> GraphFilter:
        right, by_pin = spectrum(saves, rank)
        linear = two_hop_filter(saves, 0.5, 1.0, 0.5)
        narrow = _power(by_pin, -0.5)[:, None] * right
        wide = alpha * right.T * _power(by_pin, 0.5)
        return cls(linear, narrow.astype(np.float32), wide.astype(np.float32))

    def scores(self, users: Rows) -> Scores:
        return self.linear.scores(users) + (self.linear.saves[users] @ self.narrow) @ self.wide


def spectrum(saves: Matrix, rank: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right singular vectors of R̃, (pins, rank) at most, and the savers of each pin."""
    by_user, by_pin = degrees(saves)
    normal = (sparse.diags(_power(by_user, -0.5)) @ saves @ sparse.diags(_power(by_pin, -0.5))).astype(np.float64)
    rank = min(rank, min(saves.shape) - 1)
    start = np.random.default_rng(0).standard_normal(min(normal.shape))
    _, _, right = linalg.svds(normal, k=rank, v0=start)
    return right.T, by_pin


@dataclass(frozen=True, slots=True)
class Factors:
    """Scores by one dot product of a user's and a pin's vector."""

    user: Scores
    pin: Scores

    def scores(self, users: Rows) -> Scores:
        return self.user[users] @ self.pin.T


def ials(saves: Matrix, dim: int = 64, regularization: float = 20.0, alpha: float = 20.0, sweeps: int = 15) -> Factors:
    """Weighted matrix factorisation by alternating least squares (Hu et al., ICDM 2008), of the package `implicit`."""
    from implicit.als import AlternatingLeastSquares

    with warnings.catch_warnings():
        # It would rather have BLAS on one thread: a matter of speed, and the caller's to set.
        warnings.simplefilter("ignore", RuntimeWarning)
        model = AlternatingLeastSquares(
            factors=dim, regularization=regularization, alpha=alpha, iterations=sweeps, random_state=7, num_threads=0
        )
    model.fit(saves.tocsr(), show_progress=False)
    return Factors(np.asarray(model.user_factors), np.asarray(model.item_factors))


def _power(values: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """Elementwise power with 0 for 0: a node without saves takes part in nothing."""
    return np.power(values, exponent, out=np.zeros_like(values), where=values > 0)


GRID_PAIRS_MAX: Final = 150_000
"""Up to so many saved pairs each baseline's settings are searched for; above, the first of each grid is used."""
GRIDS: Final[Mapping[str, tuple[Callable[..., Scorer], tuple[Mapping[str, float | int], ...]]]] = {
    "popularity": (Popularity.fit, ({},)),
    "item_knn": (item_knn, ({"damping": 0.5}, {"damping": 0.25}, {"damping": 1.0})),
    "ials": (
        ials,
        (
            {"dim": 256},
            {"dim": 64},
            {"dim": 32},
            {"dim": 16},
            {"dim": 64, "regularization": 100.0},
            {"dim": 32, "regularization": 100.0},
            {"dim": 32, "regularization": 1.0, "alpha": 1.0},
        ),
    ),
    "gf_cf": (GraphFilter.fit, ({"rank": 256}, {"rank": 128}, {"rank": 64}, {"rank": 32}, {"rank": 64, "alpha": 1.0})),
    "filter": (
        two_hop_filter,
        (
            {},
            {"first": 0.5, "users": 1.0, "last": 0.5},
            {"first": 0.7, "users": 0.8, "last": 0.5},
            {"first": 1.0, "users": 0.5, "last": 0.0},
        ),
    ),
}
"""By method, how it is fitted and the settings that it may take; the first are the defaults, made on the public splits."""
WIDE_FIRST: Final = frozenset({"ials"})
"""Methods whose default is too wide for small data, where it is left out of the search."""
