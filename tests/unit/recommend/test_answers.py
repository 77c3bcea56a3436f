"""Related nodes, feeds and profiles on a graph that a person can read: are they what that person would say?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from graph.errors import InvalidInputError, NotFoundError
from graph.model import NodeKind
from graph.visibility import ADMIN, STRANGER, Viewer
from recommend.feed import feed
from recommend.profile import interests_of
from recommend.ranked import Answer, Source
from recommend.related import related, related_interests
from recommend.serving import Serving
from tests.crowds import artifact_of
from tests.graphs import tiny_snapshot

K = NodeKind


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("answers")


@pytest.fixture(scope="module")
def serving(folder: Path) -> Serving:
    return Serving.of(tiny_snapshot(folder))


def row(serving: Serving, kind: NodeKind, id_: str) -> int:
    found = serving.snapshot.nodes[kind].row_of(id_)
    assert found is not None
    return found


def ids(serving: Serving, answer: Answer) -> list[str]:
    return [serving.snapshot.nodes[item.kind].id_of(item.row) for item in answer.items]


def ask(serving: Serving, kind: NodeKind, id_: str, to: NodeKind, viewer: Viewer = STRANGER) -> Answer:
    return related(serving, kind, row(serving, kind, id_), to, first=10, viewer=viewer)


def texts(answer: Answer, place: int = 0) -> list[str]:
    return [reason.text for reason in answer.items[place].reasons]


def test_a_pin_is_related_to_what_its_savers_saved_and_to_what_shows_the_same(serving: Serving) -> None:
    answer = ask(serving, K.PIN, "fern", K.PIN)
    assert ids(serving, answer)[:3] == ["pie", "moss", "rose"] or set(ids(serving, answer)[:3]) == {
        "pie",
        "moss",
        "rose",
    }
    assert answer.source == "WALK"
    said = {text for item in answer.items for text in (reason.text for reason in item.reasons)}
    assert "saved by 1 person who also saved Fern in the shade" in said
    assert "on the board “My garden” with Fern in the shade" in said
    assert any(text.startswith("kind of Plant, like Fern in the shade") for text in said)
    assert "dress" not in ids(serving, answer)


def test_nothing_secret_makes_things_related(serving: Serving) -> None:
    answer = ask(serving, K.PIN, "dress", K.PIN)
    assert answer.source == "POPULAR"
    assert {reason.source for item in answer.items for reason in item.reasons} == {Source.POPULAR}


def test_a_secret_board_answers_its_owner_and_does_not_exist_for_others(serving: Serving) -> None:
    ada = Viewer(row(serving, K.USER, "ada"))
    assert ids(serving, ask(serving, K.BOARD, "ada-wedding", K.INTEREST, ada)) == ["weddings"]
    for viewer in (STRANGER, Viewer(row(serving, K.USER, "bo"))):
        with pytest.raises(NotFoundError, match="no Board"):
            ask(serving, K.BOARD, "ada-wedding", K.INTEREST, viewer)


def test_boards_interests_and_users_are_reached_through_pins(serving: Serving) -> None:
    assert ids(serving, ask(serving, K.PIN, "moss", K.BOARD))[0] == "cem-home"
    assert ids(serving, ask(serving, K.BOARD, "ada-garden", K.BOARD))[0] == "cem-home"
    boards = ask(serving, K.BOARD, "ada-garden", K.BOARD)
    assert texts(boards)[0] == "holds Fern in the shade"
    assert ids(serving, ask(serving, K.BOARD, "bo-kitchen", K.INTEREST))[:2] == ["baking", "food"]
    assert ids(serving, ask(serving, K.PIN, "soup", K.INTEREST)) == ["baking", "gardening"]
    assert ids(serving, ask(serving, K.USER, "ada", K.USER)) == ["cem", "bo"]


def test_interests_are_related_by_pins_and_by_the_taxonomy(serving: Serving) -> None:
    answer = ask(serving, K.INTEREST, "baking", K.INTEREST)
    assert set(ids(serving, answer)) == {"food", "gardening"}
    assert {text for item in answer.items for text in (reason.text for reason in item.reasons)} >= {
        "Baking is part of it"
    }
    both = related_interests(
        serving, [row(serving, K.INTEREST, id_) for id_ in ("baking", "gardening")], first=10, viewer=STRANGER
    )
    assert set(ids(serving, both)) == {"food", "outdoors"}


def test_private_saves_speak_to_their_user_only(serving: Serving) -> None:
    """Ada's pie is on no board and her dress on a secret one."""
    ada = row(serving, K.USER, "ada")
    mine = {item.row for item in interests_of(serving, ada, first=10, viewer=Viewer(ada))}
    assert row(serving, K.INTEREST, "weddings") in mine
    stranger = ask(serving, K.USER, "ada", K.INTEREST)
    assert "weddings" not in ids(serving, stranger)


def test_a_feed_is_made_of_what_was_saved_and_says_so(serving: Serving) -> None:
    cem = row(serving, K.USER, "cem")
    answer = feed(serving, cem, first=10, viewer=Viewer(cem))
    assert answer.source == "WALK"
    assert not {"fern", "pie"} & set(ids(serving, answer))
    first = answer.items[0].reasons[0]
    assert first.steps[0].source == (K.USER, cem)
    assert set(ids(serving, answer)) == {"moss", "rose", "bread", "soup", "dress"}


def test_what_is_hidden_stays_away(serving: Serving) -> None:
    bo = row(serving, K.USER, "bo")
    assert "dress" not in ids(serving, feed(serving, bo, first=10, viewer=Viewer(bo)))


def test_who_has_done_nothing_gets_what_is_popular(serving: Serving) -> None:
    dot = row(serving, K.USER, "dot")
    answer = feed(serving, dot, first=10, viewer=Viewer(dot))
    assert answer.source == "POPULAR"
    assert set(ids(serving, answer)[:2]) == {"fern", "pie"}
    assert texts(answer) == ["saved by 2 people"]
    assert [item.score for item in answer.items] == sorted((item.score for item in answer.items), reverse=True)


def test_a_feed_and_a_profile_are_for_their_user_and_admin(serving: Serving) -> None:
    ada, bo = row(serving, K.USER, "ada"), row(serving, K.USER, "bo")
    for viewer in (STRANGER, Viewer(bo)):
        with pytest.raises(NotFoundError, match="private to its user"):
            feed(serving, ada, first=5, viewer=viewer)
        with pytest.raises(NotFoundError, match="private to its user"):
            interests_of(serving, ada, first=5, viewer=viewer)
    assert feed(serving, ada, first=5, viewer=ADMIN) == feed(serving, ada, first=5, viewer=Viewer(ada))


def test_answers_degrade_in_order_and_say_so(folder: Path, serving: Serving) -> None:
    snapshot = serving.snapshot
    with_vectors = Serving.of(snapshot, artifact_of(snapshot, folder, seed=4))
    ada = row(serving, K.USER, "ada")
    assert feed(with_vectors, ada, first=5, viewer=ADMIN).source == "GNN"
    assert feed(serving, ada, first=5, viewer=ADMIN).source == "WALK"
    assert feed(serving, row(serving, K.USER, "dot"), first=5, viewer=ADMIN).source == "POPULAR"


def test_what_came_after_training_borrows_vectors_from_what_is_around_it(folder: Path, serving: Serving) -> None:
    snapshot = serving.snapshot
    without = artifact_of(
        snapshot, folder, seed=5, without=lambda kind, id_: (kind, id_) in {(K.PIN, "fern"), (K.USER, "ada")}
    )
    young = Serving.of(snapshot, without)
    assert ask(young, K.PIN, "fern", K.PIN).source == "GNN"
    assert feed(young, row(serving, K.USER, "ada"), first=5, viewer=ADMIN).source == "GNN"


def test_a_release_weighs_the_sources_of_a_feed_as_it_learnt_and_leaves_related_pins_alone(
    folder: Path, serving: Serving
) -> None:
    from embeddings.release import Release

    snapshot = serving.snapshot
    ada = row(serving, K.USER, "ada")
    for blend, sources in (({"filter": 1.0}, {Source.FILTER}), ({"GNN": 1.0, "WALK": 0.0}, {Source.GNN})):
        release = Release("20240601T000000Z-000000", "2024-06-01T00:00:00Z", snapshot.version, {}, blend)
        weighed = replace(Serving.of(snapshot, artifact_of(snapshot, folder, seed=6)), release=release)
        answer = feed(weighed, ada, first=2, viewer=ADMIN)
        assert {reason.source for item in answer.items for reason in item.reasons} <= sources | {Source.POPULAR}
        plain = replace(weighed, release=None)
        assert ask(weighed, K.PIN, "fern", K.PIN) == ask(plain, K.PIN, "fern", K.PIN)


@pytest.mark.parametrize("first", [0, -1, 201])
def test_bounds_are_refused_in_one_line(serving: Serving, first: int) -> None:
    with pytest.raises(InvalidInputError, match=f"first is {first}; give 1 to 200"):
        related(serving, K.PIN, 0, K.PIN, first=first, viewer=STRANGER)


def test_entities_are_not_ranked(serving: Serving) -> None:
    with pytest.raises(InvalidInputError, match="nothing of kind Entity is ever related; ask for Pin, Board"):
        related(serving, K.PIN, 0, K.ENTITY, first=5, viewer=STRANGER)


@pytest.mark.parametrize(("kind", "row"), [(K.PIN, -1), (K.PIN, 999), (K.ENTITY, 0)])
def test_a_node_that_is_not_there_is_not_found(serving: Serving, kind: NodeKind, row: int) -> None:
    with pytest.raises(NotFoundError):
        related(serving, kind, row, K.PIN, first=5, viewer=STRANGER)
