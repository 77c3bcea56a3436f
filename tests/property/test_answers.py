"""What every answer promises, over random graphs: its reasons are real, it repeats nothing, and it returns nothing unwanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.model import NodeKind
from graph.schema import LINKS, Link
from graph.visibility import ADMIN, STRANGER, Viewer
from recommend.feed import feed
from recommend.profile import interests_of
from recommend.ranked import Answer, Source, Step
from recommend.related import related, related_interests
from recommend.serving import Serving
from tests.crowds import Crowd, artifact_of
from tests.property.test_traversals import seen_graph

seeds = st.integers(0, 10_000)
viewers = st.sampled_from([STRANGER, ADMIN, Viewer(0), Viewer(4)])
KINDS = tuple(kind for kind in NodeKind if kind is not NodeKind.ENTITY)
Asked = list[tuple[NodeKind, int]]


def serving_of(folder: Path, seed: int, *, vectors: bool) -> Serving:
    snapshot = Crowd.of(seed).snapshot(folder)
    return Serving.of(snapshot, artifact_of(snapshot, folder, seed=seed) if vectors else None)


def answers(serving: Serving, viewer: Viewer, first: int = 20) -> Iterator[tuple[Asked, Answer]]:
    visible = serving.visible(viewer)
    for kind in KINDS:
        for row in (row for row in (0, 1, 3) if visible.node(kind, row)):
            for to in KINDS:
                yield [(kind, row)], related(serving, kind, row, to, first=first, viewer=viewer)
    interests = [(NodeKind.INTEREST, 0), (NodeKind.INTEREST, 2)]
    yield interests, related_interests(serving, [0, 2], first=first, viewer=viewer)
    for user in range(10):
        if visible.is_self(user):
            yield [(NodeKind.USER, user)], feed(serving, user, first=first, viewer=viewer)


def check_path(steps: tuple[Step, ...], asked: Asked, item: tuple[NodeKind, int]) -> None:
    """The steps lead from a node asked about to the item, each from where the one before ended."""
    ends = set(asked)
    for step in steps:
        assert (step.source[0], step.target[0]) == (LINKS[step.link].source, LINKS[step.link].target)
        at = {step.source, step.target} & ends
        assert at
        ends = {step.target if here == step.source else step.source for here in at}
    assert item in ends


@settings(max_examples=10)
@given(seed=seeds, viewer=viewers, vectors=st.booleans())
def test_reasons_are_paths_that_the_viewer_may_see(folder: Path, seed: int, viewer: Viewer, vectors: bool) -> None:
    serving = serving_of(folder, seed, vectors=vectors)
    graph = seen_graph(serving.snapshot, viewer)
    for asked, answer in answers(serving, viewer):
        for item in answer.items:
            assert (item.kind, item.row) in graph
            assert sum(reason.share for reason in item.reasons) == pytest.approx(1)
            assert [r.share for r in item.reasons] == sorted((r.share for r in item.reasons), reverse=True)
            for reason in item.reasons:
                assert 0 < reason.share <= 1
                assert reason.text
                for step in reason.steps:
                    between = graph.get_edge_data(step.source, step.target, default={})
                    assert step.link in {link for link, _ in between}, (step, reason)
                if reason.steps:
                    check_path(reason.steps, asked, (item.kind, item.row))
                else:
                    assert reason.source is Source.POPULAR or "no short path" in reason.text


@settings(max_examples=10)
@given(seed=seeds, viewer=viewers, vectors=st.booleans())
def test_an_answer_repeats_nothing_and_begins_as_a_longer_one(
    folder: Path, seed: int, viewer: Viewer, vectors: bool
) -> None:
    serving = serving_of(folder, seed, vectors=vectors)
    for (asked, short), (_, long) in zip(answers(serving, viewer, 4), answers(serving, viewer, 30), strict=True):
        assert long.items[: len(short.items)] == short.items
        assert [item.reasons for item in long.items[: len(short.items)]] == [item.reasons for item in short.items]
        rows = [(item.kind, item.row) for item in long.items]
        assert len(rows) == len(set(rows))
        assert not set(rows) & set(asked)
        scores = [item.score for item in long.items]
        assert scores == sorted(scores, reverse=True)
        assert all(score > 0 for score in scores)


@settings(max_examples=15)
@given(seed=seeds, user=st.integers(0, 9), admin=st.booleans(), vectors=st.booleans())
def test_a_feed_holds_all_that_is_left_and_nothing_unwanted(
    folder: Path, seed: int, user: int, admin: bool, vectors: bool
) -> None:
    serving = serving_of(folder, seed, vectors=vectors)
    links = serving.snapshot.links
    answer = feed(serving, user, first=100, viewer=ADMIN if admin else Viewer(user))
    unwanted = {*links[Link.SAVED].out.neighbours(user).tolist(), *links[Link.HID].out.neighbours(user).tolist()}
    for interest in links[Link.MUTED].out.neighbours(user):
        unwanted.update(links[Link.ABOUT].into.neighbours(interest).tolist())
    assert {item.row for item in answer.items} == set(range(10)) - unwanted
    assert answer.source in {"GNN", "WALK", "POPULAR"}


@settings(max_examples=10)
@given(seed=seeds, viewer=viewers)
def test_pins_that_the_viewer_saved_or_hid_are_not_related_to_anything(folder: Path, seed: int, viewer: Viewer) -> None:
    serving = serving_of(folder, seed, vectors=True)
    if viewer.user_row is None:
        return
    links = serving.snapshot.links
    seen = {
        *links[Link.SAVED].out.neighbours(viewer.user_row).tolist(),
        *links[Link.HID].out.neighbours(viewer.user_row).tolist(),
    }
    for _, answer in answers(serving, viewer):
        assert not seen & {item.row for item in answer.items if item.kind is NodeKind.PIN}


@settings(max_examples=15)
@given(seed=seeds, user=st.integers(0, 9))
def test_a_profile_adds_up_and_its_evidence_was_saved(folder: Path, seed: int, user: int) -> None:
    serving = serving_of(folder, seed, vectors=False)
    links = serving.snapshot.links
    profile = interests_of(serving, user, first=10, viewer=Viewer(user))
    saved = set(links[Link.SAVED].out.neighbours(user).tolist())
    assert sum(interest.score for interest in profile) == pytest.approx(1 if profile else 0)
    assert [i.score for i in profile] == sorted((i.score for i in profile), reverse=True)
    assert not {i.row for i in profile} & set(links[Link.MUTED].out.neighbours(user).tolist())
    for interest in profile:
        about = set(links[Link.ABOUT].into.neighbours(interest.row).tolist())
        assert set(interest.evidence) <= saved & about
        assert len(interest.evidence) == min(5, len(saved & about))
