"""Events: identity, conflicts, edges, and that a batch is written whole or not at all."""

from __future__ import annotations

from itertools import permutations

import pytest

from graph.errors import NotFoundError
from graph.model import Board, Event, EventKind, Id, Interest, NodeKind, NodeRow, TimeMs
from graph.ports import BATCH_ROWS_MAX, EventBatch, GraphStore, Outcome
from graph.rules import event_digest
from tests.graphs import event

SAVE, UNSAVE, VIEW, FOLLOW, MUTE = EventKind.SAVE, EventKind.UNSAVE, EventKind.VIEW, EventKind.FOLLOW, EventKind.MUTE


@pytest.fixture
def ends(store: GraphStore) -> GraphStore:
    """A store with users u, v, pins p, q, board b and interest i."""
    store.ensure_nodes(NodeKind.USER, [Id("u"), Id("v")])
    store.ensure_nodes(NodeKind.PIN, [Id("p"), Id("q")])
    store.write_nodes(NodeKind.BOARD, [NodeRow(Board(Id("b"), Id("u")))])
    store.write_nodes(NodeKind.INTEREST, [NodeRow(Interest(Id("i"), "i"))])
    return store


def at(time: int) -> TimeMs:
    return TimeMs(time)


ONE_OF_EACH = [
    event(SAVE, "u", "p", at(1), board="b"),
    event(SAVE, "u", "p"),
    event(UNSAVE, "u", "p", at(2), board="b"),
    event(VIEW, "u", "p", at(3), weight=2.5),
    event(EventKind.CLICK, "u", "p", at(3)),
    event(EventKind.HIDE, "v", "q", at(-4)),
    event(FOLLOW, "u", "v", at(5), target_kind=NodeKind.USER),
    event(FOLLOW, "v", "b", at(5), target_kind=NodeKind.BOARD),
    event(FOLLOW, "u", "i", at(5), target_kind=NodeKind.INTEREST),
    event(EventKind.UNFOLLOW, "u", "v", at(6), target_kind=NodeKind.USER),
    event(MUTE, "u", "i", at(7), target_kind=NodeKind.INTEREST),
    event(EventKind.BOOST, "v", "i", at(7), target_kind=NodeKind.INTEREST),
    event(EventKind.CLEAR, "v", "i", at(8), target_kind=NodeKind.INTEREST, event_id="given", group_id="together"),
]
EDGES_OF_ALL = len(ONE_OF_EACH) + 2  # two of the saves and unsaves are on a board


def test_each_kind_is_read_as_it_was_written(ends: GraphStore) -> None:
    outcome = ends.write_events(EventBatch.of(ONE_OF_EACH))
    assert outcome == Outcome(written=len(ONE_OF_EACH), edges_written=EDGES_OF_ALL)
    read = [each for user in ("u", "v") for each in ends.events(Id(user), 100)]
    assert {each.event_id: each for each in read} == {each.event_id: each for each in ONE_OF_EACH}
    assert ends.counts().events == {kind: sum(each.kind is kind for each in ONE_OF_EACH) for kind in EventKind}


def test_writing_again_changes_nothing(ends: GraphStore) -> None:
    ends.write_events(EventBatch.of(ONE_OF_EACH))
    before = ends.counts(), ends.content_hash()
    assert ends.write_events(EventBatch.of(ONE_OF_EACH)) == Outcome(unchanged=len(ONE_OF_EACH))
    assert ends.write_events(EventBatch.of(ONE_OF_EACH[::-1])) == Outcome(unchanged=len(ONE_OF_EACH))
    assert (ends.counts(), ends.content_hash()) == before


def test_old_and_new_in_one_batch(ends: GraphStore) -> None:
    ends.write_events(EventBatch.of(ONE_OF_EACH[3:5]))
    outcome = ends.write_events(EventBatch.of(ONE_OF_EACH))
    assert outcome == Outcome(written=len(ONE_OF_EACH) - 2, unchanged=2, edges_written=EDGES_OF_ALL - 2)
    outcome = ends.write_events(EventBatch.of([event(VIEW, "v", "p", at(1)), *ONE_OF_EACH]))
    assert outcome == Outcome(written=1, unchanged=len(ONE_OF_EACH), edges_written=1)


def test_repeats_in_one_batch_are_duplicates(ends: GraphStore) -> None:
    batch = EventBatch.of([*ONE_OF_EACH, *ONE_OF_EACH[:2], ONE_OF_EACH[0]])
    outcome = ends.write_events(batch)
    assert outcome == Outcome(written=len(ONE_OF_EACH), duplicates=3, edges_written=EDGES_OF_ALL)
    assert ends.write_events(batch) == Outcome(unchanged=len(ONE_OF_EACH), duplicates=3)


def test_no_rows(ends: GraphStore) -> None:
    assert ends.write_events(EventBatch.of([])) == Outcome()


def test_is_limited(ends: GraphStore) -> None:
    with pytest.raises(ValueError, match="at most"):
        ends.write_events(EventBatch.of([ONE_OF_EACH[0]] * (BATCH_ROWS_MAX + 1)))


class TestIdentity:
    """One id, several payloads: the smaller digest wins, whatever the order, the batches, or the kinds of event."""

    RIVALS = sorted(
        [
            event(SAVE, "u", "p", at(1), board="b", event_id="x"),
            event(SAVE, "u", "p", at(2), event_id="x"),
            event(VIEW, "v", "q", at(1), event_id="x"),
            event(FOLLOW, "u", "v", at(1), target_kind=NodeKind.USER, event_id="x"),
        ],
        key=event_digest,
    )

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_one_call_each(self, ends: GraphStore, order: tuple[int, ...]) -> None:
        outcomes = [ends.write_events(EventBatch.of([self.RIVALS[place]])) for place in order]
        assert sum(outcomes[1:], Outcome()).conflicts == 2
        assert outcomes[0].written == 1
        self.check_winner(ends)

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
    def test_one_batch(self, ends: GraphStore, order: tuple[int, ...]) -> None:
        outcome = ends.write_events(EventBatch.of([self.RIVALS[place] for place in order]))
        assert (outcome.written, outcome.conflicts) == (1, 2)
        self.check_winner(ends)

    def check_winner(self, store: GraphStore) -> None:
        winner = self.RIVALS[0]
        read = [each for user in ("u", "v") for each in store.events(Id(user), 10)]
        assert read == [winner]
        assert sum(store.counts().events.values()) == 1
        assert store.counts().events[winner.kind] == 1

    def test_counts_of_a_mixed_batch(self, ends: GraphStore) -> None:
        best, second, third, _ = self.RIVALS
        ends.write_events(EventBatch.of([second]))
        other = event(SAVE, "u", "q", at(9), board="b")
        outcome = ends.write_events(EventBatch.of([third, second, other, best, third, second]))
        edges = 2 + (2 if best.board else 1)
        assert outcome == Outcome(written=1, unchanged=1, duplicates=2, conflicts=2, edges_written=edges)
        assert outcome.rows == 6

    def test_a_given_id_that_looks_derived_is_the_same_identity(self, ends: GraphStore) -> None:
        derived = event(SAVE, "u", "p", at(1))
        rival = event(SAVE, "v", "p", at(1), event_id=derived.event_id)
        ends.write_events(EventBatch.of([derived]))
        assert ends.write_events(EventBatch.of([rival])).conflicts == 1
        winner = min(derived, rival, key=event_digest)
        assert [*ends.events(Id("u"), 9), *ends.events(Id("v"), 9)] == [winner]

    @pytest.mark.parametrize("id", ["a" * 32, "A" * 32, "0" * 31, "\uffff", "😀", "f" * 64, "é" * 32, "it's"])
    def test_ids_come_back_as_they_went_in(self, ends: GraphStore, id: str) -> None:
        given = event(SAVE, "u", "p", at(1), event_id=id)
        ends.write_events(EventBatch.of([given]))
        assert ends.events(Id("u"), 1) == [given]
        assert ends.write_events(EventBatch.of([given])) == Outcome(unchanged=1)

    def test_ids_differ_by_case(self, ends: GraphStore) -> None:
        both = [event(SAVE, "u", "p", at(1), event_id=id_) for id_ in ("ab" * 16, "AB" * 16)]
        assert ends.write_events(EventBatch.of(both)).written == 2

    def test_weight_and_group_are_payload(self, ends: GraphStore) -> None:
        views = [event(VIEW, "u", "p", at(1), weight=weight, event_id="w") for weight in (1.0, 2.0)]
        saves = [event(SAVE, "u", "p", at(1), group_id=group, event_id="g") for group in (None, "1")]
        outcome = ends.write_events(EventBatch.of([*views, *saves]))
        assert (outcome.written, outcome.conflicts) == (2, 2)


class TestMissingEnds:
    @pytest.mark.parametrize(
        "bad",
        [
            event(SAVE, "nope", "p", at(1)),
            event(SAVE, "u", "nope", at(1)),
            event(SAVE, "u", "p", at(1), board="nope"),
            event(FOLLOW, "u", "nope", at(1), target_kind=NodeKind.USER),
            event(FOLLOW, "u", "nope", at(1), target_kind=NodeKind.BOARD),
            event(MUTE, "u", "nope", at(1), target_kind=NodeKind.INTEREST),
        ],
        ids=lambda each: f"{each.kind}-{each.user}-{each.target}-{each.board}",
    )
    def test_nothing_is_written(self, ends: GraphStore, bad: Event) -> None:
        before = ends.content_hash()
        with pytest.raises(NotFoundError, match="nope"):
            ends.write_events(EventBatch.of([ONE_OF_EACH[0], bad, ONE_OF_EACH[3]]), log_offset=7)
        assert sum(ends.counts().events.values()) == 0
        assert (ends.content_hash(), ends.log_offset()) == (before, -1)

    def test_a_node_of_another_kind_does_not_do(self, ends: GraphStore) -> None:
        with pytest.raises(NotFoundError):
            ends.write_events(EventBatch.of([event(SAVE, "u", "v", at(1))]))

    def test_a_hidden_node_does(self, ends: GraphStore) -> None:
        ends.write_nodes(NodeKind.BOARD, [NodeRow(Board(Id("b"), Id("u")), at(1), at(1))])
        assert ends.write_events(EventBatch.of([event(SAVE, "u", "p", at(1), board="b")])).written == 1

    def test_the_same_batch_goes_in_once_the_node_is_there(self, ends: GraphStore) -> None:
        batch = EventBatch.of([event(SAVE, "late", "p", at(1))])
        with pytest.raises(NotFoundError):
            ends.write_events(batch)
        ends.ensure_nodes(NodeKind.USER, [Id("late")])
        assert ends.write_events(batch).written == 1


class TestLogOffset:
    """What came through the event log is dated by its offset; what came with a load is older than any."""

    def exported(self, store: GraphStore, up_to: int) -> list[int]:
        return sorted(int(time) for run in store.export_events(up_to) for time in run.at)

    def test_none_at_first(self, ends: GraphStore) -> None:
        assert ends.log_offset() == -1

    def test_is_kept_with_the_events(self, ends: GraphStore) -> None:
        ends.write_events(EventBatch.of([event(SAVE, "u", "p", at(1))], [4]), log_offset=5)
        assert ends.log_offset() == 5

    def test_moves_without_events(self, ends: GraphStore) -> None:
        ends.write_events(EventBatch.of([]), log_offset=3)
        assert ends.log_offset() == 3
        ends.write_events(EventBatch.of([event(SAVE, "u", "p")]))
        assert ends.log_offset() == 3

    def test_export_stops_at_an_offset(self, ends: GraphStore) -> None:
        ends.write_events(EventBatch.of([event(SAVE, "u", "p", at(0))]))
        events = [event(SAVE, "u", "p", at(number)) for number in (1, 2, 3)]
        ends.write_events(EventBatch.of(events, [10, 11, 12]), log_offset=12)
        assert self.exported(ends, -1) == [0]
        assert self.exported(ends, 11) == [0, 1, 2]
        assert self.exported(ends, 12) == [0, 1, 2, 3]

    @pytest.mark.parametrize("order", list(permutations([-1, 5, 9])))
    def test_an_event_that_came_twice_is_as_old_as_its_first(self, ends: GraphStore, order: tuple[int, ...]) -> None:
        for offset in order:
            ends.write_events(EventBatch.of([event(SAVE, "u", "p", at(1))], [offset]))
        assert self.exported(ends, -1) == [1]

    @pytest.mark.parametrize("order", list(permutations([-1, 5, 9])))
    def test_also_when_it_came_twice_in_one_batch(self, ends: GraphStore, order: tuple[int, ...]) -> None:
        same = event(SAVE, "u", "p", at(1))
        ends.write_events(EventBatch.of([same, same], order[:2]), log_offset=9)
        assert self.exported(ends, min(order[:2]) - 1) == []
        assert self.exported(ends, min(order[:2])) == [1]
