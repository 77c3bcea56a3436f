"""Cuts a data set into what a method may learn from and what it is asked for. No edge of the asked part stays in the other.

Three rules: a global cut in time, a random share of each user's pins, and public splits that come as two files.
A validation split is carved out of a train part by the same rule: settings are chosen there, never on the test part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from embeddings.dataset import Dataset, Edges, Mask, Matrix, Rows, of_pairs, pair_matrix
from graph.errors import InvalidInputError
from graph.model import ID_BYTES_MAX, NodeKind
from graph.ports import NULL_TIME
from graph.schema import Link

Rule = Literal["time", "random", "given"]
Protocol = Literal["full", "leave-one-out"]

TRAIN_SHARE: Final = 0.8
TRAIN_SAVES_MIN: Final = 5
"""Users with fewer saves in train are cold in a time split: reported, not scored."""
SAVES_MIN: Final = 20
SAVERS_MIN: Final = 3
PINS_MIN: Final = 5
_TIMED: Final = frozenset(
    {Link.SAVED, Link.HOLDS, Link.VIEWED, Link.CLICKED, Link.FOLLOWS_USER, Link.FOLLOWS_BOARD, Link.FOLLOWS_INTEREST}
)


@dataclass(frozen=True, slots=True)
class Split:
    """A train part, and the pairs that are asked for.

    `truth` is (users, pins), binary, never a pair of train. `scored`: rows of users that are asked about. `catalogue`: (pins,)
    bool, which pins can be an answer.
    """

    rule: Rule
    protocol: Protocol
    train: Dataset
    truth: Matrix
    scored: Rows
    catalogue: Mask
    cold_users: int = 0


def validation_split(split: Split, seed: int) -> Split:
    """A split of the train part by the same rule, to choose settings on. Raises InvalidInputError when too little is left."""
    if split.rule == "time":
        return time_split(split.train)
    if split.protocol == "leave-one-out":
        return _one_out(split.train, seed)
    return _share_out(split.train, split.catalogue, 0.1, seed, "given")


def time_split(data: Dataset, train_share: float = TRAIN_SHARE) -> Split:
    """Everything up to a moment is train, ties included; the cut leaves `train_share` of the saves before it.

    Saves without a time are earlier than any. A pair counts as held out when all of its saves are after the cut. Boards keep
    what they held by then, and a board that held nothing is not known yet. Raises InvalidInputError when all saves are of one
    time, or there are too few.
    """
    saves = data.saves
    if len(saves) < SAVES_MIN:
        raise InvalidInputError(f"{len(saves)} saves are too few to split by time; load at least {SAVES_MIN}")
    cut = np.sort(saves.at)[int(np.ceil(train_share * len(saves))) - 1]
    if cut == saves.at.max():
        kind = "have no time" if cut == NULL_TIME else "are of the latest time"
        raise InvalidInputError(
            f"over {1 - train_share:.0%} of the saves {kind}, so nothing is left after a cut in time; "
            "use a random split, or load dated saves"
        )
    links = {k: v.take(v.at <= cut) if k in _TIMED else v for k, v in data.links.items()}
    train = _without_empty_boards(data.keeping(links))
    known = train.matrix()
    later = pair_matrix(*saves.take(saves.at > cut).distinct(), known.shape)
    truth = later - later.multiply(known)
    truth.eliminate_zeros()
    asked = np.diff(truth.indptr) > 0
    warm = np.diff(known.indptr) >= TRAIN_SAVES_MIN
    if not (asked & warm).any():
        raise InvalidInputError(
            f"no user has {TRAIN_SAVES_MIN} saves before the cut in time and one after it; load more, or use a random split"
        )
    return Split(
        rule="time",
        protocol="full",
        train=train,
        truth=truth.tocsr(),
        scored=np.flatnonzero(asked & warm).astype(np.int32),
        catalogue=np.ones(data.pins, np.bool_),
        cold_users=int((asked & ~warm).sum()),
    )


def random_split(data: Dataset, seed: int, test_share: float = 1 - TRAIN_SHARE) -> Split:
    """A share of each user's pins, drawn at random; also taken out of every board of that user, and out of views and clicks.

    First only pins with at least 3 savers are kept, then only users with at least 5 such pins: one pass, in this order.
    """
    pairs = data.matrix()
    popular = np.asarray(pairs.sum(axis=0)).ravel() >= SAVERS_MIN
    active = np.asarray(pairs[:, popular].sum(axis=1)).ravel() >= PINS_MIN
    if not active.any():
        raise InvalidInputError(
            f"no user has {PINS_MIN} pins with {SAVERS_MIN} savers each, so nothing can be held out; load more saves"
        )
    saves = data.saves
    links = {**data.links, Link.SAVED: saves.take(active[saves.source] & popular[saves.target])}
    if Link.HOLDS in links:
        holds = links[Link.HOLDS]
        links[Link.HOLDS] = holds.take(popular[holds.target])
    return _share_out(data.keeping(links), popular, test_share, seed, "random")


def _share_out(data: Dataset, catalogue: Mask, share: float, seed: int, rule: Rule) -> Split:
    """Holds out `share` of each user's pins, rounded; a user with a single pin keeps it."""
    user, pin = data.saves.distinct()
    order = np.lexsort((np.random.default_rng(seed).random(len(user)), user))
    counts = np.bincount(user, minlength=data.users)
    rank = np.arange(len(user)) - np.repeat(np.cumsum(counts) - counts, counts)
    out = np.minimum(np.rint(counts * share), counts - 1)
    chosen = order[rank < out[user[order]]]
    return _holding_out(data, user[chosen], pin[chosen], catalogue, rule, "full")


def _one_out(data: Dataset, seed: int) -> Split:
    """Holds out one pin, drawn at random, of every user with two or more; at most 5,000 users, to be quick."""
    user, pin = data.saves.distinct()
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(user)), user))
    first = np.r_[True, user[order][1:] != user[order][:-1]]
    chosen = order[first & (np.bincount(user, minlength=data.users)[user[order]] > 1)]
    chosen = np.sort(rng.permutation(chosen)[:5_000])
    return _holding_out(data, user[chosen], pin[chosen], np.ones(data.pins, np.bool_), "given", "leave-one-out")


def _holding_out(data: Dataset, user: Rows, pin: Rows, catalogue: Mask, rule: Rule, protocol: Protocol) -> Split:
    if not len(user):
        raise InvalidInputError("no user has enough saves to hold one out; load more saves")
    held = (user.astype(np.int64) << 32) | pin
    links: dict[Link, Edges] = {}
    for link, edges in data.links.items():
        pinned = link in {Link.SAVED, Link.HOLDS, Link.VIEWED, Link.CLICKED}
        key = (edges.owner.astype(np.int64) << 32) | edges.target
        links[link] = edges.take(~np.isin(key, held)) if pinned else edges
    return Split(
        rule=rule,
        protocol=protocol,
        train=_without_empty_boards(data.keeping(links)),
        truth=pair_matrix(user, pin, (data.users, data.pins)),
        scored=np.unique(user),
        catalogue=catalogue,
    )


def _without_empty_boards(data: Dataset) -> Dataset:
    """Drops who owns and follows boards that hold nothing: that there will be such a board is already an answer."""
    holding = np.zeros(data.nodes[NodeKind.BOARD], np.bool_)
    if Link.HOLDS in data.links:
        holding[data.links[Link.HOLDS].source] = True
    links = dict(data.links)
    for link in (Link.OWNS, Link.FOLLOWS_BOARD):
        if link in links:
            links[link] = links[link].take(holding[links[link].target])
    return data.keeping(links)


def public_split(train_file: Path, test_file: Path, protocol: Protocol) -> Split:
    """Two files of lines `user item item …`; ids are any text without blanks. A user may have several lines.

    Raises InvalidInputError, with the file and the line, for what can't be read.
    """
    users: dict[str, int] = {}
    pins: dict[str, int] = {}
    train, test = (_read_pairs(path, users, pins) for path in (train_file, test_file))
    shape = (len(users), len(pins))
    data = of_pairs(*train.distinct(), *shape)
    known, truth = data.matrix(), pair_matrix(*test.distinct(), shape)
    truth = truth - truth.multiply(known)
    truth.eliminate_zeros()
    asked = np.diff(truth.indptr)
    if protocol == "leave-one-out" and asked.max(initial=0) > 1:
        raise InvalidInputError(
            f"{test_file} has a user with several items; leave-one-out takes one a user, or use full"
        )
    cold = (asked > 0) & (np.diff(known.indptr) == 0)
    scored = np.flatnonzero((asked > 0) & ~cold).astype(np.int32)
    if not len(scored):
        raise InvalidInputError(f"no user of {test_file} has items in {train_file} too, and others than there")
    return Split("given", protocol, data, truth.tocsr(), scored, np.ones(len(pins), np.bool_), int(cold.sum()))


def _read_pairs(path: Path, users: dict[str, int], pins: dict[str, int]) -> Edges:
    """Reads one file, and adds the ids that it is the first to mention."""
    user: list[int] = []
    pin: list[int] = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                head, *items = line.split() or [""]
                if not head:
                    continue
                if any(len(item) > ID_BYTES_MAX for item in (head, *items)):
                    raise InvalidInputError(f"{path}:{number}: an id is longer than {ID_BYTES_MAX} bytes")
                row = users.setdefault(head, len(users))
                user.extend([row] * len(items))
                pin.extend(pins.setdefault(item, len(pins)) for item in items)
    except FileNotFoundError:
        raise InvalidInputError(f"{path} is not there; give a file of lines `user item item …`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} can't be read as text ({error}); give lines `user item item …`") from None
    if not pin:
        raise InvalidInputError(f"{path} has no line `user item …`; give one user and its items a line")
    return Edges.of(np.array(user, np.int32), np.array(pin, np.int32))


def counts(split: Split) -> Mapping[str, int]:
    """What a split amounts to, for reports."""
    return {
        "train_pairs": int(split.train.matrix().nnz),
        "test_pairs": int(split.truth[split.scored].nnz),
        "scored_users": len(split.scored),
        "cold_users": split.cold_users,
        "catalogue_pins": int(split.catalogue.sum()),
    }


def degrees(matrix: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Saves a user, savers a pin."""
    return np.asarray(matrix.sum(axis=1), np.float64).ravel(), np.asarray(matrix.sum(axis=0), np.float64).ravel()
