"""What a user said of interests changes the feed and the profile: mute, boost, follow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from graph.model import TASTE_EVENTS, EventKind, NodeKind
from graph.visibility import ADMIN
from recommend.feed import feed
from recommend.profile import interests_of
from recommend.serving import Serving
from tests.crowds import Crowd
from tests.graphs import day, event

FAR = day(90)


def serving(folder: Path, *said: tuple[EventKind, str, str], seed: int = 2) -> Serving:
    """A random graph in which users said something last; with a new user who did nothing else."""
    crowd = Crowd.of(seed)
    quiet = [each for each in crowd.events if each.user != "u09" and each.kind not in TASTE_EVENTS]
    more = [event(kind, user, interest, FAR, target_kind=NodeKind.INTEREST) for kind, user, interest in said]
    return Serving.of(replace(crowd, events=[*quiet, *more]).snapshot(folder))


def about(serving: Serving, pin: int) -> set[str]:
    interests = serving.snapshot.nodes[NodeKind.INTEREST]
    return {interests.id_of(int(row)) for row in serving.public.topics.into.neighbours(pin)}


@pytest.mark.parametrize("interest", ["art", "birds", "cars", "dance"])
def test_muting_takes_an_interest_out_of_feed_and_profile(tmp_path: Path, interest: str) -> None:
    before, after = serving(tmp_path), serving(tmp_path, (EventKind.MUTE, "u01", interest))
    pins = [item.row for item in feed(after, 1, first=50, viewer=ADMIN).items]
    assert not any(interest in about(after, pin) for pin in pins)
    kept = [i.row for i in feed(before, 1, first=50, viewer=ADMIN).items if interest not in about(before, i.row)]
    assert set(pins) == set(kept)
    names = after.snapshot.nodes[NodeKind.INTEREST]
    assert interest not in {names.id_of(item.row) for item in interests_of(after, 1, first=10, viewer=ADMIN)}


@pytest.mark.parametrize("interest", ["art", "birds", "cars", "dance"])
def test_boosting_raises_what_is_about_it_and_nothing_else(tmp_path: Path, interest: str) -> None:
    before, after = serving(tmp_path), serving(tmp_path, (EventKind.BOOST, "u01", interest))
    scores = [
        {i.row: i.score for i in feed(s, 1, first=50, viewer=ADMIN).items if i.reasons[0].source != "POPULAR"}
        for s in (before, after)
    ]
    assert scores[0].keys() == scores[1].keys()
    for pin, score in scores[1].items():
        assert score == pytest.approx(scores[0][pin] * (1.5 if interest in about(after, pin) else 1))


def test_who_only_follows_gets_what_is_popular_there_first(tmp_path: Path) -> None:
    asked = serving(tmp_path, (EventKind.FOLLOW, "u09", "birds"))
    answer = feed(asked, 9, first=50, viewer=ADMIN)
    assert answer.source == "POPULAR"
    wanted = ["birds" in about(asked, item.row) for item in answer.items]
    assert any(wanted)
    assert wanted == sorted(wanted, reverse=True)
    first = answer.items[0].reasons[0]
    assert first.text.startswith("about Birds, which you follow; saved by")
    assert [step.link for step in first.steps] == ["FOLLOWS_INTEREST", "ABOUT"]
    (interest,) = interests_of(asked, 9, first=10, viewer=ADMIN)
    assert (asked.snapshot.nodes[NodeKind.INTEREST].id_of(interest.row), interest.score) == ("birds", 1.0)
