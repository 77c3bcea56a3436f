"""A synthetic data set of any size, with planted interests: who likes what is known, so a method can be judged by it.

Pins and users have interests; a user acts mostly on pins of theirs, popular ones first (Zipf), and saves to a board of that
interest. Written in chunks, the same bytes for the same sizes and seed; memory grows with nodes, never with interactions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graph.errors import InvalidInputError
from graph.model import NodeKind
from loaders.dataset_folder import new_folder

CHUNK_ROWS: Final = 100_000
GROUP_INTERESTS: Final = 8
"""Interests that share a parent."""
INTERESTS_A_USER: Final = 3
ZIPF: Final = 0.9
"""Exponent of popularity within an interest, and over all pins."""
NOISE: Final = 0.1
"""The share of interactions with any pin, whatever the user's interests."""
BOARDED: Final = 0.9
"""The share of saves that go to a board, where the user has one of that interest."""
KINDS: Final = ("SAVE", "VIEW", "CLICK", "HIDE", "UNSAVE")
_KIND_SHARES: Final = (0.55, 0.30, 0.10, 0.03, 0.02)
_BEGIN_MS: Final = 1_672_531_200_000  # 2023-01-01
_YEAR_MS: Final = 365 * 86_400_000
_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S%.3fZ"

_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of each there is. `interests` counts the leaves; their groups come on top."""

    users: int = 10_000
    pins: int = 20_000
    boards: int = 15_000
    interactions: int = 500_000
    interests: int = 40

    def check(self) -> None:
        """Raises InvalidInputError for sizes that make no data set."""
        for name in ("users", "pins", "interests"):
            if getattr(self, name) < 1:
                raise InvalidInputError(f"--{name} {getattr(self, name)} is too few; give 1 or more")
        for name in ("boards", "interactions"):
            if getattr(self, name) < 0:
                raise InvalidInputError(f"--{name} {getattr(self, name)} is too few; give 0 or more")
        if self.interests > self.pins:
            raise InvalidInputError(f"--interests {self.interests} are more than --pins {self.pins}; each needs a pin")


@dataclass(frozen=True, slots=True)
class World:
    """What is planted. Interests of users: (users, 3), the first the strongest; pins are sorted by interest.

    `pins_of[i]` to `pins_of[i + 1]` are the pins of interest i, the most popular first; `boards_of_key` are the boards sorted
    by `board_key` = owner · interests + interest.
    """

    sizes: Sizes
    user_interests: _Ints
    pins_of: _Ints
    pin_ids: _Ints
    board_owner: _Ints
    board_interest: _Ints
    board_key: _Ints
    boards_of_key: _Ints


@dataclass(frozen=True, slots=True)
class Acts:
    """A chunk of interactions, as numbers of nodes: columns of one length."""

    user: _Ints
    pin: _Ints
    board: _Ints
    """-1 for none."""
    kind: _Ints
    """Places in KINDS."""
    at: _Ints
    """Milliseconds."""


def write_synthetic(folder: Path, sizes: Sizes, seed: int) -> dict[str, int]:
    """Writes the tables as CSV into a new folder; returns rows by table."""
    tables = tables_of(planted(sizes, seed), seed)
    with new_folder(folder) as building:
        return {name: _write(building / f"{name}.csv", frames) for name, frames in tables.items()}


def tables_of(world: World, seed: int) -> dict[str, Iterator[pl.DataFrame]]:
    """The tables in interchange form, in chunks."""
    return {
        "users": _users(world, np.random.default_rng([seed, 1])),
        "pins": _pins(world, np.random.default_rng([seed, 2])),
        "interests": _interests(world.sizes),
        "boards": _boards(world),
        "pin_interests": _pin_interests(world),
        "follows": _follows(world),
        "interactions": _interactions(world, of_acts(seed)),
    }


def of_acts(seed: int) -> np.random.Generator:
    """What `acts` draws from."""
    return np.random.default_rng([seed, 3])


def _write(path: Path, frames: Iterator[pl.DataFrame]) -> int:
    rows = 0
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            frame.write_csv(file, include_header=number == 0, datetime_format=_TIME_FORMAT)
            rows += frame.height
    return rows


def planted(sizes: Sizes, seed: int) -> World:
    """Who likes what, which pin is about what, who has which board. Raises InvalidInputError for sizes that make no world."""
    sizes.check()
    random, interests = np.random.default_rng([seed, 0]), sizes.interests
    liked = (random.random((sizes.users, INTERESTS_A_USER)) ** 2 * interests).astype(np.int64)
    pin_interest = np.concatenate([np.arange(interests), random.integers(interests, size=sizes.pins - interests)])
    order = np.lexsort((random.random(sizes.pins), pin_interest))
    owner = np.sort(random.integers(sizes.users, size=sizes.boards))
    interest = liked[owner, random.integers(INTERESTS_A_USER, size=sizes.boards)]
    key = owner * interests + interest
    by_key = np.argsort(key, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(pin_interest, minlength=interests))])
    return World(sizes, liked, bounds, order, owner, interest, key[by_key], by_key)


def _chunks(rows: int) -> Iterator[_Ints]:
    """Row numbers; of no rows one empty chunk, for the header."""
    for start in range(0, max(rows, 1), CHUNK_ROWS):
        yield np.arange(start, min(start + CHUNK_ROWS, rows))


def _ids(kind: NodeKind, numbers: _Ints) -> pl.Series:
    return pl.select(pl.lit(kind.value[0].lower()) + pl.Series(numbers).cast(pl.String)).to_series()


def _times(random: np.random.Generator, rows: int, begin_ms: int, span_ms: int) -> pl.Series:
    return _dated(begin_ms + random.integers(span_ms, size=rows))


def _dated(moments: _Ints) -> pl.Series:
    return pl.Series(moments).cast(pl.Datetime("ms"))


def _users(world: World, random: np.random.Generator) -> Iterator[pl.DataFrame]:
    countries = np.array(["DE", "FR", "IN", "JP", "BR", "US"])
    for users in _chunks(world.sizes.users):
        created = _times(random, len(users), _BEGIN_MS - _YEAR_MS, _YEAR_MS)
        country = countries[random.integers(len(countries), size=len(users))]
        yield pl.DataFrame({"id": _ids(NodeKind.USER, users), "created_at": created, "country": country})


def _name(interest: pl.Expr) -> pl.Expr:
    return pl.format("Interest {}", interest)


def _pins(world: World, random: np.random.Generator) -> Iterator[pl.DataFrame]:
    for rows in _chunks(world.sizes.pins):
        pins = world.pin_ids[rows]
        frame = pl.DataFrame({"id": _ids(NodeKind.PIN, pins), "rank": rows, "interest": _interest_of(world, rows)})
        created = _times(random, len(rows), _BEGIN_MS - _YEAR_MS, _YEAR_MS)
        title = pl.format("{} pin {}", _name(pl.col("interest")), pl.Series(pins))
        yield frame.select("id", title=title, created_at=created)


def _interest_of(world: World, rows: _Ints) -> _Ints:
    return np.searchsorted(world.pins_of, rows, side="right") - 1


def _interests(sizes: Sizes) -> Iterator[pl.DataFrame]:
    groups = np.arange(-(-sizes.interests // GROUP_INTERESTS))
    leaves = np.arange(sizes.interests)
    group_ids = pl.select(pl.format("group{}", pl.Series(groups))).to_series()
    names = pl.select(pl.format("Group {}", pl.Series(groups))).to_series()
    yield pl.DataFrame({"id": group_ids, "name": names, "parent_id": pl.Series([None] * len(groups), dtype=pl.String)})
    yield pl.DataFrame({"leaf": leaves}).select(
        id=_ids(NodeKind.INTEREST, leaves),
        name=_name(pl.col("leaf")),
        parent_id=pl.format("group{}", pl.col("leaf") // GROUP_INTERESTS),
    )


def _boards(world: World) -> Iterator[pl.DataFrame]:
    for boards in _chunks(world.sizes.boards):
        frame = pl.DataFrame({"interest": world.board_interest[boards], "secret": boards % 50 == 49})
        yield frame.select(
            id=_ids(NodeKind.BOARD, boards),
            owner_id=_ids(NodeKind.USER, world.board_owner[boards]),
            title=pl.format("{} board", _name(pl.col("interest"))),
            secret=pl.col("secret"),
        )


def _pin_interests(world: World) -> Iterator[pl.DataFrame]:
    for rows in _chunks(world.sizes.pins):
        interests = _ids(NodeKind.INTEREST, _interest_of(world, rows))
        yield pl.DataFrame({"pin_id": _ids(NodeKind.PIN, world.pin_ids[rows]), "interest_id": interests})


def _follows(world: World) -> Iterator[pl.DataFrame]:
    """Each user follows the interest that is strongest in them."""
    for users in _chunks(world.sizes.users):
        strongest = _ids(NodeKind.INTEREST, world.user_interests[users, 0])
        yield pl.DataFrame({"user_id": _ids(NodeKind.USER, users)}).with_columns(
            target_kind=pl.lit("INTEREST"), target_id=strongest
        )


def _zipf(random: np.random.Generator, sizes: _Ints) -> _Ints:
    """Ranks from 0 below each size, the lower the likelier: P(rank) ∝ (rank + 1)^-ZIPF, by inverting the integral."""
    power = 1 - ZIPF
    drawn = (1 + random.random(len(sizes)) * ((sizes + 1.0) ** power - 1)) ** (1 / power)
    return np.minimum(drawn.astype(np.int64) - 1, sizes - 1)


def acts(world: World, random: np.random.Generator) -> Iterator[Acts]:
    """All interactions, in chunks."""
    users, interests = world.sizes.users, world.sizes.interests
    activity = random.permutation(users)
    for rows in _chunks(world.sizes.interactions):
        n = len(rows)
        user = activity[_zipf(random, np.full(n, users, np.int64))] if n else rows
        slot = np.minimum(random.geometric(0.5, size=n) - 1, INTERESTS_A_USER - 1)
        noise = random.random(n) < NOISE
        interest = np.where(noise, random.integers(interests, size=n), world.user_interests[user, slot])
        first, last = world.pins_of[interest], world.pins_of[interest + 1]
        pin = world.pin_ids[first + _zipf(random, last - first)]
        kind = random.choice(len(KINDS), p=_KIND_SHARES, size=n)
        board = np.where((kind == 0) & (random.random(n) < BOARDED), _board(world, user, interest, random), -1)
        yield Acts(user, pin, board, kind, _BEGIN_MS + random.integers(_YEAR_MS, size=n))


def _interactions(world: World, random: np.random.Generator) -> Iterator[pl.DataFrame]:
    for act in acts(world, random):
        boards = pl.select(pl.when(pl.Series(act.board) >= 0).then(_ids(NodeKind.BOARD, act.board))).to_series()
        yield pl.DataFrame(
            {
                "user_id": _ids(NodeKind.USER, act.user),
                "pin_id": _ids(NodeKind.PIN, act.pin),
                "board_id": boards,
                "kind": np.array(KINDS)[act.kind],
                "at": _dated(act.at),
            }
        )


def _board(world: World, user: _Ints, interest: _Ints, random: np.random.Generator) -> _Ints:
    """A board of the user for the interest, -1 where there is none."""
    key = user * world.sizes.interests + interest
    first = np.searchsorted(world.board_key, key)
    count = np.searchsorted(world.board_key, key, side="right") - first
    place = first + (random.random(len(user)) * count).astype(np.int64)
    found = count > 0
    chosen = np.full(len(user), -1, np.int64)
    chosen[found] = world.boards_of_key[place[found]]
    return chosen
