"""Nodes: which row wins, how each is counted, what a reader sees of it."""

from __future__ import annotations

import pytest

from graph.errors import NotFoundError
from graph.model import Board, EdgeKind, Entity, Id, Interest, Node, NodeKind, NodeRow, Pin, TimeMs, User
from graph.ports import BATCH_ROWS_MAX, GraphStore, Outcome
from graph.rules import canonical_json, node_digest
from tests import graphs

USER, PIN, BOARD, INTEREST, ENTITY = NodeKind


def row(node: Node, version_at: int | None = None, deleted_at: int | None = None) -> NodeRow:
    return NodeRow(
        node,
        None if version_at is None else TimeMs(version_at),
        None if deleted_at is None else TimeMs(deleted_at),
    )


def pin(title: str | None, id: str = "p") -> Pin:
    return Pin(Id(id), title)


def by_digest(*titles: str) -> list[NodeRow]:
    """Rows of the pin `p` without a version, the winner first."""
    return sorted((row(pin(title)) for title in titles), key=lambda each: node_digest(each.node))


@pytest.mark.parametrize(
    ("kind", "node"),
    [
        (USER, User(Id("u"), TimeMs(-5), canonical_json({"land": "TR", "n": [1, {"x": None}]}))),
        (PIN, Pin(Id("p"), "Ein \u00dcber-Titel 😀", "", TimeMs(0), canonical_json({"a": "'\"\\;--"}))),
        (PIN, Pin(Id("p"))),
        (BOARD, Board(Id("b"), Id("owner"), "t", secret=True)),
        (BOARD, Board(Id("b"), Id("owner"))),
        (INTEREST, Interest(Id("i"), "Name", Id("top"))),
        (INTEREST, Interest(Id("i"), "")),
        (ENTITY, Entity(Id("e"), "Ada")),
        (ENTITY, Entity(Id("e"))),
    ],
)
def test_a_node_is_read_as_it_was_written(store: GraphStore, kind: NodeKind, node: Node) -> None:
    store.ensure_nodes(USER, [Id("owner")])
    store.write_nodes(INTEREST, [row(Interest(Id("top"), "Top"))])
    assert store.write_nodes(kind, [row(node)]).written == 1
    assert store.node(kind, node.id) == node


def test_an_unknown_id_gives_nothing(store: GraphStore) -> None:
    store.ensure_nodes(USER, [Id("x")])
    assert store.node(PIN, Id("x")) is None
    assert store.node(USER, Id("y")) is None


@pytest.mark.parametrize(
    "id",
    [
        "a" * 64,
        " lead",
        "trail ",
        "O'Hara\"`$x",
        "\u00e9",
        "e\u0301",
        "\uffff",
        "😀",
        "Ünïcödé",
        "0",
        "NULL",
        "%_",
        "{}",
    ],
)
def test_ids_are_opaque(store: GraphStore, id: str) -> None:
    store.ensure_nodes(PIN, [Id(id)])
    assert store.node(PIN, Id(id)) == Pin(Id(id))
    assert store.missing(PIN, [Id(id), Id(id + "\u0301")]) == {Id(id + "\u0301")}


def test_ids_that_look_alike_are_different(store: GraphStore) -> None:
    alike = [Id(text) for text in ("k", "K", "\u212a", "e\u0301", "\u00e9", "1", "01", "1.0")]
    assert store.ensure_nodes(USER, alike) == len(alike)
    assert store.counts().nodes[USER] == len(alike)


def test_the_same_id_of_another_kind_is_another_node(store: GraphStore) -> None:
    store.ensure_nodes(USER, [Id("x")])
    store.ensure_nodes(PIN, [Id("x")])
    store.write_nodes(PIN, [row(pin("t", "x"))])
    assert store.node(USER, Id("x")) == User(Id("x"))
    assert store.node(PIN, Id("x")) == pin("t", "x")


def test_missing_names_those_without_a_node(store: GraphStore) -> None:
    store.ensure_nodes(PIN, [Id("a"), Id("b")])
    store.write_nodes(PIN, [row(pin("t", "gone"), deleted_at=1)])
    assert store.missing(PIN, [Id("a"), Id("c"), Id("b"), Id("c"), Id("gone")]) == {"c"}
    assert store.missing(PIN, []) == set()
    assert store.missing(USER, [Id("a")]) == {"a"}


def test_missing_takes_many_ids(store: GraphStore) -> None:
    ids = [Id(f"p{number}") for number in range(3_000)]
    store.ensure_nodes(PIN, ids[::2])
    assert store.missing(PIN, ids) == set(ids[1::2])


class TestBare:
    def test_made_once(self, store: GraphStore) -> None:
        assert store.ensure_nodes(PIN, [Id("a"), Id("b"), Id("a")]) == 2
        assert store.ensure_nodes(PIN, [Id("b"), Id("c")]) == 1
        assert store.ensure_nodes(PIN, []) == 0
        assert store.counts().nodes[PIN] == 3

    def test_loses_to_any_row(self, store: GraphStore) -> None:
        store.ensure_nodes(PIN, [Id("p")])
        assert store.write_nodes(PIN, [row(pin("t"))]) == Outcome(written=1)
        assert store.node(PIN, Id("p")) == pin("t")

    def test_a_row_that_says_nothing_is_still_a_row(self, store: GraphStore) -> None:
        store.ensure_nodes(PIN, [Id("p")])
        assert store.write_nodes(PIN, [row(Pin(Id("p")))]) == Outcome(written=1)
        assert store.write_nodes(PIN, [row(Pin(Id("p")))]) == Outcome(unchanged=1)

    def test_does_not_touch_what_is_there(self, store: GraphStore) -> None:
        store.write_nodes(PIN, [row(pin("t"), 5)])
        assert store.ensure_nodes(PIN, [Id("p")]) == 0
        assert store.node(PIN, Id("p")) == pin("t")

    @pytest.mark.parametrize("kind", [BOARD, INTEREST])
    def test_kinds_with_required_properties_can_not_be(self, store: GraphStore, kind: NodeKind) -> None:
        with pytest.raises(ValueError, match="bare"):
            store.ensure_nodes(kind, [Id("x")])


class TestVersions:
    def test_writing_again_changes_nothing(self, store: GraphStore) -> None:
        rows = [row(pin("one", "a"), 5), row(pin("two", "b"))]
        assert store.write_nodes(PIN, rows) == Outcome(written=2)
        assert store.write_nodes(PIN, rows) == Outcome(unchanged=2)

    @pytest.mark.parametrize(
        ("held", "coming", "winner"),
        [
            (5, 6, "coming"),
            (6, 5, "held"),
            (None, 5, "coming"),
            (5, None, "held"),
            (-2, -1, "coming"),
            (None, -9, "coming"),
        ],
    )
    def test_the_later_version_wins(self, store: GraphStore, held: int | None, coming: int | None, winner: str) -> None:
        store.write_nodes(PIN, [row(pin("held"), held)])
        outcome = store.write_nodes(PIN, [row(pin("coming"), coming)])
        assert outcome == (Outcome(written=1) if winner == "coming" else Outcome(unchanged=1))
        assert store.node(PIN, Id("p")) == pin(winner)

    @pytest.mark.parametrize("titles", [("a", "b"), ("b", "a")])
    def test_of_one_version_the_smaller_digest_wins_in_any_order(
        self, store: GraphStore, titles: tuple[str, str]
    ) -> None:
        winner = by_digest("a", "b")[0].node
        assert store.write_nodes(PIN, [row(pin(titles[0]))]) == Outcome(written=1)
        assert store.write_nodes(PIN, [row(pin(titles[1]))]) == Outcome(conflicts=1)
        assert store.node(PIN, Id("p")) == winner

    def test_the_same_content_under_a_newer_version_is_kept_as_newer(self, store: GraphStore) -> None:
        store.write_nodes(PIN, [row(pin("t"), 1)])
        assert store.write_nodes(PIN, [row(pin("t"), 3)]) == Outcome(written=1)
        assert store.write_nodes(PIN, [row(pin("older"), 2)]) == Outcome(unchanged=1)
        assert store.node(PIN, Id("p")) == pin("t")

    def test_properties_that_the_newer_row_lacks_are_gone(self, store: GraphStore) -> None:
        store.write_nodes(PIN, [row(Pin(Id("p"), "t", "d", TimeMs(1), canonical_json({"a": 1})), 1)])
        store.write_nodes(PIN, [row(Pin(Id("p"), None, "new"), 2)])
        assert store.node(PIN, Id("p")) == Pin(Id("p"), None, "new")


class TestOneCall:
    def test_repeated_rows_are_duplicates(self, store: GraphStore) -> None:
        assert store.write_nodes(PIN, [row(pin("t"), 1)] * 3) == Outcome(written=1, duplicates=2)
        assert store.write_nodes(PIN, [row(pin("t"), 1)] * 3) == Outcome(unchanged=1, duplicates=2)

    def test_an_older_row_beside_a_newer_is_unchanged(self, store: GraphStore) -> None:
        rows = [row(pin("old"), 1), row(pin("new"), 2), row(pin("none"))]
        assert store.write_nodes(PIN, rows) == Outcome(written=1, unchanged=2)
        assert store.node(PIN, Id("p")) == pin("new")

    def test_two_payloads_of_one_version_conflict(self, store: GraphStore) -> None:
        winner, *losers = by_digest("a", "b", "c")
        assert store.write_nodes(PIN, [*losers, winner]) == Outcome(written=1, conflicts=2)
        assert store.node(PIN, Id("p")) == winner.node

    def test_every_row_is_counted_once(self, store: GraphStore) -> None:
        winner, middle, loser = by_digest("a", "b", "c")
        store.write_nodes(PIN, [middle])
        outcome = store.write_nodes(PIN, [loser, middle, winner, middle, row(pin("other", "q"))])
        assert outcome == Outcome(written=1, unchanged=1, duplicates=1, conflicts=2)
        assert store.node(PIN, Id("p")) == winner.node

    def test_a_newer_version_settles_what_would_conflict(self, store: GraphStore) -> None:
        winner, middle, loser = by_digest("a", "b", "c")
        store.write_nodes(PIN, [middle])
        assert store.write_nodes(PIN, [loser, winner, row(pin("new"), 1)]) == Outcome(written=1, unchanged=2)
        assert store.node(PIN, Id("p")) == pin("new")

    def test_no_rows(self, store: GraphStore) -> None:
        for kind in NodeKind:
            assert store.write_nodes(kind, []) == Outcome()

    def test_is_limited(self, store: GraphStore) -> None:
        with pytest.raises(ValueError, match="at most"):
            store.write_nodes(PIN, [row(pin("t"))] * (BATCH_ROWS_MAX + 1))


class TestHidden:
    def test_is_not_seen_and_still_there(self, store: GraphStore) -> None:
        store.write_nodes(PIN, [row(pin("t"), 1)])
        assert store.write_nodes(PIN, [row(pin("t"), 2, deleted_at=2)]) == Outcome(written=1)
        assert store.node(PIN, Id("p")) is None
        assert store.counts().nodes[PIN] == 1
        assert store.missing(PIN, [Id("p")]) == set()

    def test_comes_back_with_a_newer_row(self, store: GraphStore) -> None:
        store.write_nodes(PIN, [row(pin("t"), 1, deleted_at=0)])
        store.write_nodes(PIN, [row(pin("t"), 2)])
        assert store.node(PIN, Id("p")) == pin("t")

    def test_time_of_deletion_counts_as_payload(self, store: GraphStore) -> None:
        store.write_nodes(PIN, [row(pin("t"), 1)])
        assert store.write_nodes(PIN, [row(pin("t"), 1, deleted_at=9)]) == Outcome(conflicts=1)

    def test_its_edges_are_kept(self, store: GraphStore) -> None:
        graphs.fill(store)
        before = store.counts()
        store.write_nodes(USER, [NodeRow(graphs.USERS[0], graphs.day(9), graphs.day(9))])
        assert store.counts() == before


class TestOwnersAndParents:
    def test_a_board_is_an_edge_from_its_owner(self, store: GraphStore) -> None:
        store.ensure_nodes(USER, [Id("u"), Id("v")])
        rows = [row(Board(Id("b"), Id("u"))), row(Board(Id("c"), Id("u")))]
        assert store.write_nodes(BOARD, rows) == Outcome(written=2, edges_written=2)
        assert store.write_nodes(BOARD, rows) == Outcome(unchanged=2)
        assert store.counts().edges[EdgeKind.OWNS] == 2

    def test_a_board_changes_hands(self, store: GraphStore) -> None:
        store.ensure_nodes(USER, [Id("u"), Id("v")])
        store.write_nodes(BOARD, [row(Board(Id("b"), Id("u")), 1)])
        assert store.write_nodes(BOARD, [row(Board(Id("b"), Id("v")), 2)]) == Outcome(written=1, edges_written=1)
        assert store.node(BOARD, Id("b")) == Board(Id("b"), Id("v"))
        assert store.counts().edges[EdgeKind.OWNS] == 1

    def test_an_unknown_owner_stops_the_whole_call(self, store: GraphStore) -> None:
        store.ensure_nodes(USER, [Id("u")])
        with pytest.raises(NotFoundError, match="nobody"):
            store.write_nodes(BOARD, [row(Board(Id("b"), Id("u"))), row(Board(Id("c"), Id("nobody")))])
        assert store.counts().nodes[BOARD] == 0

    def test_a_parent_may_come_in_the_same_call_in_any_order(self, store: GraphStore) -> None:
        rows = [
            row(Interest(Id("leaf"), "Leaf", Id("middle"))),
            row(Interest(Id("middle"), "Middle", Id("top"))),
            row(Interest(Id("top"), "Top")),
        ]
        assert store.write_nodes(INTEREST, rows) == Outcome(written=3, edges_written=2)
        assert store.node(INTEREST, Id("leaf")) == rows[0].node
        assert store.counts().edges[EdgeKind.CHILD_OF] == 2

    def test_an_unknown_parent_stops_the_whole_call(self, store: GraphStore) -> None:
        with pytest.raises(NotFoundError, match="nowhere"):
            store.write_nodes(INTEREST, [row(Interest(Id("a"), "A")), row(Interest(Id("b"), "B", Id("nowhere")))])
        assert store.counts().nodes[INTEREST] == 0

    def test_an_interest_moves(self, store: GraphStore) -> None:
        store.write_nodes(
            INTEREST, [row(Interest(Id(x), x)) for x in ("a", "b")] + [row(Interest(Id("c"), "c", Id("a")), 1)]
        )
        store.write_nodes(INTEREST, [row(Interest(Id("c"), "c", Id("b")), 2)])
        assert store.node(INTEREST, Id("c")) == Interest(Id("c"), "c", Id("b"))
        store.write_nodes(INTEREST, [row(Interest(Id("c"), "c"), 3)])
        assert store.node(INTEREST, Id("c")) == Interest(Id("c"), "c")
        assert store.counts().edges[EdgeKind.CHILD_OF] == 0
