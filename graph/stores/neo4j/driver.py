"""Connections to one Neo4j, with deadlines of our own and errors as one clear line. Knows no query of ours.

The driver bounds how long it waits for a connection, and the server how long a transaction runs; neither ends a call when
the server, or the way to it, just goes silent: a read on a half-open connection returns when the kernel gives up. So every
call is made in a thread of its own and left behind when an attempt has had its time. What was left behind can't commit
later, unless its commit was under way; that is one reason why whatever is run here must be idempotent. The other is that
the driver begins a transaction again when it failed for a passing reason.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sized
from concurrent.futures import Future, wait
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Final, LiteralString, TypeVar

from neo4j import Driver, GraphDatabase, ManagedTransaction, NotificationMinimumSeverity, Session, unit_of_work
from neo4j.exceptions import ConstraintError, DriverError, IncompleteCommit, Neo4jError

from graph.errors import InvalidInputError, StoreUnavailableError
from graph.settings import GraphSettings
from graph.stores.neo4j.refusals import check_url, told

T = TypeVar("T")
Work = Callable[[ManagedTransaction], T]

SCHEMA_TIMEOUT_S: Final = 3600.0
"""How long a change of the schema may take: an index over what is there already is as long as the graph."""

_GRACE_S: Final = 5.0
"""How much later than the server we give up on an attempt: its own word comes first if it has one."""
_IDLE_S: Final = 30.0
"""A connection that was not used for so long is tried before it is trusted."""
_RACES: Final = 5
"""How often a transaction is begun again that lost a race, or whose commit was cut off."""
_OLDEST: Final = (5, 23)
_PING: Final = "RETURN 1"

# What the driver warns of (retries, routing) is for whoever configures logging; else Python would print it on stderr, beside
# the one line that says what it comes to.
logging.getLogger("neo4j").addHandler(logging.NullHandler())


class _LeftBehindError(Exception):
    """Ends the transaction of a call whose caller has been told that it failed."""


class _Attempt:
    """How far a call in another thread is: when its current attempt began, and whether anybody still waits for it."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._left = Event()

    def begin(self) -> None:
        """A new attempt has its own time. Raises when nobody waits any more."""
        self.check()
        self.began = time.monotonic()

    def check(self) -> None:
        """Raises when nobody waits any more: a transaction that is ended so is rolled back."""
        if self._left.is_set():
            raise _LeftBehindError

    def leave(self) -> None:
        self._left.set()


class Database:
    """One database of a Neo4j server or cluster. Safe to use from several threads: each call has a session of its own."""

    def __init__(self, driver: Driver, url: str, settings: GraphSettings) -> None:
        self.url = url
        self._driver = driver
        self._username = settings.neo4j_username
        self._database = settings.neo4j_database
        self._acquire_s = settings.neo4j_acquire_timeout_s
        self._query_s = settings.neo4j_query_timeout_s
        self._retry_s = settings.neo4j_retry_timeout_s

    @classmethod
    def connect(cls, url: str, settings: GraphSettings) -> Database:
        """Raises InvalidInputError for a URL that can't be used, StoreUnavailableError when there is no Neo4j behind it, it
        refuses the credentials, its database is not to be had, or it is too old.
        """
        url = check_url(url)
        password = settings.neo4j_password
        driver = GraphDatabase.driver(
            url,
            auth=None if password is None else (settings.neo4j_username, password.get_secret_value()),
            user_agent="tastegraph",
            connection_timeout=settings.neo4j_acquire_timeout_s,
            connection_acquisition_timeout=settings.neo4j_acquire_timeout_s,
            max_transaction_retry_time=settings.neo4j_retry_timeout_s,
            liveness_check_timeout=_IDLE_S,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            telemetry_disabled=True,
        )
        database = cls(driver, url, settings)
        try:
            database._check_server()
        except BaseException:
            driver.close()
            raise
        return database

    def close(self) -> None:
        """Closes every connection."""
        self._driver.close()

    def read(self, work: Work[T]) -> T:
        """What a reading transaction returns; `work` may be called again, and must take its rows before it returns."""
        return self._guarded(
            lambda attempt: self._managed(work, attempt, self._query_s, write=False), self._patience_s(self._query_s)
        )

    def write(self, work: Work[T]) -> T:
        """What a writing transaction returns, once it is committed.

        `work` may be called again, also after a commit whose outcome is unknown, and when another transaction made the same
        thing first (a uniqueness constraint says so): it must look at what is there before it writes.
        """
        return self._guarded(lambda attempt: self._raced(work, attempt), self._patience_s(self._query_s))

    def change_schema(self, statement: LiteralString) -> None:
        """Runs one statement that changes the schema; it must change nothing when it is run again."""
        self._write_long(lambda tx: tx.run(statement).consume())

    def write_alone(self, lock: LiteralString, work: Work[T]) -> T:
        """`write` with as much time as schema changes take; `lock` is run first, and must make all others wait."""

        def locked(tx: ManagedTransaction) -> T:
            tx.run(lock).consume()
            return work(tx)

        return self._write_long(locked)

    def _write_long(self, work: Work[T]) -> T:
        return self._guarded(
            lambda attempt: self._managed(work, attempt, SCHEMA_TIMEOUT_S, write=True),
            self._patience_s(SCHEMA_TIMEOUT_S),
        )

    def _session(self) -> Session:
        # One bookmark manager for all sessions: in a cluster each call sees what the calls before it wrote.
        return self._driver.session(
            database=self._database, bookmark_manager=self._driver.execute_query_bookmark_manager
        )

    def _managed(self, work: Work[T], attempt: _Attempt, timeout_s: float, *, write: bool) -> T:
        def guarded(tx: ManagedTransaction) -> T:
            attempt.begin()
            result = work(tx)
            attempt.check()
            return result

        limited = unit_of_work(timeout=timeout_s)(guarded)
        with self._session() as session:
            return session.execute_write(limited) if write else session.execute_read(limited)

    def _raced(self, work: Work[T], attempt: _Attempt) -> T:
        for _ in range(_RACES):
            try:
                return self._managed(work, attempt, self._query_s, write=True)
            except (ConstraintError, IncompleteCommit):
                attempt.check()
        return self._managed(work, attempt, self._query_s, write=True)

    def _patience_s(self, timeout_s: float) -> float:
        """How long an attempt may take: to get a connection, and then its time, or the pause after one that failed."""
        return self._acquire_s + max(timeout_s, 2 * self._retry_s) + _GRACE_S

    def _guarded(self, call: Callable[[_Attempt], T], allowed_s: float) -> T:
        """What `call` returns, or StoreUnavailableError when an attempt of it hears nothing for so long."""
        attempt, future = _Attempt(), Future[T]()

        def run() -> None:
            try:
                future.set_result(call(attempt))
            except BaseException as error:
                future.set_exception(error)

        Thread(target=run, name="neo4j-call", daemon=True).start()
        with self._errors_told():
            try:
                while not future.done():
                    left_s = attempt.began + allowed_s - time.monotonic()
                    if left_s <= 0:
                        raise StoreUnavailableError(
                            f"Neo4j at {self.url} has said nothing for {allowed_s:.0f} s; see whether it is alive and"
                            " reachable, and try again"
                        )
                    wait((future,), left_s)
                return future.result()
            except BaseException:
                attempt.leave()
                raise

    @contextmanager
    def _errors_told(self) -> Generator[None]:
        try:
            yield
        except (Neo4jError, DriverError) as error:
            ours = told(error, self.url, self._username, self._database)
            if ours is None:
                raise
            raise ours from error

    def _check_server(self) -> None:
        """One query without retries: whoever waits at a command line wants to know at once."""

        def ping(_: _Attempt) -> str:
            with self._session() as session:
                return session.run(_PING).consume().server.agent

        agent = self._guarded(ping, 2 * self._acquire_s + _GRACE_S)
        product, _, version = agent.partition("/")
        release = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if product != "Neo4j" or release < _OLDEST:
            raise InvalidInputError(f"{agent} answers at {self.url}; tastegraph needs Neo4j 5.26 or later")


def scalar(tx: ManagedTransaction, query: LiteralString, **parameters: Any) -> Any:
    """The first value of the one row that a query returns."""
    return tx.run(query, parameters).single(strict=True)[0]


def check_made(made: int, wanted: Sized) -> None:
    """Raises when a statement did not make what it was asked to: its transaction must not be committed."""
    if made != len(wanted):
        raise RuntimeError(f"a statement made {made} of {len(wanted)}; its transaction was rolled back")
