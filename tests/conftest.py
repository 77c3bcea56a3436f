"""Fixtures of more than one suite: the real Neo4j that tests run against.

Community edition has one user database, so tests that use these fixtures share it: they must not run in parallel against one
server (with pytest-xdist every worker starts its own, as long as no URI is given).
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError

from tests.jvm.maven import ServerUnavailableError
from tests.neo4j.emptying import clear, empty, is_empty
from tests.neo4j.server import Neo4jServer

pytest_plugins = ("tests.kafka.fixtures",)

URI_VARIABLE = "TASTEGRAPH_TEST_NEO4J_URI"
WIPE_VARIABLE = "TASTEGRAPH_TEST_NEO4J_WIPE"


@dataclass(frozen=True, slots=True)
class Neo4jEndpoint:
    """Where the tests' Neo4j is, and whether what is in it may be destroyed."""

    uri: str
    auth: tuple[str, str]
    may_be_emptied: bool


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Neo4jEndpoint]:
    """The run's one Neo4j: the one at TASTEGRAPH_TEST_NEO4J_URI, else one started from Maven's jars at the first use.

    Neither to be had is a failure, never a skip. What is in the database is undefined: take `empty_neo4j` to start from
    nothing. Tests that share it must not run in parallel.
    """
    uri = os.environ.get(URI_VARIABLE)
    if uri:
        yield _given_server(uri)
        return
    server = _started_server(tmp_path_factory.mktemp("neo4j"))
    if isinstance(server, ServerUnavailableError):
        pytest.fail(f"no Neo4j to test against: {server}\n(or point {URI_VARIABLE} at an empty one)", pytrace=False)
    try:
        yield Neo4jEndpoint(server.uri, server.auth, may_be_emptied=True)
    finally:
        server.close()


@pytest.fixture(scope="session")
def _neo4j_driver(neo4j_server: Neo4jEndpoint) -> Generator[Driver]:
    with GraphDatabase.driver(neo4j_server.uri, auth=neo4j_server.auth) as driver:
        yield driver


@pytest.fixture
def empty_neo4j(neo4j_server: Neo4jEndpoint, _neo4j_driver: Driver) -> Neo4jEndpoint:
    """`neo4j_server` with nothing in it: no node, no constraint, no index. Tests that use it must not run in parallel.

    A server given by the environment is emptied only if it was empty when the run began, or if TASTEGRAPH_TEST_NEO4J_WIPE=1.
    """
    _check_may_be_emptied(neo4j_server)
    empty(_neo4j_driver)
    return neo4j_server


@pytest.fixture
def cleared_neo4j(neo4j_server: Neo4jEndpoint, _neo4j_driver: Driver) -> Neo4jEndpoint:
    """`neo4j_server` without data; constraints and indexes of earlier tests may be there. Ten times quicker to set up
    than `empty_neo4j`, for all tests that are not about the schema; else like it.
    """
    _check_may_be_emptied(neo4j_server)
    clear(_neo4j_driver)
    return neo4j_server


def _check_may_be_emptied(server: Neo4jEndpoint) -> None:
    if not server.may_be_emptied:
        pytest.fail(
            f"the Neo4j at {server.uri} has data or a schema in it, which this test would destroy: "
            f"point {URI_VARIABLE} at an empty one, or set {WIPE_VARIABLE}=1 to have it wiped",
            pytrace=False,
        )


def _given_server(uri: str) -> Neo4jEndpoint:
    auth = os.environ.get("NEO4J_USERNAME", "neo4j"), os.environ.get("NEO4J_PASSWORD", "")
    wipe = os.environ.get(WIPE_VARIABLE) == "1"
    refusal = ""
    try:
        with GraphDatabase.driver(uri, auth=auth) as driver:
            return Neo4jEndpoint(uri, auth, may_be_emptied=is_empty(driver) or wipe)
    except (DriverError, Neo4jError) as error:
        refusal = str(error).partition("\n")[0]
    # Out here, so that the report shows this and not the chain of what was caught.
    pytest.fail(
        f"the Neo4j that {URI_VARIABLE} names does not serve us: {refusal}\n"
        f"(start it, set NEO4J_USERNAME and NEO4J_PASSWORD, or unset {URI_VARIABLE} to have one started)",
        pytrace=False,
    )


def _started_server(home: Path) -> Neo4jServer | ServerUnavailableError:
    try:
        server = Neo4jServer(home)
        server.start()
    except ServerUnavailableError as error:
        return error
    return server
