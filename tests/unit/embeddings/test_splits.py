from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embeddings.dataset import Dataset, Edges
from embeddings.splits import public_split, random_split, time_split, validation_split
from graph.errors import InvalidInputError
from graph.model import NodeKind
from graph.ports import NULL_TIME
from graph.schema import Link
from tests.unit.embeddings.planted import planted


def pairs(edges: Edges) -> set[tuple[int, int]]:
    return set(zip(edges.source.tolist(), edges.target.tolist(), strict=True))


def dated(at: list[int], users: list[int] | None = None) -> Dataset:
    """Saves of distinct pins at given times, of one user unless others are named."""
    source = np.array(users if users is not None else [0] * len(at), np.int32)
    pins = np.arange(len(at), dtype=np.int32)
    nodes = dict.fromkeys(NodeKind, 0) | {NodeKind.USER: int(source.max()) + 1, NodeKind.PIN: len(at)}
    return Dataset(nodes, {Link.SAVED: Edges.of(source, pins, np.array(at, np.int64))})


def test_the_time_cut_is_at_the_80th_percentile() -> None:
    split = time_split(dated(list(range(100))))
    assert sorted(split.train.saves.at.tolist()) == list(range(80))
    assert sorted(split.truth.indices.tolist()) == list(range(80, 100))


def test_ties_at_the_cut_go_to_train() -> None:
    split = time_split(dated([1] * 70 + [2] * 20 + [3] * 10))
    assert len(split.train.saves) == 90
    assert split.truth.nnz == 10


def test_saves_without_a_time_are_earlier_than_any() -> None:
    split = time_split(dated([NULL_TIME] * 50 + [5] * 30 + [9] * 20))
    assert len(split.train.saves) == 80


def test_users_with_fewer_than_five_train_saves_are_cold() -> None:
    users = [0] * 40 + [1] * 40 + [0] * 9 + [2] * 11
    split = time_split(dated(list(range(100)), users))
    assert split.scored.tolist() == [0]
    assert split.cold_users == 1


@pytest.mark.parametrize("times", [[7] * 40, [NULL_TIME] * 40])
def test_a_single_time_is_refused_in_one_line(times: list[int]) -> None:
    with pytest.raises(InvalidInputError, match="random split") as caught:
        time_split(dated(times))
    assert "\n" not in str(caught.value)


def test_too_few_saves_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="too few"):
        time_split(dated(list(range(19))))


def test_a_time_split_leaks_nothing_from_after_the_cut() -> None:
    data = planted()
    later = data.saves.at >= np.sort(data.saves.at)[int(0.8 * len(data.saves))]
    views = Edges.of(data.saves.source, data.saves.target, data.saves.at)
    split = time_split(Dataset(data.nodes, {**data.links, Link.VIEWED: views}))
    cut = data.saves.at[later].min()
    for link in (Link.SAVED, Link.HOLDS, Link.VIEWED):
        assert split.train.links[link].at.max() < cut
    assert not pairs(split.train.saves) & set(zip(*split.truth.nonzero(), strict=True))


def test_a_board_that_held_nothing_yet_is_not_known() -> None:
    at = np.arange(40, dtype=np.int64)
    pins, user = np.arange(40, dtype=np.int32), np.zeros(40, np.int32)
    board = (np.arange(40) >= 36).astype(np.int32)
    nodes = dict.fromkeys(NodeKind, 0) | {NodeKind.USER: 1, NodeKind.PIN: 40, NodeKind.BOARD: 2}
    owns = Edges.of(np.zeros(2, np.int32), np.arange(2, dtype=np.int32))
    data = Dataset(
        nodes,
        {Link.SAVED: Edges.of(user, pins, at), Link.HOLDS: Edges.of(board, pins, at, user), Link.OWNS: owns},
    )
    assert time_split(data).train.links[Link.OWNS].target.tolist() == [0]


def test_a_pair_saved_before_and_after_the_cut_is_no_question() -> None:
    data = dated(list(range(100)))
    again = np.append(data.saves.target, 0).astype(np.int32)
    saves = Edges.of(np.zeros(101, np.int32), again, np.append(data.saves.at, 1_000))
    assert 0 not in time_split(Dataset(data.nodes, {Link.SAVED: saves})).truth.indices


def test_a_random_split_takes_a_fifth_of_each_user_out_of_boards_too() -> None:
    data = planted()
    split = random_split(data, seed=7)
    whole = data.matrix()
    kept = split.train.matrix()
    for user in split.scored:
        filtered = whole[user].indices[split.catalogue[whole[user].indices]]
        assert split.truth[user].nnz == round(0.2 * len(filtered))
        assert kept[user].nnz == len(filtered) - split.truth[user].nnz
    held = set(zip(*split.truth.nonzero(), strict=True))
    assert held
    assert not held & pairs(split.train.saves)
    assert not held & pairs(split.train.links[Link.HOLDS]), "a board's row is its owner's here"


def test_a_random_split_keeps_pins_with_three_savers_then_users_with_five_pins() -> None:
    split = random_split(planted(users=60, pins=300), seed=7)
    savers = np.asarray(planted(users=60, pins=300).matrix().sum(axis=0)).ravel()
    assert (savers[split.catalogue] >= 3).all()
    assert (savers[~split.catalogue] < 3).all()
    whole = split.train.matrix() + split.truth
    assert np.diff(whole.indptr)[np.diff(whole.indptr) > 0].min() >= 5


def test_the_same_seed_gives_the_same_random_split() -> None:
    one, other, third = (random_split(planted(), seed) for seed in (7, 7, 8))
    assert (one.truth != other.truth).nnz == 0
    assert (one.truth != third.truth).nnz > 0


@pytest.mark.parametrize("cut", [time_split, lambda data: random_split(data, 7)])
def test_validation_never_sees_the_test_part(cut: object) -> None:
    split = cut(planted())  # type: ignore[operator]
    inner = validation_split(split, 7)
    assert not pairs(inner.train.saves) - pairs(split.train.saves)
    assert inner.truth.multiply(split.truth).nnz == 0


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_public_splits_are_read_as_they_are(tmp_path: Path) -> None:
    train = write(tmp_path / "train.txt", "0 10 11\n1 12\n\n2\n0 12\n")
    test = write(tmp_path / "test.txt", "0 13 10\n2 10\n1\n")
    split = public_split(train, test, "full")
    assert split.train.matrix().nnz == 4
    assert split.scored.tolist() == [0]
    assert split.truth[0].nnz == 1, "an item that is in train already is no question"
    assert split.cold_users == 1
    assert split.train.pins == 4


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        (None, "0 1\n", "train.txt is not there"),
        ("", "0 1\n", "no line `user item"),
        ("0 1\n", "\n \n", "no line `user item"),
        ("0 1\n1 " + "9" * 65 + "\n", "0 2\n", r"train.txt:2: an id is longer"),
        ("0 1\n", "7 1\n", "no user of"),
        (b"\xff\xfe\x00", "0 1\n", "can't be read as text"),
    ],
)
def test_a_public_split_that_cant_be_used_is_refused_in_one_line(
    tmp_path: Path, train: str | bytes | None, test: str, told: str
) -> None:
    if isinstance(train, bytes):
        (tmp_path / "train.txt").write_bytes(train)
    elif train is not None:
        write(tmp_path / "train.txt", train)
    with pytest.raises(InvalidInputError, match=told) as caught:
        public_split(tmp_path / "train.txt", write(tmp_path / "test.txt", test), "full")
    assert "\n" not in str(caught.value)


def test_leave_one_out_takes_one_item_a_user(tmp_path: Path) -> None:
    train, test = write(tmp_path / "train.txt", "0 1 2 3\n1 2 3\n"), write(tmp_path / "test.txt", "0 4 5\n")
    with pytest.raises(InvalidInputError, match="several items"):
        public_split(train, test, "leave-one-out")
