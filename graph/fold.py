"""What holds now, from columns of events: `graph.rules.holds` for millions of rows.

Input and output are numpy columns of node rows. Nothing here reads a store or writes a file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graph.ports import NULL_TIME

Rows = NDArray[np.int32]
Times = NDArray[np.int64]
Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Events of one kind: user, target and board rows (int32; board -1 for none), at (int64), weight (float64)."""

    user: Rows
    target: Rows
    board: Rows
    at: Times
    weight: NDArray[np.float64]

    @classmethod
    def empty(cls) -> EventColumns:
        """No events."""
        rows = np.empty(0, np.int32)
        return cls(rows, rows, rows, np.empty(0, np.int64), np.empty(0))

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest time of each distinct key, keys ascending, with the user, target and board that the key stands for."""

    key: Keys
    at: Times
    user: Rows
    target: Rows
    board: Rows

    def find(self, key: Keys) -> tuple[NDArray[np.bool_], Times]:
        """For each key asked for: whether it is here, and its time (NULL_TIME where it is not)."""
        if not len(self.key):
            return np.zeros(len(key), np.bool_), np.full(len(key), NULL_TIME)
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        found = self.key[place] == key
        return found, np.where(found, self.at[place], NULL_TIME)

    def take(self, mask: NDArray[np.bool_]) -> Latest:
        """Only the keys where the mask is true."""
        return Latest(self.key[mask], self.at[mask], self.user[mask], self.target[mask], self.board[mask])

    def before(self, other: Latest, key: Keys, at: Times) -> NDArray[np.bool_]:
        """Whether each time is strictly later than the other kind's time under the same key (or there is none)."""
        found, other_at = other.find(key)
        return ~found | (at > other_at)


def pair_key(user: Rows, target: Rows) -> Keys:
    """(user, target) as one sortable int64."""
    return (user.astype(np.int64) << 32) | target.astype(np.int64)


def latest(events: EventColumns, key: Keys) -> Latest:
    """The latest event of each key."""
    order = np.lexsort((events.at, key))
    key = key[order]
    last = np.ones(len(key), np.bool_)
    last[:-1] = key[1:] != key[:-1]
    chosen = order[last]
    return Latest(key[last], events.at[chosen], events.user[chosen], events.target[chosen], events.board[chosen])


def summed(events: EventColumns) -> tuple[Latest, NDArray[np.float32]]:
    """Views or clicks a pair: the latest time, and the sum of the weights (float64, added in ascending order)."""
    key = pair_key(events.user, events.target)
    order = np.lexsort((events.weight, key))
    sorted_key = key[order]
    starts = np.flatnonzero(np.r_[True, sorted_key[1:] != sorted_key[:-1]]) if len(key) else np.empty(0, np.int64)
    sums = np.add.reduceat(events.weight[order], starts) if len(key) else np.empty(0)
    return latest(events, key), sums.astype(np.float32)


@dataclass(frozen=True, slots=True)
class SavedFold:
    """Saves that hold, pins that are hidden, and the saves that were ended (with the latest save, where there was one).

    `ended`: user, pin and board rows (board -1: an UNSAVE of the pin on every board), with the time of the latest UNSAVE;
    `ended_saved` tells whether there was a SAVE, `ended_save_at` when.
    """

    saved: Latest
    hidden: Latest
    ended: Latest
    ended_saved: NDArray[np.bool_]
    ended_save_at: Times


def fold_saves(saves: EventColumns, unsaves: EventColumns, hides: EventColumns) -> SavedFold:
    """DESIGN's Saved and Hidden on columns: see `graph.rules.holds`."""
    pairs = np.unique(
        np.concatenate([pair_key(saves.user, saves.target), pair_key(unsaves.user, unsaves.target)]),
    )
    boards = int(max(saves.board.max(initial=-1), unsaves.board.max(initial=-1))) + 2

    def triple(user: Rows, target: Rows, board: Rows) -> Keys:
        return np.searchsorted(pairs, pair_key(user, target)) * boards + (board.astype(np.int64) + 1)

    save = latest(saves, triple(saves.user, saves.target, saves.board))
    unsave = latest(unsaves, triple(unsaves.user, unsaves.target, unsaves.board))
    everywhere = save.key - (save.board.astype(np.int64) + 1)
    held = save.before(unsave, save.key, save.at) & save.before(unsave, everywhere, save.at)

    held_keys = save.key[held]
    ended = unsave.take(~np.isin(unsave.key, held_keys) | (unsave.board == -1))
    lost = save.take(~held & ~np.isin(save.key, ended.key))
    ended = _merge(ended, Latest(lost.key, _unsave_everywhere(lost, unsave), lost.user, lost.target, lost.board))
    ended_saved, ended_save_at = save.find(ended.key)

    hide = latest(hides, pair_key(hides.user, hides.target))
    any_save = latest(saves, pair_key(saves.user, saves.target))
    found, save_at = any_save.find(hide.key)
    return SavedFold(save.take(held), hide.take(~found | (hide.at >= save_at)), ended, ended_saved, ended_save_at)


def _unsave_everywhere(lost: Latest, unsave: Latest) -> Times:
    """When the saves that only an UNSAVE on every board ended were ended."""
    return unsave.find(lost.key - (lost.board.astype(np.int64) + 1))[1]


def _merge(left: Latest, right: Latest) -> Latest:
    key = np.concatenate([left.key, right.key])
    order = np.argsort(key, kind="stable")
    return Latest(
        key[order],
        np.concatenate([left.at, right.at])[order],
        np.concatenate([left.user, right.user])[order],
        np.concatenate([left.target, right.target])[order],
        np.concatenate([left.board, right.board])[order],
    )


@dataclass(frozen=True, slots=True)
class RivalFold:
    """For each of several rival kinds what holds; and the pairs where none does, with each kind's latest time."""

    holding: list[Latest]
    none: Latest
    none_found: list[NDArray[np.bool_]]
    none_at: list[Times]


def fold_rivals(kinds: list[EventColumns], holding: int) -> RivalFold:
    """Kinds of which the strictly latest holds a pair: FOLLOW and UNFOLLOW; MUTE, BOOST and CLEAR.

    `holding`: how many of them, from the front, leave something that holds; the rest only end it.
    """
    latests = [latest(events, pair_key(events.user, events.target)) for events in kinds]
    held: list[Latest] = []
    for index, mine in enumerate(latests[:holding]):
        mask = np.ones(len(mine.key), np.bool_)
        for other_index, other in enumerate(latests):
            if other_index != index:
                mask &= mine.before(other, mine.key, mine.at)
        held.append(mine.take(mask))
    every = np.unique(np.concatenate([mine.key for mine in latests]))
    for mine in held:
        every = every[~np.isin(every, mine.key)]
    user, target = (every >> 32).astype(np.int32), (every & 0xFFFFFFFF).astype(np.int32)
    finds = [mine.find(every) for mine in latests]
    none = Latest(every, np.full(len(every), NULL_TIME), user, target, np.full(len(every), -1, np.int32))
    return RivalFold(held, none, [found for found, _ in finds], [at for _, at in finds])
