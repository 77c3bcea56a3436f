"""Giving up an interrupted load: it is in nobody's way any more, and what it wrote stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.errors import ConflictError, NotFoundError
from graph.export import export_snapshot
from graph.model import Id, NodeKind, NodeRow, Pin
from graph.ports import Checkpoint, GraphStore, Outcome
from graph.snapshot import Snapshot
from tests.contract.conftest import OpenStore
from tests.contract.test_checks import kill_a_load

ROWS = [NodeRow(Pin(Id("p"), "a pin"))]


def interrupt(store: GraphStore, load_id: str) -> None:
    """A load that stops after its first batch."""
    store.begin_load(load_id, "a folder")
    store.write_nodes(NodeKind.PIN, ROWS, Checkpoint(load_id, "pins"))
    store.release_load(load_id)


def test_a_snapshot_is_made_again_of_what_was_written(store: GraphStore, tmp_path: Path) -> None:
    interrupt(store, "load")
    with pytest.raises(ConflictError) as told:
        export_snapshot(store, tmp_path)
    assert "run the same `tastegraph load` again" in str(told.value)
    assert "`tastegraph doctor --abandon load`" in str(told.value)
    store.abandon_load("load")
    assert store.unfinished_loads() == []
    assert len(Snapshot.open(export_snapshot(store, tmp_path)).nodes[NodeKind.PIN]) == 1


def test_the_same_load_may_be_run_again(store: GraphStore) -> None:
    interrupt(store, "load")
    store.abandon_load("load")
    state = store.begin_load("load", "a folder")
    assert (state.finished, state.batches) == (True, {"pins": Outcome(written=1)})
    store.release_load("load")
    store.begin_load("load.2", "a folder")
    assert store.write_nodes(NodeKind.PIN, ROWS, Checkpoint("load.2", "pins")) == Outcome(unchanged=1)


def test_one_of_several(store: GraphStore) -> None:
    for load in ("a", "b", "c"):
        store.begin_load(load, "a folder")
        store.release_load(load)
    store.abandon_load("b")
    assert store.unfinished_loads() == ["a", "c"]


def test_a_load_that_is_running_is_not_given_up(store: GraphStore, open_again: OpenStore) -> None:
    interrupt(store, "old")
    store.begin_load("running", "a folder")
    other = open_again()
    with pytest.raises(ConflictError, match="load running is running"):
        other.abandon_load("running")
    other.abandon_load("old")
    assert store.unfinished_loads() == ["running"]
    store.renew_load("running")


def test_a_load_that_was_killed_leaves_no_lease(store: GraphStore) -> None:
    kill_a_load(store, "killed")
    store.abandon_load("killed")
    assert [check for check in store.checks() if not check.ok] == []
    with pytest.raises(ConflictError):
        store.renew_load("killed")


def test_whoever_still_holds_it_writes_nothing_more(store: GraphStore) -> None:
    store.begin_load("mine", "a folder")
    store.abandon_load("mine")
    with pytest.raises(ConflictError, match="does not hold"):
        store.write_nodes(NodeKind.PIN, ROWS, Checkpoint("mine", "pins"))
    assert store.counts().nodes[NodeKind.PIN] == 0


def test_only_what_is_unfinished_is_given_up_and_twice_is_once(store: GraphStore) -> None:
    store.begin_load("done", "a folder")
    store.finish_load("done", "{}")
    for load in ("done", "never begun"):
        with pytest.raises(NotFoundError, match=f"no interrupted load {load}"):
            store.abandon_load(load)
    interrupt(store, "load")
    store.abandon_load("load")
    store.abandon_load("load")
    assert store.unfinished_loads() == []
