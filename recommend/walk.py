"""Random walks with restart over the public pin–board and pin–user graph: the candidates of Pixie.

Eksombatchai et al., WWW 2018: from each seed, steps in proportion to its weight and degree (§3.1, eq. 1–2); a step goes from a
pin over a board or a user to a pin; visits from several seeds boost each other, (Σ √visits)² (eq. 3); a seed's walk ends
early when enough pins were visited often enough. Deterministic for a seed number; outside the interpreter lock; memory goes
with the steps, not with the graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from recommend.public import PublicGraph
from recommend.spread import INT32, INT64, Weighted

_EMPTY: Final = -1
_32_BITS: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class WalkPlan:
    """How to walk. `restart`: the chance to go back to the seed after a step; 1 is single hops. `boards`: the chance to step
    over a board where a pin has both boards and savers. Early stop: `enough_pins` pins with `enough_visits` visits.
    """

    steps: int = 20_000
    restart: float = 0.8
    boards: float = 0.5
    enough_pins: int = 1_000
    enough_visits: int = 4


@dataclass(frozen=True, slots=True)
class Visits:
    """Where the walks came by: pins boosted, boards by plain counts; `steps` that were walked."""

    pins: Weighted
    boards: Weighted
    steps: int

    @classmethod
    def none(cls) -> Visits:
        """Nobody walked."""
        return cls(Weighted.none(), Weighted.none(), 0)


@njit(cache=True, nogil=True)
def _next(state: Any) -> Any:  # pragma: no cover - compiled
    """splitmix64 (Steele et al., OOPSLA 2014): the next state, and a number of 64 bits."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)
def _pick(number: Any, bound: Any) -> Any:  # pragma: no cover - compiled
    """0 … bound - 1 (bound < 2^31) out of the upper half of a number of 64 bits."""
    return np.int64(((number >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def _hop(state: Any, here: Any, to: Any, middles: Any, back: Any, pins: Any) -> Any:  # pragma: no cover - compiled
    """From a pin over one of its middles to a pin."""
    state, number = _next(state)
    middle = middles[to[here] + _pick(number, to[here + 1] - to[here])]
    state, number = _next(state)
    return state, middle, pins[back[middle] + _pick(number, back[middle + 1] - back[middle])]


@njit(cache=True, nogil=True)
def _table(most: Any) -> Any:  # pragma: no cover - compiled
    """The size of a table for so many keys: a power of two, at most half full."""
    size = 16
    while size < 2 * most:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def _count(keys: Any, visits: Any, slots: Any, used: Any, key: Any) -> Any:  # pragma: no cover - compiled
    """One more visit, in an open-addressing table whose size is a power of two; its slot, and how many are used."""
    mask = len(keys) - 1
    at = (np.int64(key) * np.int64(0x9E3779B1)) & mask
    while keys[at] != _EMPTY and keys[at] != key:
        at = (at + 1) & mask
    if keys[at] == _EMPTY:
        keys[at] = key
        slots[used] = at
        used += 1
    visits[at] += 1
    return at, used


_SIDE = (INT64, INT32)
_REST = (types.float64, types.float64, types.int64, types.int64, types.uint64)


@njit(
    [(INT32, INT32, *_SIDE, *_SIDE, *_SIDE, *_SIDE, *_REST)],
    cache=True,
    nogil=True,
)
def _walk(  # pragma: no cover - compiled
    seeds: Any, steps: Any,
    to_board: Any, boards: Any, from_board: Any, board_pins: Any, to_user: Any, users: Any, from_user: Any, user_pins: Any,
    restart: Any, over_boards: Any, enough_pins: Any, enough_visits: Any, state: Any,
) -> Any:  # fmt: skip
    total = steps.sum()
    size, board_size = _table(min(total, len(to_board) - 1)), _table(min(total, len(from_board) - 1))
    keys, visits, slots, used = np.full(size, _EMPTY, np.int32), np.zeros(size, np.int32), np.empty(size, np.int64), 0
    boost, fresh = np.zeros(size, np.float32), np.empty(size, np.int64)
    board_keys, board_visits = np.full(board_size, _EMPTY, np.int32), np.zeros(board_size, np.int32)
    board_slots, boards_used, walked = np.empty(board_size, np.int64), 0, 0
    back, by_board = np.uint64(restart * _32_BITS), np.uint64(over_boards * _32_BITS)
    for i in range(len(seeds)):
        here, touched, often = seeds[i], 0, 0
        for _ in range(steps[i]):
            on_boards, saved = to_board[here + 1] > to_board[here], to_user[here + 1] > to_user[here]
            state, number = _next(state)
            if on_boards and (not saved or (number & np.uint64(_32_BITS)) < by_board):
                state, board, here = _hop(state, here, to_board, boards, from_board, board_pins)
                _, boards_used = _count(board_keys, board_visits, board_slots, boards_used, board)
            elif saved:
                state, _, here = _hop(state, here, to_user, users, from_user, user_pins)
            else:
                break
            walked += 1
            at, used = _count(keys, visits, slots, used, here)
            if visits[at] == 1:
                fresh[touched] = at
                touched += 1
            often += visits[at] == enough_visits
            if often >= enough_pins:
                break
            if (number >> np.uint64(32)) < back:
                here = seeds[i]
        for j in range(touched):
            boost[fresh[j]] += np.float32(np.sqrt(visits[fresh[j]]))
            visits[fresh[j]] = 0
    at_pins, at_boards = slots[:used], board_slots[:boards_used]
    return keys[at_pins], boost[at_pins] ** 2, board_keys[at_boards], board_visits[at_boards], walked


def walk(graph: PublicGraph, seeds: Weighted, plan: WalkPlan, number: int) -> Visits:
    """Walks from weighted pins; `number` seeds the generator."""
    holds, saves = graph.holds, graph.saves
    pins, boosted, boards, counts, walked = _walk(
        seeds.rows, _budgets(graph, seeds, plan.steps),
        holds.into.indptr, holds.into.indices, holds.out.indptr, holds.out.indices,
        saves.into.indptr, saves.into.indices, saves.out.indptr, saves.out.indices,
        plan.restart, plan.boards, plan.enough_pins, plan.enough_visits, np.uint64(number & (2**64 - 1)),
    )  # fmt: skip
    return Visits(_sorted(pins, boosted), _sorted(boards, counts.astype(np.float32)), int(walked))


def _budgets(graph: PublicGraph, seeds: Weighted, steps: int) -> NDArray[np.int32]:
    """Steps a seed: one of higher degree needs more for the same certainty, though less than in proportion."""
    rows = seeds.rows.astype(np.int64)
    into, held = graph.saves.into.indptr, graph.holds.into.indptr
    degree = (into[rows + 1] - into[rows] + held[rows + 1] - held[rows]).astype(np.float64)
    if not degree.any():
        return np.zeros(len(rows), np.int32)
    need = seeds.weights * degree * (np.log(degree.max()) + 1 - np.log(np.maximum(degree, 1.0)))
    return np.ceil(steps * need / need.sum()).astype(np.int32)


def _sorted(rows: NDArray[np.int32], weights: NDArray[np.float32]) -> Weighted:
    order = np.argsort(rows)
    return Weighted(rows[order], weights[order])
