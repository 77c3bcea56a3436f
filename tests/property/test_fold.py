"""The fold on columns, where much happens to one user and two pins: what holds, and what late events make of it.

The same as `test_snapshot` asks of whole snapshots, on hundreds of denser histories.
"""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph.fold import EventColumns, Latest, fold_rivals, fold_saves, summed
from graph.ports import NULL_TIME

Save = tuple[int, int, int]
"""(pin, board or -1, at)"""
Saves = list[Save]
Timed = dict[tuple[int, ...], int]

at = st.sampled_from([NULL_TIME, -1, 0, 1, 2, 3])
saves = st.lists(st.tuples(st.integers(0, 1), st.integers(-1, 1), at), max_size=6)
pairs = st.lists(st.tuples(st.integers(0, 1), at), max_size=5)


def columns(rows: list[tuple[int, ...]], weights: list[float] | None = None) -> EventColumns:
    """(target, at) or (target, board, at), all of user 3."""
    full = [row if len(row) == 3 else (row[0], -1, row[1]) for row in rows]
    target, board, time = (np.array([row[i] for row in full], np.int64) for i in range(3))
    weight = np.ones(len(full)) if weights is None else np.array(weights)
    user = np.full(len(full), 3, np.int32)
    return EventColumns(user, target.astype(np.int32), board.astype(np.int32), time, weight)


def timed(found: Latest, *, board: bool) -> Timed:
    assert set(found.user.tolist()) <= {3}
    rows = zip(found.target.tolist(), found.board.tolist(), found.at.tolist(), strict=True)
    return {(target, place) if board else (target,): time for target, place, time in rows}


def last(rows: Saves, pin: int, board: int | None = None) -> int | None:
    """The latest time of a pin, on one board or on any."""
    return max((time for p, b, time in rows if p == pin and board in (None, b)), default=None)


def expected(saved: Saves, ended: Saves, hidden: Saves) -> tuple[Timed, Timed]:
    """Saved and hidden, as the design words them."""
    holding: Timed = {}
    for pin, board, _ in saved:
        time = last(saved, pin, board)
        assert time is not None
        ends = [end for where in (board, -1) if (end := last(ended, pin, where)) is not None]
        if all(time > end for end in ends):
            holding[pin, board] = time
    unseen: Timed = {}
    for pin, _, _ in hidden:
        time, save = last(hidden, pin), last(saved, pin)
        assert time is not None
        if save is None or time >= save:
            unseen[(pin,)] = time
    return holding, unseen


@settings(max_examples=300)
@given(saves, saves, pairs)
def test_saves(saved: Saves, ended: Saves, hidden: list[tuple[int, int]]) -> None:
    fold = fold_saves(columns(saved), columns(ended), columns(hidden))
    holding, unseen = expected(saved, ended, [(pin, -1, time) for pin, time in hidden])
    assert timed(fold.saved, board=True) == holding
    assert timed(fold.hidden, board=False) == unseen


@settings(max_examples=400)
@given(saves, saves, pairs, saves, saves, pairs)
@example([(0, 1, 2)], [(0, -1, 3)], [], [], [], [(0, 1)])  # a late HIDE before a save that an end on all boards ended
@example(
    [(0, -1, 3)], [(0, -1, 2)], [], [(0, 1, 1)], [], []
)  # a late save before an end on all boards, now saved on none
def test_late_events_after_a_fold(
    saved: Saves,
    ended: Saves,
    hidden: list[tuple[int, int]],
    late_saved: Saves,
    late_ended: Saves,
    late_hidden: list[tuple[int, int]],
) -> None:
    """The fold's own rows, taken as events, stand for everything that went into it."""
    fold = fold_saves(columns(saved), columns(ended), columns(hidden))
    kept_saves = [(pin, board, time) for (pin, board), time in timed(fold.saved, board=True).items()]
    ends = timed(fold.ended, board=True)
    kept_ends = [(pin, board, time) for (pin, board), time in ends.items()]
    assert len(ends) == len(fold.ended.key)
    kept_saves += [
        (pin, board, time)
        for (pin, board), there, time in zip(ends, fold.ended_saved.tolist(), fold.ended_save_at.tolist(), strict=True)
        if there
    ]
    kept_hidden = [(pin, -1, time) for (pin,), time in timed(fold.hidden, board=False).items()]
    all_hidden = [(pin, -1, time) for pin, time in hidden]
    more_hidden = [(pin, -1, time) for pin, time in late_hidden]
    assert expected(kept_saves + late_saved, kept_ends + late_ended, kept_hidden + more_hidden) == expected(
        saved + late_saved, ended + late_ended, all_hidden + more_hidden
    )


def strictly_latest(kinds: list[list[tuple[int, int]]], target: int) -> int | None:
    """Which kind's latest time of a target is later than every other's; None for a tie or for nothing."""
    ats = [max((time for t, time in rows if t == target), default=None) for rows in kinds]
    there = [(time, kind) for kind, time in enumerate(ats) if time is not None]
    if not there:
        return None
    best = max(there)
    return best[1] if sum(time == best[0] for time, _ in there) == 1 else None


@settings(max_examples=200)
@given(st.lists(pairs, min_size=3, max_size=3), st.integers(1, 3), st.lists(pairs, min_size=3, max_size=3))
def test_rivals(kinds: list[list[tuple[int, int]]], holding: int, late: list[list[tuple[int, int]]]) -> None:
    fold = fold_rivals([columns(rows) for rows in kinds], holding)  # type: ignore[arg-type]
    held = [timed(found, board=False) for found in fold.holding]
    assert len(held) == holding
    assert not {target for found in held for (target,) in found} & set(fold.none.target.tolist())
    for target in (0, 1):
        winner = strictly_latest(kinds, target)
        assert [(target,) in found for found in held] == [winner == kind for kind in range(holding)]
    kept: list[list[tuple[int, int]]] = [[] for _ in kinds]
    for kind, found in enumerate(held):
        kept[kind] += [(target, time) for (target,), time in found.items()]
    for kind, (there, time) in enumerate(zip(fold.none_found, fold.none_at, strict=True)):
        rows = zip(fold.none.target.tolist(), there.tolist(), time.tolist(), strict=True)
        kept[kind] += [(target, time) for target, is_there, time in rows if is_there]
    for target in (0, 1):
        with_kept = [rows + more for rows, more in zip(kept, late, strict=True)]
        with_all = [rows + more for rows, more in zip(kinds, late, strict=True)]
        after, truly = strictly_latest(with_kept, target), strictly_latest(with_all, target)
        assert (after if after is not None and after < holding else None) == (
            truly if truly is not None and truly < holding else None
        )


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 1), at, st.sampled_from([1.0, 0.1, 1e6, 3.3])), max_size=12), st.randoms())
def test_sums_are_the_same_in_any_order(rows: list[tuple[int, int, float]], dice: object) -> None:
    def fold(rows: list[tuple[int, int, float]]) -> tuple[Timed, bytes]:
        found, sums = summed(columns([row[:2] for row in rows], [row[2] for row in rows]))
        return timed(found, board=False), sums.tobytes()

    shuffled = list(rows)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(shuffled) == fold(rows)
    found, sums = summed(columns([row[:2] for row in rows], [row[2] for row in rows]))
    for target, total in zip(found.target.tolist(), sums.tolist(), strict=True):
        assert np.isclose(total, sum(weight for t, _, weight in rows if t == target), rtol=1e-6)
