"""A served home, and a client that asks it over real HTTP on loopback."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp.test_utils import TestClient, TestServer

from embeddings.release import Release, publish
from gql.api import API, Api
from gql.app import make_app
from gql.ids import encode_id
from gql.rankers import warm_up
from gql.release import Releases
from gql.settings import ServeSettings
from graph.model import NodeKind
from graph.settings import Home
from graph.snapshot import Snapshot
from graph.visibility import ADMIN, Viewer
from tests.api.planted import plant
from tests.graphs import tiny_snapshot
from tests.viewers import principal_of


def release_of(snapshot: Snapshot, name: str) -> Release:
    """A release of a snapshot without vectors."""
    return Release(name, "2024-06-01T00:00:00Z", snapshot.version, {})


class Asker:
    """A client of one served home."""

    def __init__(self, home: Home, client: TestClient[Any, Any]) -> None:
        self.home = home
        self.client = client
        assert client.app is not None
        self.api: Api = client.app[API]

    @property
    def snapshot(self) -> Snapshot:
        return self.api.releases.current.serving.snapshot

    async def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, errors and all."""
        response = await self.client.post("/graphql", json={"query": query, "variables": variables})
        return await response.json()

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        answer = await self.answer(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def error(self, query: str, **variables: Any) -> tuple[str, str]:
        """Code and message of the only error of an answer."""
        answer = await self.answer(query, **variables)
        (error,) = answer["errors"]
        return error["extensions"]["code"], error["message"]

    async def publish(self, snapshot: Snapshot, name: str) -> None:
        """Publishes another release of this home and waits for the server to look."""
        publish(self.home, release_of(snapshot, name))
        await self.api.releases.poll()

    def see_as(self, viewer: Viewer) -> None:
        """Makes whoever asks somebody else."""
        asking = principal_of(viewer, self.snapshot)
        self.api.principal = lambda _: asking  # type: ignore[method-assign]

    def see_as_user(self, key: str) -> None:
        """Makes whoever asks a user."""
        row = self.snapshot.nodes[NodeKind.USER].row_of(key)
        assert row is not None
        self.see_as(Viewer(user_row=row))

    def see_as_admin(self) -> None:
        self.see_as(ADMIN)


Serve = Callable[..., Awaitable[Asker]]


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """Drawing a traceback for people takes seconds; tests that look at the log capture it."""
    structlog.configure(processors=[_drop])


@pytest.fixture
async def serve() -> AsyncGenerator[Serve]:
    """Starts a server on a home that has a release; settings may be given by name."""
    warm_up()
    started: list[Asker] = []
    async with AsyncExitStack() as stack:

        async def start(home: Home, **settings: Any) -> Asker:
            # No look at CURRENT but those that a test asks for.
            chosen = ServeSettings(**({"poll_s": 3600, "keep_old_s": 0} | settings))
            app = make_app(chosen, Releases(home, keep_old_s=chosen.keep_old_s))
            client = await stack.enter_async_context(TestClient(TestServer(app)))
            started.append(Asker(home, client))
            return started[-1]

        yield start
    for asker in started:
        # aiohttp keeps every application that it ever saw, and so the hundred files of each release.
        del asker.api.releases


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that serves the small graph of `tests.graphs`; not to be changed."""
    home = Home(tmp_path_factory.mktemp("tiny"))
    publish(home, release_of(tiny_snapshot(home.path), "20240601T000000Z-aaaaaa"))
    return home


@pytest.fixture(scope="session")
def planted_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that serves the graph of `tests.api.planted`; not to be changed."""
    home = Home(tmp_path_factory.mktemp("planted"))
    publish(home, release_of(plant(home.path), "20240601T000000Z-bbbbbb"))
    return home


@pytest.fixture
async def tiny(serve: Serve, tiny_home: Home) -> Asker:
    return await serve(tiny_home)


@pytest.fixture
async def planted(serve: Serve, planted_home: Home) -> Asker:
    return await serve(planted_home)


@pytest.fixture
def own_home(tmp_path: Path) -> Home:
    """A home of the small graph that a test may change."""
    home = Home(tmp_path / "home")
    home.path.mkdir()
    publish(home, release_of(tiny_snapshot(home.path), "20240601T000000Z-aaaaaa"))
    return home


def gid(kind: NodeKind, key: str) -> str:
    """A global id."""
    return encode_id(kind, key)
