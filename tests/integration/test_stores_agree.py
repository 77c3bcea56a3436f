"""SQLite and a real Neo4j, driven through the same random calls: whatever one answers, the other must."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from neo4j import Driver, GraphDatabase

from graph.ports import GraphStore
from graph.settings import GraphSettings
from graph.stores import open_store
from tests.conftest import Neo4jEndpoint
from tests.neo4j.emptying import empty
from tests.property.stores_machine import RealSide, Side, StoresMachine


def migrated(url: str) -> GraphStore:
    store = open_store(url, GraphSettings())
    store.migrate()
    return store


@pytest.mark.neo4j
def test_sqlite_and_neo4j_agree(empty_neo4j: Neo4jEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user, password = empty_neo4j.auth
    monkeypatch.setenv("NEO4J_USERNAME", user)
    monkeypatch.setenv("NEO4J_PASSWORD", password)

    class SqliteAndNeo4j(StoresMachine):
        driver: Driver

        def make_sides(self) -> tuple[Side, Side]:
            empty(self.driver)
            url = f"sqlite:///{tempfile.mkdtemp(dir=tmp_path)}/store.db"
            self.sides = RealSide(lambda: migrated(url)), RealSide(lambda: migrated(empty_neo4j.uri))
            return self.sides

        def teardown(self) -> None:
            for side in getattr(self, "sides", ()):
                side.store.close()

    with GraphDatabase.driver(empty_neo4j.uri, auth=empty_neo4j.auth) as driver:
        SqliteAndNeo4j.driver = driver
        run_state_machine_as_test(
            SqliteAndNeo4j,
            settings=settings(
                max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
