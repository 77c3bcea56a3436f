"""Reaching Neo4j: what is told when it can't be reached, and that a server that went silent holds nobody up."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import pytest
from pydantic import SecretStr

from graph.errors import InvalidInputError, StoreUnavailableError
from graph.model import Id, NodeKind
from graph.settings import GraphSettings
from graph.stores.neo4j import driver
from graph.stores.neo4j.store import Neo4jStore
from tests.conftest import Neo4jEndpoint
from tests.neo4j.proxy import Proxy

SECRET = "a password that nobody may see"


def settings(endpoint: Neo4jEndpoint | None = None, **more: object) -> GraphSettings:
    found = GraphSettings().model_copy(
        update={
            "neo4j_username": endpoint.auth[0] if endpoint else "neo4j",
            "neo4j_password": SecretStr(endpoint.auth[1] if endpoint else SECRET),
            "neo4j_acquire_timeout_s": 3.0,
            **more,
        }
    )
    assert isinstance(found, GraphSettings)
    return found


@contextmanager
def told(kind: type[Exception], *parts: str) -> Generator[None]:
    """That what is raised is one line, names what to do, and gives no password away."""
    with pytest.raises(kind) as raised:
        yield
    message = str(raised.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message
    assert SECRET not in message


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Generator[str]:
    """Something else than Neo4j behind a bolt URL."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with suppress(OSError), client:
                    answer(client)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"bolt://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


class TestUrls:
    """Judged before anything is connected to."""

    @pytest.mark.parametrize("url", [f"bolt://neo4j:{SECRET}@host:7687", f"neo4j+s://:{SECRET}@host"])
    def test_with_credentials_are_refused_with_a_hint(self, url: str) -> None:
        with told(InvalidInputError, "host", "NEO4J_USERNAME", "NEO4J_PASSWORD"):
            Neo4jStore.connect(url, settings())

    @pytest.mark.parametrize(
        "url", ["bolt://", "bolt://:7687", "bolt://host:nonsense", "bolt://host:99999", "bolt://[::1"]
    )
    def test_that_name_no_server_are_refused(self, url: str) -> None:
        with told(InvalidInputError, "HOST:PORT"):
            Neo4jStore.connect(url, settings())

    @pytest.mark.parametrize("url", ["bolt://host/mydb", "neo4j://host:7687/mydb"])
    def test_do_not_name_a_database(self, url: str) -> None:
        with told(InvalidInputError, "NEO4J_DATABASE"):
            Neo4jStore.connect(url, settings())

    def test_of_one_server_have_no_routing_context(self) -> None:
        with told(InvalidInputError, "neo4j://"):
            Neo4jStore.connect("bolt://host?region=eu", settings())


class TestNoNeo4j:
    @pytest.mark.parametrize("url", ["bolt://127.0.0.1:1", "neo4j://127.0.0.1:1", "bolt://no-such-host.invalid"])
    def test_nobody_listens(self, url: str) -> None:
        with told(StoreUnavailableError, url, "NEO4J_URI", "--store"):
            Neo4jStore.connect(url, settings())

    @pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x63\x01nonsense", b""])
    def test_something_else_listens(self, said: bytes) -> None:
        with listening(lambda client: client.sendall(said)) as url, told(StoreUnavailableError, url):
            Neo4jStore.connect(url, settings())

    def test_somebody_listens_and_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(driver, "_GRACE_S", 0.5)
        done = threading.Event()
        impatient = settings(neo4j_acquire_timeout_s=0.5, neo4j_retry_timeout_s=0.0)
        with listening(lambda _: done.wait() and None) as url:
            with told(StoreUnavailableError, url):
                Neo4jStore.connect(url, impatient)
            done.set()


@pytest.mark.neo4j
class TestRefused:
    def test_a_wrong_password(self, neo4j_server: Neo4jEndpoint) -> None:
        with told(StoreUnavailableError, neo4j_server.uri, "'neo4j'", "NEO4J_PASSWORD"):
            Neo4jStore.connect(neo4j_server.uri, settings())

    def test_no_password(self, neo4j_server: Neo4jEndpoint) -> None:
        with told(StoreUnavailableError, neo4j_server.uri, "NEO4J_PASSWORD"):
            Neo4jStore.connect(neo4j_server.uri, settings(neo4j_password=None))

    def test_an_unknown_user(self, neo4j_server: Neo4jEndpoint) -> None:
        with told(StoreUnavailableError, "'nobody'", "NEO4J_USERNAME"):
            Neo4jStore.connect(neo4j_server.uri, settings(neo4j_server, neo4j_username="nobody"))

    def test_a_database_that_is_not_there(self, neo4j_server: Neo4jEndpoint) -> None:
        with told(StoreUnavailableError, "'elsewhere'", "NEO4J_DATABASE"):
            Neo4jStore.connect(neo4j_server.uri, settings(neo4j_server, neo4j_database="elsewhere"))

    def test_by_routing_too(self, neo4j_server: Neo4jEndpoint) -> None:
        url = neo4j_server.uri.replace("bolt://", "neo4j://")
        with told(StoreUnavailableError, url, "NEO4J_PASSWORD"):
            Neo4jStore.connect(url, settings())
        store = Neo4jStore.connect(url, settings(neo4j_server))
        assert store.url == url
        store.close()

    def test_too_old_a_server(self, neo4j_server: Neo4jEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(driver, "_OLDEST", (99, 0))
        with told(InvalidInputError, neo4j_server.uri, "needs Neo4j"):
            Neo4jStore.connect(neo4j_server.uri, settings(neo4j_server))


@pytest.fixture
def proxy(cleared_neo4j: Neo4jEndpoint) -> Generator[Proxy]:
    with Proxy(cleared_neo4j.uri) as proxy:
        yield proxy


@pytest.fixture
def through(proxy: Proxy, cleared_neo4j: Neo4jEndpoint, monkeypatch: pytest.MonkeyPatch) -> Generator[Neo4jStore]:
    """A store behind the proxy, impatient, its schema in place."""
    direct = Neo4jStore.connect(cleared_neo4j.uri, settings(cleared_neo4j))
    direct.migrate()
    direct.close()
    monkeypatch.setattr(driver, "_GRACE_S", 0.5)
    impatient = settings(
        cleared_neo4j, neo4j_acquire_timeout_s=1.0, neo4j_query_timeout_s=1.0, neo4j_retry_timeout_s=5.0
    )
    store = Neo4jStore.connect(proxy.uri, impatient)
    yield store
    store.close()


@pytest.mark.neo4j
class TestFaults:
    def test_connections_that_are_reset_are_made_again(self, through: Neo4jStore, proxy: Proxy) -> None:
        assert through.ensure_nodes(NodeKind.PIN, [Id("a")]) == 1
        before = proxy.connections
        proxy.cut()
        assert through.ensure_nodes(NodeKind.PIN, [Id("a"), Id("b")]) == 1
        assert proxy.connections > before

    @pytest.mark.usefixtures("through")
    def test_a_server_that_fell_silent_is_left_behind(self, proxy: Proxy, cleared_neo4j: Neo4jEndpoint) -> None:
        impatient = settings(
            cleared_neo4j, neo4j_acquire_timeout_s=0.5, neo4j_query_timeout_s=0.5, neo4j_retry_timeout_s=0.2
        )
        store = Neo4jStore.connect(proxy.uri, impatient)
        store.counts()
        proxy.fall_silent()
        began = time.monotonic()
        with told(StoreUnavailableError, proxy.uri, "try again"):
            store.ensure_nodes(NodeKind.PIN, [Id("late")])
        assert time.monotonic() - began < 60, "our own deadline did not hold"
        proxy.talk()
        store.close()

    def test_what_was_left_behind_does_not_commit_later(self, through: Neo4jStore) -> None:
        """The call that nobody waits for any more goes on, finds that out, and is rolled back."""
        database = through._database
        resume, ended = threading.Event(), threading.Event()
        attempt = driver._Attempt()

        def work(tx: driver.ManagedTransaction) -> None:
            tx.run("CREATE (:Pin {id: 'late'})").consume()
            resume.wait(10)

        def call() -> None:
            with suppress(driver._LeftBehindError):
                database._managed(work, attempt, 5, write=True)
            ended.set()

        threading.Thread(target=call, daemon=True).start()
        attempt.leave()
        resume.set()
        assert ended.wait(10)
        assert through.missing(NodeKind.PIN, [Id("late")]) == {"late"}

    def test_a_transaction_that_takes_too_long_is_ended_by_the_server(self, through: Neo4jStore) -> None:
        with told(StoreUnavailableError, "TASTEGRAPH_NEO4J_QUERY_TIMEOUT_S"):
            through._database.read(
                lambda tx: tx.run("UNWIND range(1, 10000000000) AS x WITH x WHERE x % 7 = 9 RETURN count(x)").value()
            )
