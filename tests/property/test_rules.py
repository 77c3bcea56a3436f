"""What holds depends on the set of events alone."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.model import Event, EventKind, NodeKind, TimeMs
from graph.rules import canonical_json, derived_event_id, distinct, event_digest, holds, wins
from tests.graphs import event
from tests.property.worlds import events, histories, ids, times, weights


@st.composite
def shuffled(draw: st.DrawFn, happened: list[Event]) -> list[Event]:
    """The same set in another order, some of it repeated."""
    again = draw(st.lists(st.sampled_from(happened), max_size=10)) if happened else []
    return draw(st.permutations(happened + again))


@settings(max_examples=150)
@given(st.data(), histories(30))
def test_neither_order_nor_repetition_matter(data: st.DataObject, happened: list[Event]) -> None:
    assert holds(data.draw(shuffled(happened))) == holds(happened)


@settings(max_examples=100)
@given(histories(30), histories(30))
def test_what_lost_its_id_leaves_no_trace(some: list[Event], more: list[Event]) -> None:
    once = list(distinct([*some, *more]).values())
    assert len({each.event_id for each in once}) == len(once)
    assert holds(once) == holds([*more, *some])


@settings(max_examples=100)
@given(events(given=False, kinds=[EventKind.SAVE]), st.lists(events(given=False), max_size=20), ids)
def test_other_users_change_nothing(save: Event, others: list[Event], name: str) -> None:
    stranger = [each for each in others if each.user != save.user and each.target != save.user]
    assert (save.user, save.target, save.board) in holds([save, *stranger]).saved


@settings(max_examples=100)
@given(histories(25, given=False))
def test_each_rule_as_the_design_words_it(happened: list[Event]) -> None:
    """DESIGN's sentences, evaluated naively for every triple and pair that anybody named."""
    found = holds(happened)
    once = list(distinct(happened).values())

    def latest(kind: EventKind, user: str, target: str, **more: Any) -> tuple[int, int] | None:
        ats = [
            (0, 0) if each.at is None else (1, int(each.at))
            for each in once
            if (each.kind, each.user, each.target) == (kind, user, target)
            and all(getattr(each, name) == value for name, value in more.items())
        ]
        return max(ats, default=None)

    def later(left: tuple[int, int] | None, right: tuple[int, int] | None) -> bool:
        return left is not None and (right is None or left > right)

    for user, pin, board in {(e.user, e.target, e.board) for e in once if e.target_kind is NodeKind.PIN}:
        save = latest(EventKind.SAVE, user, pin, board=board)
        expected = all(later(save, latest(EventKind.UNSAVE, user, pin, board=where)) for where in (board, None))
        assert ((user, pin, board) in found.saved) == expected
        hide, any_save = latest(EventKind.HIDE, user, pin), latest(EventKind.SAVE, user, pin)
        assert ((user, pin) in found.hidden) == (hide is not None and not later(any_save, hide))
    for user, kind, target in {(e.user, e.target_kind, e.target) for e in once}:
        follow = latest(EventKind.FOLLOW, user, target, target_kind=kind)
        expected = later(follow, latest(EventKind.UNFOLLOW, user, target, target_kind=kind))
        assert ((user, kind, target) in found.follows) == expected
        if kind is NodeKind.INTEREST:
            mute, boost, clear = (latest(k, user, target) for k in (EventKind.MUTE, EventKind.BOOST, EventKind.CLEAR))
            assert ((user, target) in found.muted) == (later(mute, boost) and later(mute, clear))
            assert ((user, target) in found.boosted) == (later(boost, mute) and later(boost, clear))


@given(st.lists(events(kinds=[EventKind.VIEW, EventKind.CLICK]), max_size=30))
def test_weights_are_summed_over_distinct_ids(happened: list[Event]) -> None:
    found = holds(happened)
    total = sum(each.weight for each in [*found.viewed.values(), *found.clicked.values()])
    assert total == sum(each.weight or 0 for each in distinct(happened).values())


Version = tuple[int | None, bytes]
versions = st.tuples(st.none() | st.integers(-2, 2), st.binary(min_size=16, max_size=16))


@given(versions, versions, versions)
def test_winning_is_a_total_order(
    a: tuple[int | None, bytes], b: tuple[int | None, bytes], c: tuple[int | None, bytes]
) -> None:
    assert not wins(*a, *a)
    if a != b:
        assert wins(*a, *b) != wins(*b, *a)
    if wins(*a, *b) and wins(*b, *c):
        assert wins(*a, *c)
    assert wins(*a, None, None)


@settings(max_examples=200)
@given(ids, ids, ids, st.none() | ids, times)
def test_derived_ids_do_not_run_into_each_other(
    user: str, pin: str, more: str, board: str | None, at: TimeMs | None
) -> None:
    def of(user: str, pin: str, board: str | None, at: TimeMs | None) -> str:
        return derived_event_id(EventKind.SAVE, user, NodeKind.PIN, pin, board, at)

    mine = of(user, pin, board, at)
    assert mine == of(user, pin, board, at)
    shifted = {of(user + more, pin, board, at), of(user, more + pin, board, at)}
    changed = {of(user, pin, board, TimeMs(99)), of(user, pin, f"{board}{more}", at)}
    assert mine not in shifted | changed
    assert (of(pin, user, board, at) == mine) == (user == pin)


@given(weights)
def test_an_id_is_its_digest_where_there_is_nothing_more_to_say(weight: float) -> None:
    view = event(EventKind.VIEW, "u", "p", TimeMs(1), weight=weight)
    assert (event_digest(view).hex() == view.event_id) == (weight == 1.0)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), values, max_size=5), st.randoms())
def test_one_object_has_one_spelling(value: dict[str, Any], dice: Any) -> None:
    keys = list(value)
    dice.shuffle(keys)
    text = canonical_json(value)
    assert canonical_json({key: value[key] for key in keys}) == text
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text
