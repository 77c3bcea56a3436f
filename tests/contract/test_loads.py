"""Loads: one at a time, taken up where they stopped, each batch recorded with what it amounted to."""

from __future__ import annotations

import signal
import subprocess
import sys
from threading import Barrier, Thread

import pytest

from graph.errors import ConflictError, NotFoundError
from graph.model import Board, EdgeKind, EdgeRow, Entity, EventKind, Id, NodeKind, NodeRow, Pin, Relates
from graph.ports import Checkpoint, EventBatch, GraphStore, Outcome
from tests.contract.conftest import OpenStore
from tests.graphs import event

SOURCE = "a folder"


def test_the_schema_is_applied_once(open_again: OpenStore) -> None:
    store = open_again()
    assert store.migrate()
    assert store.migrate() == []
    assert open_again().migrate() == []


def test_two_at_once_apply_the_schema_once(open_again: OpenStore) -> None:
    barrier = Barrier(2)
    applied: list[list[str]] = []
    errors: list[BaseException] = []

    def migrate(store: GraphStore) -> None:
        barrier.wait()
        try:
            applied.append(store.migrate())
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=migrate, args=(open_again(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    names = [name for each in applied for name in each]
    assert names
    assert len(names) == len(set(names))
    store = open_again()
    assert store.migrate() == []
    assert store.ensure_nodes(NodeKind.PIN, [Id("p")]) == 1


class TestOneAtATime:
    def test_a_second_load_waits(self, store: GraphStore, open_again: OpenStore) -> None:
        store.begin_load("first", SOURCE)
        other = open_again()
        with pytest.raises(ConflictError, match="first"):
            other.begin_load("second", SOURCE)
        with pytest.raises(ConflictError):
            other.begin_load("first", SOURCE)
        assert store.unfinished_loads() == ["first"]

    @pytest.mark.parametrize("how", ["finish", "release"])
    def test_and_goes_on_when_the_first_has_ended(self, store: GraphStore, open_again: OpenStore, how: str) -> None:
        store.begin_load("first", SOURCE)
        if how == "finish":
            store.finish_load("first", "{}")
        else:
            store.release_load("first")
        other = open_again()
        other.begin_load("second", SOURCE)
        with pytest.raises(ConflictError, match="second"):
            store.begin_load("third", SOURCE)

    def test_one_store_holds_one_load(self, store: GraphStore) -> None:
        store.begin_load("first", SOURCE)
        store.begin_load("first", SOURCE)
        with pytest.raises(ConflictError, match="first"):
            store.begin_load("second", SOURCE)

    def test_a_dead_process_holds_nothing(self, store: GraphStore) -> None:
        code = (
            "import os, signal, sys\n"
            "from graph.stores import open_store\n"
            "store = open_store(sys.argv[1])\n"
            "store.begin_load('killed', 'a folder')\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, store.url], check=False)
        assert done.returncode == -signal.SIGKILL
        store.begin_load("next", SOURCE)
        assert store.unfinished_loads() == ["killed", "next"]

    def test_writes_outside_a_load_go_on(self, store: GraphStore, open_again: OpenStore) -> None:
        store.begin_load("first", SOURCE)
        assert open_again().ensure_nodes(NodeKind.PIN, [Id("p")]) == 1

    def test_what_is_not_held_can_not_be_ended(self, store: GraphStore, open_again: OpenStore) -> None:
        other = open_again()
        with pytest.raises(ConflictError):
            other.renew_load("nobody's")
        store.begin_load("first", SOURCE)
        for call in (other.renew_load, lambda load: other.finish_load(load, "{}")):
            with pytest.raises(ConflictError):
                call("first")
        other.release_load("first")
        with pytest.raises(ConflictError):
            other.begin_load("second", SOURCE)
        store.renew_load("first")


class TestUnfinished:
    def test_oldest_first_until_finished(self, store: GraphStore) -> None:
        assert store.unfinished_loads() == []
        for load in ("b", "a", "c"):
            store.begin_load(load, SOURCE)
            store.release_load(load)
        assert store.unfinished_loads() == ["b", "a", "c"]
        store.begin_load("a", SOURCE)
        assert store.unfinished_loads() == ["b", "a", "c"]
        store.finish_load("a", '{"read": 1}')
        assert store.unfinished_loads() == ["b", "c"]


class TestCheckpoints:
    def write_four(self, store: GraphStore, load: str) -> dict[str, Outcome]:
        """One batch through each write call."""
        made = store.ensure_nodes(NodeKind.USER, [Id("u"), Id("u"), Id("v")], Checkpoint(load, "users"))
        assert made == 2
        return {
            "users": Outcome(written=2, duplicates=1),
            "pins": store.write_nodes(NodeKind.PIN, [NodeRow(Pin(Id("p"), "t"))] * 2, Checkpoint(load, "pins")),
            "boards": store.write_nodes(NodeKind.BOARD, [NodeRow(Board(Id("b"), Id("u")))], Checkpoint(load, "boards")),
            "entities": store.write_nodes(NodeKind.ENTITY, [NodeRow(Entity(Id("e")))], Checkpoint(load, "entities")),
            "relations": store.write_edges(
                EdgeKind.RELATES, [EdgeRow(Relates(Id("e"), "is", Id("e")))], Checkpoint(load, "relations")
            ),
            "saves/0": store.write_events(
                EventBatch.of([event(EventKind.SAVE, "u", "p", board="b")]), Checkpoint(load, "saves/0")
            ),
        }

    def test_a_load_is_taken_up_where_it_stopped(self, store: GraphStore, open_again: OpenStore) -> None:
        state = store.begin_load("load", SOURCE)
        assert (state.load_id, state.finished, state.batches) == ("load", False, {})
        outcomes = self.write_four(store, "load")
        store.release_load("load")
        state = open_again().begin_load("load", SOURCE)
        assert not state.finished
        assert state.batches == outcomes
        assert state.batches["saves/0"] == Outcome(written=1, edges_written=2)

    def test_a_finished_load_still_knows_its_batches(self, store: GraphStore) -> None:
        store.begin_load("load", SOURCE)
        outcomes = self.write_four(store, "load")
        store.finish_load("load", "{}")
        state = store.begin_load("load", SOURCE)
        assert state.finished
        assert state.batches == outcomes
        with pytest.raises(ConflictError):
            store.begin_load("other", SOURCE)

    def test_batches_belong_to_their_load(self, store: GraphStore) -> None:
        store.begin_load("one", SOURCE)
        self.write_four(store, "one")
        store.finish_load("one", "{}")
        assert store.begin_load("two", SOURCE).batches == {}

    def test_a_batch_that_is_done_is_not_done_again(self, store: GraphStore) -> None:
        """A client whose connection broke at the commit sends the batch again, and must be told the same."""
        store.begin_load("load", SOURCE)
        store.ensure_nodes(NodeKind.USER, [Id("u")], Checkpoint("load", "users"))
        rows = [NodeRow(Pin(Id("p"), "t"))]
        first = store.write_nodes(NodeKind.PIN, rows, Checkpoint("load", "pins"))
        assert store.write_nodes(NodeKind.PIN, rows, Checkpoint("load", "pins")) == first == Outcome(written=1)
        assert store.ensure_nodes(NodeKind.USER, [Id("u")], Checkpoint("load", "users")) == 1
        assert store.begin_load("load", SOURCE).batches["pins"] == first

    def test_a_batch_that_failed_is_not_recorded(self, store: GraphStore) -> None:
        store.begin_load("load", SOURCE)
        with pytest.raises(NotFoundError):
            store.write_events(EventBatch.of([event(EventKind.SAVE, "u", "p")]), Checkpoint("load", "saves"))
        with pytest.raises(NotFoundError):
            store.write_nodes(NodeKind.BOARD, [NodeRow(Board(Id("b"), Id("u")))], Checkpoint("load", "boards"))
        assert store.begin_load("load", SOURCE).batches == {}

    def test_only_the_holder_writes_a_batch(self, store: GraphStore, open_again: OpenStore) -> None:
        """A process that slept through its lease must not write into a load that another has taken up."""
        store.begin_load("load", SOURCE)
        other = open_again()
        for load in ("load", "never begun"):
            with pytest.raises(ConflictError):
                other.ensure_nodes(NodeKind.PIN, [Id("p")], Checkpoint(load, "pins"))
        store.release_load("load")
        with pytest.raises(ConflictError):
            store.ensure_nodes(NodeKind.PIN, [Id("p")], Checkpoint("load", "pins"))
        assert store.counts().nodes[NodeKind.PIN] == 0
