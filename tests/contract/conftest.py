"""The stores that the contract suite is run against: each test once a store, on an empty one with its schema in place."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from graph.ports import GraphStore
from graph.settings import GraphSettings
from graph.stores import open_store

if TYPE_CHECKING:
    from tests.conftest import Neo4jEndpoint

OpenStore = Callable[[], GraphStore]
"""Opens the test's store once more, as another process would; closed when the test ends."""


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def open_again(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[OpenStore]:
    url = f"sqlite:///{tmp_path}/store.db"
    if request.param == "neo4j":
        endpoint: Neo4jEndpoint = request.getfixturevalue("cleared_neo4j")
        url = endpoint.uri
        monkeypatch.setenv("NEO4J_USERNAME", endpoint.auth[0])
        monkeypatch.setenv("NEO4J_PASSWORD", endpoint.auth[1])
    with ExitStack() as opened:

        def open_one() -> GraphStore:
            store = open_store(url, GraphSettings())
            opened.callback(store.close)
            return store

        yield open_one


@pytest.fixture
def store(open_again: OpenStore) -> GraphStore:
    store = open_again()
    store.migrate()
    return store
