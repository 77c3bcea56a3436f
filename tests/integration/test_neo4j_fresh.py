"""What a load takes for granted that began on a store without events, and when it must not."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from threading import Event as Signal
from threading import Thread

import pytest
from neo4j import ManagedTransaction
from pydantic import SecretStr

from graph.model import Board, Event, EventKind, Id, NodeKind, NodeRow, TimeMs
from graph.ports import Checkpoint, EventBatch, Outcome
from graph.settings import GraphSettings
from graph.stores.neo4j import events, loads, stored
from graph.stores.neo4j.store import Neo4jStore
from tests.conftest import Neo4jEndpoint
from tests.graphs import event

pytestmark = pytest.mark.neo4j

Open = Callable[[], Neo4jStore]


@pytest.fixture
def open_store(cleared_neo4j: Neo4jEndpoint) -> Generator[Open]:
    settings = GraphSettings().model_copy(
        update={"neo4j_username": cleared_neo4j.auth[0], "neo4j_password": SecretStr(cleared_neo4j.auth[1])}
    )
    opened: list[Neo4jStore] = []

    def open_one() -> Neo4jStore:
        opened.append(Neo4jStore.connect(cleared_neo4j.uri, settings))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def store(open_store: Open) -> Neo4jStore:
    """With users u and v, pins p0 to p9 and board b."""
    store = open_store()
    store.migrate()
    store.ensure_nodes(NodeKind.USER, [Id("u"), Id("v")])
    store.ensure_nodes(NodeKind.PIN, [Id(f"p{n}") for n in range(10)])
    store.write_nodes(NodeKind.BOARD, [NodeRow(Board(Id("b"), Id("u")))])
    return store


def saves(user: str, *pins: int) -> list[Event]:
    return [event(EventKind.SAVE, user, f"p{n}", TimeMs(n), board="b") for n in pins]


def apart(*of: list[Event]) -> EventBatch:
    return replace(EventBatch.of([each for some in of for each in some]), apart=True)


def test_new_events_are_not_looked_for(store: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    find = stored._find_of_users
    monkeypatch.setattr(stored, "_find_of_users", lambda *found: (looked.append(found), find(*found)))
    store.begin_load("load", "a folder")
    assert store.write_events(apart(saves("u", 1)), Checkpoint("load", "1")).written == 1
    assert store.write_events(apart(saves("u", 2)), Checkpoint("load", "2")).written == 1
    assert not looked
    assert store.write_events(EventBatch.of(saves("u", 3)), Checkpoint("load", "3")).written == 1
    assert looked, "a batch that is not known to be apart"


def test_a_load_that_is_taken_up_again_looks(store: Neo4jStore, open_store: Open) -> None:
    """Its batches may have been cut otherwise before."""
    store.begin_load("load", "a folder")
    store.write_events(apart(saves("u", 1, 2)), Checkpoint("load", "1"))
    store.release_load("load")
    again = open_store()
    again.begin_load("load", "a folder")
    outcome = again.write_events(apart(saves("u", 2, 3)), Checkpoint("load", "other"))
    assert outcome == Outcome(written=1, unchanged=1, edges_written=2)


def test_the_next_load_looks(store: Neo4jStore) -> None:
    store.begin_load("first", "a folder")
    store.write_events(apart(saves("u", 1)), Checkpoint("first", "1"))
    store.finish_load("first", "{}")
    store.begin_load("second", "another")
    assert store.write_events(apart(saves("u", 1)), Checkpoint("second", "1")).unchanged == 1


def test_what_is_written_beside_a_load_is_found(store: Neo4jStore, open_store: Open) -> None:
    store.begin_load("load", "a folder")
    store.write_events(apart(saves("u", 1)), Checkpoint("load", "1"))
    assert open_store().write_events(EventBatch.of(saves("v", 2)), log_offset=7).written == 1
    outcome = store.write_events(apart(saves("v", 2, 3)), Checkpoint("load", "2"))
    assert outcome == Outcome(written=1, unchanged=1, edges_written=2)


def test_given_ids_are_always_looked_for(store: Neo4jStore) -> None:
    store.begin_load("load", "a folder")
    rivals = [event(EventKind.SAVE, user, "p1", TimeMs(1), board="b", event_id="mine") for user in ("u", "v")]
    store.write_events(apart([rivals[0]]), Checkpoint("load", "1"))
    assert store.write_events(apart([rivals[1]]), Checkpoint("load", "2")).conflicts == 1
    assert store.counts().events[EventKind.SAVE] == 1


def test_a_load_that_begins_while_the_first_events_are_written_waits_for_them(
    store: Neo4jStore, open_store: Open
) -> None:
    writing, resume, begun = Signal(), Signal(), Signal()
    batch = EventBatch.of(saves("u", 1))

    def work(tx: ManagedTransaction) -> None:
        loads.write_beside(tx)
        events.write(tx, batch, of_load=False)
        writing.set()
        resume.wait(20)

    def begin() -> None:
        store.begin_load("load", "a folder")
        begun.set()

    writer = Thread(target=open_store()._open().write, args=(work,))
    writer.start()
    assert writing.wait(20)
    beginner = Thread(target=begin)
    beginner.start()
    assert not begun.wait(0.5)
    resume.set()
    writer.join()
    beginner.join()
    assert store.write_events(apart(saves("u", 1)), Checkpoint("load", "1")).unchanged == 1
