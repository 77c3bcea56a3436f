"""What a reader is told: counts, a user's saves and events, and in which order."""

from __future__ import annotations

import random

import pytest

from graph.model import Board, EdgeKind, EventKind, Id, NodeKind, NodeRow, Pin, TimeMs, User
from graph.ports import EventBatch, GraphStore
from tests import graphs
from tests.contract.conftest import OpenStore
from tests.graphs import day, event

SAVE, UNSAVE = EventKind.SAVE, EventKind.UNSAVE

BY_BYTES = ["!", "A", "Z", "a", "z", "\u00e9", "\uffff", "😀"]
"""Ids in the order of their UTF-8 bytes. In UTF-16 the last two change places; a dictionary would mix the cases."""


def test_an_empty_store(store: GraphStore) -> None:
    counts = store.counts()
    assert counts.nodes == dict.fromkeys(NodeKind, 0)
    assert counts.events == dict.fromkeys(EventKind, 0)
    assert counts.edges == dict.fromkeys(EdgeKind, 0)
    assert store.saves(Id("u"), 10) == []
    assert store.events(Id("u"), 10) == []
    assert store.log_offset() == -1


def test_counts_include_hidden_and_bare_nodes(store: GraphStore) -> None:
    graphs.fill(store)
    store.ensure_nodes(NodeKind.PIN, [Id("bare")])
    counts = store.counts()
    assert counts.nodes == {kind: len(rows) + (kind is NodeKind.PIN) for kind, rows in graphs.NODES.items()}
    assert counts.events == {kind: sum(each.kind is kind for each in graphs.EVENTS) for kind in EventKind}
    assert counts.edges == {
        EdgeKind.OWNS: len(graphs.BOARDS),
        EdgeKind.CHILD_OF: 2,
        **{kind: len(edges) for kind, edges in graphs.EDGES.items()},
    }


def test_counts_do_not_depend_on_who_opened_the_store(store: GraphStore, open_again: OpenStore) -> None:
    graphs.fill(store)
    assert open_again().counts() == store.counts()


class TestSaves:
    def test_of_the_readable_graph(self, store: GraphStore) -> None:
        graphs.fill(store)
        assert store.saves(Id("ada"), 3) == [
            ("pie", None, day(5)),
            ("dress", "ada-wedding", day(4)),
            ("rose", "ada-garden", day(3)),
        ]
        # Bo let go of the moss, and nobody knows when the bread was saved.
        assert store.saves(Id("bo"), 10) == [
            ("pie", "bo-kitchen", day(6)),
            ("soup", "bo-kitchen", day(1)),
            ("bread", "bo-kitchen", None),
        ]
        # What Cem saved of a deleted pin is not shown; the rose left the board.
        assert store.saves(Id("cem"), 10) == [("pie", "cem-home", day(7)), ("fern", "cem-home", day(2))]
        assert store.saves(Id("dot"), 10) == []

    def test_nothing_is_held_on_a_hidden_board_or_by_a_hidden_user(self, store: GraphStore) -> None:
        graphs.fill(store)
        board = graphs.BOARDS[2]
        store.write_nodes(NodeKind.BOARD, [NodeRow(board, day(9), day(9))])
        store.write_nodes(NodeKind.USER, [NodeRow(User(Id("cem")), day(9), day(9))])
        assert store.saves(Id("bo"), 10) == []
        assert store.saves(Id("cem"), 10) == []

    def test_newest_first_then_by_bytes_of_pin_then_of_board(self, store: GraphStore) -> None:
        store.ensure_nodes(NodeKind.USER, [Id("u")])
        store.ensure_nodes(NodeKind.PIN, [Id(x) for x in BY_BYTES])
        store.write_nodes(NodeKind.BOARD, [NodeRow(Board(Id(x), Id("u"))) for x in BY_BYTES])
        times: list[TimeMs | None] = [TimeMs(2), TimeMs(0), TimeMs(-1), None]
        boards = [None, *BY_BYTES]
        expected = [(pin, board, at) for at in times for pin in BY_BYTES for board in boards]
        # A triple is saved once: at the first of its times that comes by.
        expected = [save for place, save in enumerate(expected) if place % len(times) == times.index(save[2])]
        events = [event(SAVE, "u", pin, at, board=board) for pin, board, at in expected]
        assert len({(each.target, each.board) for each in events}) == len(events)
        random.Random(1).shuffle(events)
        store.write_events(EventBatch.of(events))
        assert store.saves(Id("u"), 1_000) == expected
        assert store.saves(Id("u"), 5) == expected[:5]
        assert store.saves(Id("u"), 0) == []

    def test_a_move_is_seen_whole(self, store: GraphStore) -> None:
        store.ensure_nodes(NodeKind.USER, [Id("u")])
        store.write_nodes(NodeKind.PIN, [NodeRow(Pin(Id("p")))])
        store.write_nodes(NodeKind.BOARD, [NodeRow(Board(Id(x), Id("u"))) for x in ("from", "to")])
        store.write_events(EventBatch.of([event(SAVE, "u", "p", TimeMs(1), board="from")]))
        move = [
            event(UNSAVE, "u", "p", TimeMs(2), board="from", group_id="move"),
            event(SAVE, "u", "p", TimeMs(2), board="to", group_id="move"),
        ]
        store.write_events(EventBatch.of(move))
        assert store.saves(Id("u"), 10) == [("p", "to", 2)]


class TestEvents:
    def test_newest_first_then_by_bytes_of_the_event_id(self, store: GraphStore) -> None:
        store.ensure_nodes(NodeKind.USER, [Id("u"), Id("v")])
        store.ensure_nodes(NodeKind.PIN, [Id("p")])
        times: list[TimeMs | None] = [TimeMs(3), TimeMs(-3), None]
        ids = sorted([*BY_BYTES, "0" * 32, "af" * 16, "aF" * 16, "b0", "f" * 33], key=str.encode)
        expected = [event(SAVE, "u", "p", at, event_id=f"{id_}{mark}") for mark, at in enumerate(times) for id_ in ids]
        expected.sort(key=lambda each: (each.at is None, -(each.at or 0), each.event_id.encode()))
        shuffled = random.Random(2).sample(expected, len(expected))
        store.write_events(EventBatch.of([*shuffled, event(SAVE, "v", "p", TimeMs(9))]))
        assert store.events(Id("u"), 1_000) == expected
        assert store.events(Id("u"), 4) == expected[:4]
        assert store.events(Id("u"), 0) == []

    @pytest.mark.parametrize("first", [1, 7])
    def test_derived_and_given_ids_are_in_one_order(self, store: GraphStore, first: int) -> None:
        store.ensure_nodes(NodeKind.USER, [Id("u")])
        store.ensure_nodes(NodeKind.PIN, [Id(f"p{number}") for number in range(20)])
        events = [event(SAVE, "u", f"p{number}", TimeMs(5)) for number in range(20)]
        events += [event(SAVE, "u", "p0", TimeMs(5), event_id=id_) for id_ in ("3" * 32, "8", "c", "\U0001f600")]
        store.write_events(EventBatch.of(events))
        assert store.events(Id("u"), first) == sorted(events, key=lambda each: each.event_id.encode())[:first]

    def test_hidden_ends_do_not_hide_what_happened(self, store: GraphStore) -> None:
        graphs.fill(store)
        assert [each.target for each in store.events(Id("eve"), 10)] == ["spam"]
