"""What people type finds what they mean, and never what is not for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from graph.errors import InvalidInputError
from graph.model import NodeKind
from graph.visibility import ADMIN, STRANGER, Viewer
from recommend.search import TEXT_CHARACTERS_MAX, search
from recommend.serving import Serving
from tests.graphs import tiny_snapshot

Find = Callable[..., list[str]]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Serving:
    return Serving.of(tiny_snapshot(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def find(serving: Serving) -> Find:
    def found(text: str, viewer: Viewer = STRANGER, *kinds: NodeKind) -> list[str]:
        hits = search(serving, text, kinds=kinds or None, first=20, viewer=viewer)
        assert hits.total == len(hits.items)
        assert not hits.more
        return [f"{hit.kind}:{serving.snapshot.nodes[hit.kind].id_of(hit.row)}" for hit in hits.items]

    return found


@pytest.mark.parametrize("text", ["Moss garden", "moss", "MOSS", "mos", "garden moss", "  moss  garden!", "móss gard"])
def test_words_prefixes_and_any_case_or_accent_find_a_title(find: Find, text: str) -> None:
    assert find(text)[0] == "Pin:moss"


@pytest.mark.parametrize(("text", "pin"), [("sourdoug braed", "bread"), ("lentle", "soup"), ("rhubrab", "pie")])
def test_a_typo_is_forgiven_where_nothing_matches_without(find: Find, text: str, pin: str) -> None:
    assert f"Pin:{pin}" in find(text)


def test_a_typo_is_not_looked_for_where_the_word_is_there(find: Find) -> None:
    assert find("rose") == ["Pin:rose"]


def test_what_has_only_some_of_the_words_comes_where_nothing_has_all(find: Find) -> None:
    assert "Pin:soup" in find("lentil spaceship")


def test_the_whole_name_comes_first_then_the_popular(find: Find) -> None:
    found = find("garden")
    assert found[0] == "Board:ada-garden"  # three pins and a follower
    assert set(found) == {"Pin:moss", "Pin:pie", "Board:ada-garden", "Board:cem-home", "Interest:gardening"}
    assert find("rhubarb")[:2] == ["Entity:rheum", "Pin:pie"]


def test_kinds_narrow_it_down(find: Find) -> None:
    assert find("garden", STRANGER, NodeKind.BOARD) == ["Board:ada-garden", "Board:cem-home"]
    assert find("garden", STRANGER, NodeKind.USER) == []


def test_users_and_what_has_no_name_are_found_by_id(find: Find) -> None:
    assert find("cem", STRANGER, NodeKind.USER) == ["User:cem"]
    assert find("unnamed") == ["Entity:unnamed"]


def test_a_secret_board_is_found_by_its_owner_and_admin_only(serving: Serving, find: Find) -> None:
    ada, bo = (serving.snapshot.nodes[NodeKind.USER].row_of(id_) for id_ in ("ada", "bo"))
    for viewer, sees in ((STRANGER, False), (Viewer(bo), False), (Viewer(ada), True), (ADMIN, True)):
        assert ("Board:ada-wedding" in find("wedding", viewer)) is sees
        assert ("Board:ada-wedding" in find("weding", viewer, NodeKind.BOARD)) is sees
        assert "Board:ada-wedding" not in find("wedding", viewer, NodeKind.PIN)


@pytest.mark.parametrize("text", ["", "   ", "!?", "\x00", "zzzzzzz", "🌱"])
def test_what_matches_nothing_finds_nothing(find: Find, text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize(
    "text", ['title:(moss" AND', "moss~9 OR *", "[moss TO", "kind:1 moss^2 -garden", "moss " * 150]
)
def test_there_is_no_query_language_to_trip_over(find: Find, text: str) -> None:
    assert "Pin:moss" in find(text)


def test_pages_follow_on_each_other(serving: Serving) -> None:
    whole = search(serving, "garden", kinds=None, first=20, viewer=STRANGER)
    pages = [search(serving, "garden", kinds=None, first=2, after=after, viewer=STRANGER) for after in (0, 2, 4, 6)]
    assert [hit for page in pages for hit in page.items] == list(whole.items)
    assert [page.more for page in pages] == [True, True, False, False]
    assert {page.total for page in pages} == {5}


def test_too_much_text_is_refused_in_one_line(serving: Serving) -> None:
    with pytest.raises(InvalidInputError, match="1001 characters; give at most 1000"):
        search(serving, "x" * (TEXT_CHARACTERS_MAX + 1), kinds=None, first=5, viewer=STRANGER)


def test_the_index_on_disk_says_the_same(tmp_path: Path, serving: Serving) -> None:
    from recommend.textindex import TextIndex

    folder = tmp_path / "text"
    TextIndex.build(serving.snapshot, serving.secrets, serving.popularity, folder)
    opened = TextIndex.open(folder)
    for text in ("garden", "weding", "rose", "cem"):
        for admin in (False, True):
            assert opened.find(text, tuple(NodeKind), None, admin=admin) == serving.texts.find(
                text, tuple(NodeKind), None, admin=admin
            )
