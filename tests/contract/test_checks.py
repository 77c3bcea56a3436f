"""What a store says of its own health: nothing is wrong with one that was only written to by us, whatever became of loads."""

from __future__ import annotations

import signal
import subprocess
import sys

import orjson
import pytest

from graph.errors import NotFoundError
from graph.model import Id, NodeKind
from graph.ports import Check, GraphStore
from tests import graphs
from tests.contract.conftest import OpenStore

COMMON = ["schema", "counts", "dangling_edges", "half_saves", "interrupted_loads", "lease", "content"]


def by_name(store: GraphStore) -> dict[str, Check]:
    checks = list(store.checks())
    assert len({check.name for check in checks}) == len(checks)
    return {check.name: check for check in checks}


def wrong(store: GraphStore) -> set[str]:
    return {check.name for check in store.checks() if not check.ok}


def finish(store: GraphStore, load_id: str) -> None:
    """A load that wrote nothing, and says what it left."""
    store.begin_load(load_id, "a folder")
    store.finish_load(load_id, orjson.dumps({"content_hash": store.content_hash()}).decode())


def kill_a_load(store: GraphStore, load_id: str) -> None:
    code = (
        "import os, signal, sys\n"
        "from graph.stores import open_store\n"
        "open_store(sys.argv[1]).begin_load(sys.argv[2], 'a folder')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, store.url, load_id], check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("filled", [False, True])
def test_all_is_well_in_what_was_only_written_by_us(store: GraphStore, filled: bool) -> None:
    if filled:
        graphs.fill(store)
        finish(store, "load")
    before = store.content_hash()
    checks = by_name(store)
    assert [name for name in checks if name in COMMON] == COMMON
    assert [check for check in checks.values() if not check.ok] == []
    assert ("User 5" in checks["counts"].found, "RELATES 4" in checks["counts"].found) == (filled, filled)
    assert store.content_hash() == before


def test_a_load_that_is_running_is_told_and_well(store: GraphStore, open_again: OpenStore) -> None:
    store.begin_load("running", "a folder")
    checks = by_name(open_again())
    assert all(check.ok for check in checks.values())
    assert "running" in checks["lease"].found
    assert checks["interrupted_loads"].found == "none"


def test_a_load_that_stopped_is_interrupted_until_it_is_done(store: GraphStore) -> None:
    for load in ("first", "second"):
        store.begin_load(load, "a folder")
        store.release_load(load)
    assert wrong(store) == {"interrupted_loads"}
    check = by_name(store)["interrupted_loads"]
    assert check.found == "2: first, second"
    assert check.mend is not None
    assert "tastegraph doctor --abandon first" in check.mend
    finish(store, "first")
    finish(store, "second")
    assert wrong(store) == set()


def test_a_load_that_was_killed_is_interrupted_and_its_process_dead(store: GraphStore) -> None:
    kill_a_load(store, "killed")
    checks = by_name(store)
    assert wrong(store) == {"interrupted_loads", "lease"}
    assert "dead" in checks["lease"].found
    finish(store, "killed")
    assert wrong(store) == set()


def test_a_store_must_be_as_the_last_load_left_it(store: GraphStore) -> None:
    graphs.fill(store)
    finish(store, "load")
    assert store.content_hash() in by_name(store)["content"].found
    store.ensure_nodes(NodeKind.PIN, [Id("stranger")])
    assert wrong(store) == {"content"}
    finish(store, "another")
    assert wrong(store) == set()


def test_a_load_that_another_made_up_for_wrote_nothing_after_it(store: GraphStore) -> None:
    graphs.fill(store)
    finish(store, "load")
    store.begin_load("before", "a topic")
    store.finish_load("before", '{"superseded_by": "load"}')
    assert wrong(store) == set()
    store.ensure_nodes(NodeKind.PIN, [Id("stranger")])
    assert wrong(store) == {"content"}


def test_what_a_load_left_says_nothing_once_another_was_given_up(store: GraphStore) -> None:
    finish(store, "load")
    store.begin_load("given up", "a folder")
    store.ensure_nodes(NodeKind.PIN, [Id("of it")])
    store.abandon_load("given up")
    checks = by_name(store)
    assert checks["content"].ok
    assert "nothing to compare" in checks["content"].found


def test_where_there_is_no_store_there_is_nothing_to_check(open_again: OpenStore) -> None:
    store = open_again()
    with pytest.raises(NotFoundError, match="tastegraph load"):
        list(store.checks())
