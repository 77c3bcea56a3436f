"""What only a server can do to a store: two processes at once, transactions cut in the middle, data that was there before."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from itertools import chain
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from neo4j import Driver, GraphDatabase, ManagedTransaction
from neo4j.exceptions import IncompleteCommit, Neo4jError

from graph.errors import ConflictError, InvalidInputError, NotFoundError, StoreUnavailableError
from graph.export import export_snapshot
from graph.model import Board, Event, EventKind, Id, Interest, NodeKind, NodeRow, TimeMs
from graph.ports import Checkpoint, EventBatch, Outcome
from graph.rules import event_digest
from graph.settings import GraphSettings
from graph.snapshot import Snapshot
from graph.stores.neo4j import migrate, runs, stored
from graph.stores.neo4j.driver import Database
from graph.stores.neo4j.store import Neo4jStore
from tests import graphs
from tests.conftest import Neo4jEndpoint
from tests.graphs import event
from tests.neo4j.emptying import is_empty
from tests.neo4j.jars import REPOSITORY

pytestmark = pytest.mark.neo4j

SAVE, VIEW = EventKind.SAVE, EventKind.VIEW
Open = Callable[[], Neo4jStore]


def opener(endpoint: Neo4jEndpoint, monkeypatch: pytest.MonkeyPatch) -> Generator[Open]:
    """Opens stores on an endpoint, and closes them in the end."""
    monkeypatch.setenv("NEO4J_USERNAME", endpoint.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", endpoint.auth[1])
    opened: list[Neo4jStore] = []

    def open_one() -> Neo4jStore:
        opened.append(Neo4jStore.connect(endpoint.uri, GraphSettings()))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def open_empty(empty_neo4j: Neo4jEndpoint, monkeypatch: pytest.MonkeyPatch) -> Generator[Open]:
    """Opens a database without any schema."""
    yield from opener(empty_neo4j, monkeypatch)


@pytest.fixture
def open_store(cleared_neo4j: Neo4jEndpoint, monkeypatch: pytest.MonkeyPatch) -> Generator[Open]:
    """Opens a database without data."""
    yield from opener(cleared_neo4j, monkeypatch)


@pytest.fixture
def store(open_store: Open) -> Neo4jStore:
    store = open_store()
    store.migrate()
    return store


@pytest.fixture
def cypher(neo4j_server: Neo4jEndpoint) -> Generator[Driver]:
    """The database behind the store's back."""
    with GraphDatabase.driver(neo4j_server.uri, auth=neo4j_server.auth) as driver:
        yield driver


def value(driver: Driver, query: Any, **parameters: Any) -> Any:
    return driver.execute_query(query, parameters).records[0][0]


class TestSchema:
    def test_two_processes_migrate_at_once(self, open_empty: Open) -> None:
        code = (
            "import json, sys\n"
            "from graph.settings import GraphSettings\n"
            "from graph.stores.neo4j.store import Neo4jStore\n"
            "store = Neo4jStore.connect(sys.argv[1], GraphSettings())\n"
            "print('ready', flush=True); sys.stdin.readline()\n"
            "print(json.dumps(store.migrate()))\n"
        )
        store = open_empty()
        command = [sys.executable, "-c", code, store.url]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        processes = [subprocess.Popen(command, cwd=REPOSITORY, **pipes) for _ in range(2)]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        applied: list[list[str]] = []
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            said, _ = process.communicate(timeout=120)
            assert process.returncode == 0
            applied.append(json.loads(said))
        names = [name for name, _ in migrate.migrations().values()]
        assert sorted(applied) == [[], names]
        assert store.migrate() == []

    def test_every_statement_made_what_it_says(self, open_empty: Open, cypher: Driver) -> None:
        open_empty().migrate()
        made = {record["name"] for record in cypher.execute_query("SHOW INDEXES YIELD name, state, type").records}
        assert set(migrate.made()) <= made
        states = cypher.execute_query("SHOW INDEXES YIELD state RETURN DISTINCT state").records
        assert [record["state"] for record in states] == ["ONLINE"]

    def test_a_migration_that_was_killed_is_made_again(self, open_empty: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        """After any of the changes: their records are rolled back."""
        store, change, calls = open_empty(), Database.change_schema, 0

        def killed(database: Database, statement: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 6:
                raise KeyboardInterrupt
            change(database, statement)

        monkeypatch.setattr(Database, "change_schema", killed)
        with pytest.raises(KeyboardInterrupt):
            store.migrate()
        with pytest.raises(NotFoundError):
            store.counts()
        assert store.migrate() == [name for name, _ in migrate.migrations().values()]

    def test_before_it_there_is_no_store(self, open_empty: Open, cypher: Driver) -> None:
        store = open_empty()
        for call in (
            store.counts,
            store.content_hash,
            store.unfinished_loads,
            lambda: store.ensure_nodes(NodeKind.PIN, []),
        ):
            with pytest.raises(NotFoundError, match="tastegraph load --store"):
                call()
        assert is_empty(cypher)

    def test_data_that_was_there_before_is_taken_over(self, open_empty: Open, cypher: Driver) -> None:
        """As the offline importer leaves it, or somebody else: nodes without a constraint."""
        cypher.execute_query(
            "CREATE (u:User {id: 'u'})-[:SAVED {at: 5, event_key: $key}]->(:Pin {id: 'p', title: 't'}), (:Movie {id: 7})",
            key=stored.event_key(event(SAVE, "u", "p", TimeMs(5)).event_id),
        )
        store = open_empty()
        assert store.migrate()
        assert store.counts().events[SAVE] == 1
        assert store.write_events(EventBatch.of([event(SAVE, "u", "p", TimeMs(5))])) == Outcome(unchanged=1)
        assert store.ensure_nodes(NodeKind.USER, [Id("u")]) == 0

    def test_data_that_does_not_fit_is_left_alone(self, open_empty: Open, cypher: Driver) -> None:
        cypher.execute_query("UNWIND range(1, 2) AS i CREATE (:Board {id: 'twice'})")
        store = open_empty()
        with pytest.raises(InvalidInputError, match=r"Board.*'twice'.*use an empty one") as raised:
            store.migrate()
        assert "\n" not in str(raised.value)
        with pytest.raises(NotFoundError):
            store.counts()
        cypher.execute_query("MATCH (b:Board) WITH b LIMIT 1 DELETE b")
        assert len(store.migrate()) == len(migrate.migrations())
        assert store.counts().nodes[NodeKind.BOARD] == 1

    def test_a_newer_schema_is_refused(self, store: Neo4jStore, open_store: Open, cypher: Driver) -> None:
        cypher.execute_query("CREATE (:TastegraphMigration {version: 99, name: 'later'})")
        for call in (open_store().migrate, open_store().counts):
            with pytest.raises(InvalidInputError, match=r"schema 99.*newer tastegraph"):
                call()

    def test_an_older_schema_is_told(self, store: Neo4jStore, open_store: Open, cypher: Driver) -> None:
        cypher.execute_query("MATCH (m:TastegraphMigration {version: 2}) DELETE m")
        with pytest.raises(InvalidInputError, match="tastegraph load"):
            open_store().counts()
        assert store.migrate() == ["0002_event_keys"]


def saves(user: str, pins: int, *, board: str | None = "b", at: int = 1) -> list[Event]:
    return [event(SAVE, user, f"p{number}", TimeMs(at), board=board) for number in range(pins)]


@pytest.fixture
def ends(store: Neo4jStore) -> Neo4jStore:
    """A store with users u, v, pins p0 to p99, boards b, c and interest i."""
    store.ensure_nodes(NodeKind.USER, [Id("u"), Id("v")])
    store.ensure_nodes(NodeKind.PIN, [Id(f"p{number}") for number in range(100)])
    store.write_nodes(NodeKind.BOARD, [NodeRow(Board(Id("b"), Id("u"))), NodeRow(Board(Id("c"), Id("v")))])
    store.write_nodes(NodeKind.INTEREST, [NodeRow(Interest(Id("i"), "i"))])
    return store


class Cut:
    """Ends the transaction after its first `statements`, in one of two ways, once; counts what was run."""

    def __init__(self, driver: Driver, statements: int, how: str) -> None:
        self.driver = driver
        self.statements = statements
        self.how = how
        self.run = 0
        self.done = False

    def __call__(self, tx: ManagedTransaction, *arguments: Any, **parameters: Any) -> Any:
        if self.run == self.statements and not self.done:
            self.done = True
            if self.how == "killed":
                raise KeyboardInterrupt
            with self.driver.session() as session:
                ids = session.run("SHOW TRANSACTIONS YIELD transactionId, currentQuery").values()
                others = [id_ for id_, query in ids if "SHOW TRANSACTIONS" not in query]
                session.run("TERMINATE TRANSACTIONS $ids", ids=others).consume()
        self.run += 1
        return ManagedTransaction.run(tx, *arguments, **parameters)


class CutTransaction:
    """A transaction that `Cut` may end: fault injection."""

    def __init__(self, tx: ManagedTransaction, cut: Cut) -> None:
        self._tx = tx
        self._cut = cut

    def run(self, *arguments: Any, **parameters: Any) -> Any:
        return self._cut(self._tx, *arguments, **parameters)


def cutting(monkeypatch: pytest.MonkeyPatch, cut: Cut) -> None:
    write = Database.write

    def cut_write(database: Database, work: Callable[[ManagedTransaction], Any]) -> Any:
        return write(database, lambda tx: work(CutTransaction(tx, cut)))  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Database, "write", cut_write)


MANY = (
    *saves("u", 5),
    event(SAVE, "v", "p7"),
    event(VIEW, "v", "p7", TimeMs(3)),
    event(EventKind.FOLLOW, "v", "u", TimeMs(4), target_kind=NodeKind.USER),
    event(EventKind.UNSAVE, "u", "p1", TimeMs(5), board="b", event_id="0f" * 16),
)
HALVES = """
RETURN COUNT { ()-[s:SAVED|UNSAVED]->() WHERE s.board IS NOT NULL } - COUNT { ()-[:HOLDS|DROPPED]->() } AS halves
"""


class TestAllOrNothing:
    @pytest.mark.parametrize("how", ["killed", "terminated"])
    def test_wherever_a_transaction_is_cut(
        self, ends: Neo4jStore, cypher: Driver, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        ends.begin_load("load", "a folder")
        statements = 0
        while True:
            cut = Cut(cypher, statements, how)
            with monkeypatch.context() as patched:
                cutting(patched, cut)
                try:
                    outcome = ends.write_events(EventBatch.of(MANY), Checkpoint("load", "events"), log_offset=7)
                except (KeyboardInterrupt, StoreUnavailableError):
                    assert cut.done
                else:
                    break
            assert sum(ends.counts().events.values()) == 0
            assert value(cypher, HALVES) == 0
            assert value(cypher, "RETURN COUNT { (:TastegraphBatch) }") == 0
            assert ends.log_offset() == -1
            statements += 1
        assert statements > 8
        assert outcome == Outcome(written=len(MANY), edges_written=len(MANY) + 6)
        assert value(cypher, HALVES) == 0
        assert value(cypher, "MATCH ()-[h:HOLDS]->() RETURN count(h)") == 5
        assert ends.begin_load("load", "a folder").batches == {"events": outcome}

    def test_when_an_event_is_replaced(self, ends: Neo4jStore, cypher: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
        loser, winner = sorted(
            (
                event(SAVE, "u", "p1", TimeMs(1), board="b", event_id="x"),
                event(EventKind.UNSAVE, "v", "p2", None, board="c", event_id="x"),
            ),
            key=event_digest,
            reverse=True,
        )
        twin = event(loser.kind, loser.user, loser.target, loser.at, board=loser.board, event_id="y")
        ends.write_events(EventBatch.of([loser, twin]))
        before = ends.content_hash()
        statements = 0
        while True:
            cut = Cut(cypher, statements, "killed")
            with monkeypatch.context() as patched:
                cutting(patched, cut)
                try:
                    outcome = ends.write_events(EventBatch.of([winner]))
                except KeyboardInterrupt:
                    assert ends.content_hash() == before
                    statements += 1
                else:
                    break
        assert outcome == Outcome(conflicts=1, edges_written=2)
        assert [*ends.events(Id("u"), 9), *ends.events(Id("v"), 9)] == sorted(
            [winner, twin], key=lambda each: (each.user, each.at is None)
        )
        assert value(cypher, HALVES) == 0

    def test_a_commit_whose_answer_was_lost_counts_once(
        self, ends: Neo4jStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ends.begin_load("load", "a folder")
        managed, lost = Database._managed, 0

        def losing(database: Database, *arguments: Any, **more: Any) -> Any:
            nonlocal lost
            result = managed(database, *arguments, **more)
            if more.get("write") and not lost:
                lost += 1
                raise IncompleteCommit("the connection was gone")
            return result

        monkeypatch.setattr(Database, "_managed", losing)
        outcome = ends.write_events(EventBatch.of(saves("u", 9)), Checkpoint("load", "saves"))
        assert (outcome, lost) == (Outcome(written=9, edges_written=18), 1)
        lost = 0
        assert ends.write_events(EventBatch.of(saves("v", 9))) == Outcome(unchanged=9), "without a checkpoint"
        lost = 0
        ends.finish_load("load", "{}")
        assert ends.unfinished_loads() == []
        assert ends.counts().events[SAVE] == 18


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returned, all begun together; their errors are raised."""
    barrier = Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = calls[place]()
        except BaseException as error:
            results[place] = error

    threads = [Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


class TestAtOnce:
    def test_writers_that_share_no_node_do_not_meet(self, store: Neo4jStore, caplog: pytest.LogCaptureFixture) -> None:
        """A grid of users and pins, a diagonal at a time, all on a few hubs: no deadlock, so no retry."""
        users = [[Id(f"u{part}-{number}") for number in range(3)] for part in range(4)]
        pins = [[Id(f"p{part}-{number}") for number in range(3)] for part in range(4)]
        store.ensure_nodes(NodeKind.USER, list(chain.from_iterable(users)))
        store.ensure_nodes(NodeKind.PIN, list(chain.from_iterable(pins)))
        boards = [[NodeRow(Board(Id(f"b{part}-{cell}"), users[part][0])) for cell in range(4)] for part in range(4)]
        store.write_nodes(NodeKind.BOARD, list(chain.from_iterable(boards)))
        store.begin_load("load", "a folder")

        def cell(row: int, column: int) -> Callable[[], Outcome]:
            events = [
                event(SAVE, user, pin, TimeMs(at), board=f"b{row}-{column}")
                for user in users[row]
                for pin in pins[column]
                for at in range(30)
            ]
            return lambda: store.write_events(EventBatch.of(events), Checkpoint("load", f"{row}/{column}"))

        with caplog.at_level("WARNING", logger="neo4j"):
            outcomes = [
                outcome
                for diagonal in range(4)
                for outcome in at_once(*(cell(row, (row + diagonal) % 4) for row in range(4)))
            ]
        assert caplog.records == []
        assert sum(outcomes, Outcome()) == Outcome(written=4320, edges_written=8640)
        assert len(store.begin_load("load", "a folder").batches) == 16

    def test_the_same_events_from_two_stores_are_there_once(self, ends: Neo4jStore, open_store: Open) -> None:
        """Two processes, no checkpoint: the users' locks let the second see what the first wrote."""
        other = open_store()
        for round_ in range(5):
            batch = EventBatch.of(saves("u", 40, at=round_))
            outcomes = at_once(lambda: ends.write_events(batch), lambda: other.write_events(batch))  # noqa: B023
            assert sum(outcomes, Outcome()) == Outcome(written=40, unchanged=40, edges_written=80)
        assert ends.counts().events[SAVE] == 200

    def test_one_given_id_claimed_for_two_users_is_one_event(self, ends: Neo4jStore) -> None:
        for round_ in range(10):
            rivals = [
                event(SAVE, "u", "p1", TimeMs(round_), board="b", event_id=f"id-{round_}"),
                event(VIEW, "v", "p2", TimeMs(round_), event_id=f"id-{round_}"),
            ]
            outcomes = at_once(*(lambda rival=rival: ends.write_events(EventBatch.of([rival])) for rival in rivals))
            assert sorted((each.written, each.conflicts) for each in outcomes) == [(0, 1), (1, 0)]
            read = {each.event_id: each for user in ("u", "v") for each in ends.events(Id(user), 99)}
            assert read[rivals[0].event_id] == min(rivals, key=event_digest)
        assert sum(ends.counts().events.values()) == 10

    def test_the_same_nodes_from_two_stores_are_made_once(self, store: Neo4jStore, open_store: Open) -> None:
        other = open_store()
        for round_ in range(5):
            ids = [Id(f"{round_}-{number}") for number in range(200)]
            made = at_once(
                lambda: store.ensure_nodes(NodeKind.PIN, ids),  # noqa: B023
                lambda: other.ensure_nodes(NodeKind.PIN, ids),  # noqa: B023
            )
            assert sum(made) == 200
        assert store.counts().nodes[NodeKind.PIN] == 1000


class TestLease:
    def lease(self, driver: Driver, **properties: Any) -> None:
        driver.execute_query("MATCH (l:TastegraphState {name: 'lease'}) SET l += $properties", properties=properties)

    def test_of_another_host_lapses_after_half_a_minute(
        self, store: Neo4jStore, open_store: Open, cypher: Driver
    ) -> None:
        store.begin_load("away", "a folder")
        now = value(cypher, "RETURN timestamp()")
        self.lease(cypher, host="elsewhere", pid=1, renewed_at=now - 20_000)
        with pytest.raises(ConflictError, match="elsewhere"):
            open_store().begin_load("here", "a folder")
        self.lease(cypher, renewed_at=now - 31_000)
        open_store().begin_load("here", "a folder")

    def test_is_renewed_by_long_rows_of_batches(
        self, store: Neo4jStore, cypher: Driver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.begin_load("load", "a folder")
        self.lease(cypher, renewed_at=0)
        store.ensure_nodes(NodeKind.PIN, [Id("a")], Checkpoint("load", "0"))
        assert value(cypher, "MATCH (l:TastegraphState {name: 'lease'}) RETURN l.renewed_at") == 0, "not by every batch"
        monkeypatch.setattr("graph.stores.neo4j.loads._RENEW_S", 0)
        store.ensure_nodes(NodeKind.PIN, [Id("b")], Checkpoint("load", "1"))
        assert value(cypher, "MATCH (l:TastegraphState {name: 'lease'}) RETURN l.renewed_at") > 0

    def test_lost_in_the_middle_of_a_batch_stops_it(
        self, ends: Neo4jStore, open_store: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The batch looks at the lease again when it is recorded."""
        ends.begin_load("load", "a folder")
        record = ends._loads.record

        def sleep_and_record(*arguments: Any) -> None:
            ends.release_load("load")
            open_store().begin_load("load", "a folder")
            record(*arguments)

        monkeypatch.setattr(ends._loads, "record", sleep_and_record)
        with pytest.raises(ConflictError, match="does not hold the store"):
            ends.write_events(EventBatch.of(saves("u", 3)), Checkpoint("load", "saves"))
        assert sum(ends.counts().events.values()) == 0


class TestSizes:
    """The same answers whatever a run, a user or a type is large or small by; on a server, small numbers do."""

    def expected(self, folder: Path) -> Snapshot:
        return graphs.tiny_snapshot(folder)

    @pytest.mark.parametrize(("edges", "sparse"), [(5, 0), (5, 10**6), (50_000, 10)])
    def test_runs_of_any_length(
        self, store: Neo4jStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edges: int, sparse: int
    ) -> None:
        graphs.fill(store)
        usual = store.content_hash()
        monkeypatch.setattr(runs, "RUN_EDGES", edges)
        monkeypatch.setattr(runs, "_SPARSE", sparse)
        monkeypatch.setattr(runs, "_NODES", 3)
        monkeypatch.setattr(runs, "_DEGREES", 3)
        assert store.content_hash() == usual
        snapshot = Snapshot.open(export_snapshot(store, tmp_path / "snapshots"))
        assert snapshot.content_hash == self.expected(tmp_path / "reference").content_hash

    def test_a_user_with_too_many_edges_is_asked_for_each(
        self, ends: Neo4jStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stored, "_AT_LEAST", 5)
        monkeypatch.setattr(stored, "_PER_ROW", 0)
        events = [
            *saves("u", 50),
            event(VIEW, "u", "p1", TimeMs(1), weight=2.0),
            event(SAVE, "v", "p1", event_id="given"),
        ]
        ends.write_events(EventBatch.of(events))
        assert ends.write_events(EventBatch.of(events)) == Outcome(unchanged=len(events))
        heavier = event(VIEW, "u", "p1", TimeMs(1), weight=4.0)
        assert ends.write_events(EventBatch.of([*saves("u", 51), heavier])) == Outcome(
            written=1, unchanged=50, conflicts=1, edges_written=2 + (event_digest(heavier) < event_digest(events[50]))
        )

    def test_keys_that_collide_are_told_apart(self, ends: Neo4jStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stored, "crc32", lambda _: 7)
        given = [event(SAVE, "u", f"p{number}", TimeMs(1), event_id=f"id-{number}") for number in range(9)]
        assert ends.write_events(EventBatch.of([*given[:5], *saves("u", 3)])).written == 8
        assert ends.write_events(EventBatch.of([*given, *saves("u", 3)])) == Outcome(
            written=4, unchanged=8, edges_written=4
        )

    def test_a_derived_id_that_was_given_before_is_found_everywhere(self, ends: Neo4jStore) -> None:
        """A given id takes the place of an event that comes later, of another user and kind."""
        derived = event(SAVE, "u", "p1", TimeMs(1), board="b")
        rival = event(VIEW, "v", "p2", TimeMs(2), event_id=derived.event_id)
        ends.write_events(EventBatch.of([rival]))
        outcome = ends.write_events(EventBatch.of([derived, *saves("u", 3, at=9)]))
        assert (outcome.written, outcome.conflicts) == (3, 1)
        assert sum(ends.counts().events.values()) == 4
        assert min(rival, derived, key=event_digest) in [*ends.events(Id("u"), 9), *ends.events(Id("v"), 9)]


def test_an_error_of_ours_in_cypher_is_seen_as_it_is(store: Neo4jStore) -> None:
    with pytest.raises(Neo4jError, match="Invalid input"):
        store._database.read(lambda tx: tx.run("MATCH nonsense").value())
