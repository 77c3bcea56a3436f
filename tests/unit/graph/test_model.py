"""What a single value must obey."""

from __future__ import annotations

import math

import pytest

from graph.errors import InvalidEventError, InvalidIdError, InvalidInputError
from graph.model import (
    WEIGHT_MAX,
    Event,
    EventId,
    EventKind,
    Id,
    NodeKind,
    check_id,
    edges_of,
)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        " ",
        "a" * 64,
        "é" * 32,
        "😀" * 16,
        "\u00a0",
        "\u200b",
        "\ufeff",
        "\uffff",
        "\U0010ffff",
        "e\u0301",
        "../../etc/passwd",
        "'; DROP TABLE node; --",
        "%s{0}$1`",
    ],
)
def test_a_good_id_is_kept_as_it_is(text: str) -> None:
    assert check_id(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("a" * 65, "longer"),
        ("a" * (1 << 20), "longer"),
        ("é" * 33, "longer"),
        ("😀" * 17, "longer"),
        ("a\x00b", "control"),
        ("\x1f", "control"),
        ("line\n", "control"),
        ("\x7f", "control"),
        ("\x80", "control"),
        ("\x9f", "control"),
        ("\ud800", "UTF-8"),
        ("a\udfffb", "UTF-8"),
    ],
)
def test_a_bad_id_is_refused_in_one_short_line(text: str, why: str) -> None:
    with pytest.raises(InvalidIdError, match=why) as raised:
        check_id(text, "pin_id")
    message = str(raised.value)
    assert message.startswith("pin_id")
    assert message.isprintable()
    assert len(message) < 200
    message.encode()


def event(kind: EventKind, target_kind: NodeKind, board: str | None = None, weight: float | None = None) -> Event:
    return Event(EventId("e"), kind, Id("u"), target_kind, Id("t"), None if board is None else Id(board), weight=weight)


PINS, TASTES = {NodeKind.PIN}, {NodeKind.INTEREST}
FOLLOWED = {NodeKind.USER, NodeKind.BOARD, NodeKind.INTEREST}
GOOD: dict[EventKind, set[NodeKind]] = {
    EventKind.SAVE: PINS,
    EventKind.UNSAVE: PINS,
    EventKind.VIEW: PINS,
    EventKind.CLICK: PINS,
    EventKind.HIDE: PINS,
    EventKind.FOLLOW: FOLLOWED,
    EventKind.UNFOLLOW: FOLLOWED,
    EventKind.MUTE: TASTES,
    EventKind.BOOST: TASTES,
    EventKind.CLEAR: TASTES,
}
WEIGHTED = (EventKind.VIEW, EventKind.CLICK)


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("target_kind", NodeKind)
def test_each_kind_has_its_targets(kind: EventKind, target_kind: NodeKind) -> None:
    weight = 1.0 if kind in WEIGHTED else None
    if target_kind in GOOD[kind]:
        assert event(kind, target_kind, weight=weight).target_kind is target_kind
    else:
        with pytest.raises(InvalidEventError, match=kind):
            event(kind, target_kind, weight=weight)


@pytest.mark.parametrize("kind", EventKind)
def test_only_saves_and_their_ends_have_a_board(kind: EventKind) -> None:
    target_kind, weight = min(GOOD[kind]), 1.0 if kind in WEIGHTED else None
    if kind in (EventKind.SAVE, EventKind.UNSAVE):
        assert edges_of(kind, board=event(kind, target_kind, "b").board is not None) == 2
    else:
        with pytest.raises(InvalidEventError, match="board"):
            event(kind, target_kind, "b", weight)
    assert edges_of(kind, board=False) == 1


@pytest.mark.parametrize("weight", [0.0, -1.0, WEIGHT_MAX * 1.01, math.nan, math.inf, None])
def test_a_view_has_a_weight_within_bounds(weight: float | None) -> None:
    with pytest.raises(InvalidEventError, match="weight"):
        event(EventKind.VIEW, NodeKind.PIN, weight=weight)


def test_a_save_has_no_weight() -> None:
    with pytest.raises(InvalidEventError, match="weight"):
        event(EventKind.SAVE, NodeKind.PIN, weight=1.0)


def test_bad_input_is_of_one_family() -> None:
    assert issubclass(InvalidIdError, InvalidInputError)
    assert issubclass(InvalidEventError, InvalidInputError)
    assert InvalidIdError.exit_code == 2
