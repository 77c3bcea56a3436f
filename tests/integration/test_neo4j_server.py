"""The harness that every other Neo4j test stands on: a real server that keeps what it committed, and dies with its owner."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase

from tests.conftest import URI_VARIABLE, WIPE_VARIABLE, Neo4jEndpoint
from tests.jvm.maven import REPOSITORY, ServerUnavailableError
from tests.neo4j.emptying import empty, is_empty
from tests.neo4j.server import Neo4jServer

pytestmark = pytest.mark.neo4j

USERS = "id:ID(User),name\nada,Ada\nbob,\ncleo,Cleo\n"
SAVES = ":START_ID(User),at:long,:END_ID(User)\nada,-5,bob\nada,7,cleo\n"


def small_server(home: Path, *, port: int = 0) -> Neo4jServer:
    return Neo4jServer(home, port=port, heap_mb=512, pagecache_mb=64)


@contextmanager
def connected(server: Neo4jServer | Neo4jEndpoint) -> Generator[Driver]:
    with GraphDatabase.driver(server.uri, auth=server.auth) as driver:
        yield driver


def user_ids(driver: Driver) -> list[str]:
    return driver.execute_query("MATCH (u:User) RETURN u.id AS id ORDER BY id", result_transformer_=lambda r: r.value())


def test_a_value_comes_back_over_bolt_as_it_was_sent(empty_neo4j: Neo4jEndpoint) -> None:
    sent = {"id": "pin-\N{SNOWMAN}", "at": -(2**53), "weights": [0.5, 1.0]}
    with connected(empty_neo4j) as driver:
        driver.execute_query("CREATE (p:Pin) SET p = $sent", sent=sent)
        (record,) = driver.execute_query("MATCH (p) RETURN properties(p) AS got, labels(p) AS labels").records
    assert record["got"] == sent
    assert record["labels"] == ["Pin"]


def test_an_emptied_database_has_neither_data_nor_schema(empty_neo4j: Neo4jEndpoint) -> None:
    with connected(empty_neo4j) as driver:
        assert is_empty(driver)
        driver.execute_query("CREATE CONSTRAINT user_id FOR (u:User) REQUIRE u.id IS UNIQUE")
        driver.execute_query("CREATE INDEX save_at FOR ()-[s:SAVED]-() ON (s.at)")
        assert not is_empty(driver)
        driver.execute_query("CREATE (u:User {id: 'ada'})-[:SAVED {at: 1}]->(:Pin), (u)-[:FOLLOWS]->(u)")
        empty(driver)
        assert is_empty(driver)


def test_a_given_server_with_data_is_wiped_only_on_request(empty_neo4j: Neo4jEndpoint) -> None:
    def run_a_test(**more: str) -> subprocess.CompletedProcess[str]:
        username, password = empty_neo4j.auth
        given = {URI_VARIABLE: empty_neo4j.uri, "NEO4J_USERNAME": username, "NEO4J_PASSWORD": password}
        env = {name: value for name, value in os.environ.items() if name != WIPE_VARIABLE} | given | more
        test = f"{__file__}::{test_a_value_comes_back_over_bolt_as_it_was_sent.__name__}"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
        return subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)

    with connected(empty_neo4j) as driver:
        driver.execute_query("CREATE (:User {id: 'somebody'})")
        refused = run_a_test()
        assert refused.returncode != 0
        assert "1 error" in refused.stdout
        assert f"{WIPE_VARIABLE}=1" in refused.stdout
        assert user_ids(driver) == ["somebody"]

        wiped = run_a_test(**{WIPE_VARIABLE: "1"})
        assert wiped.returncode == 0, wiped.stdout
        assert user_ids(driver) == []


@pytest.fixture(scope="module")
def imported_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Neo4jServer]:
    folder = tmp_path_factory.mktemp("imported")
    users, saves = folder / "users.csv", folder / "saves.csv"
    users.write_text(USERS)
    saves.write_text(SAVES)
    server = small_server(folder / "home")
    server.admin("database", "import", "full", "neo4j", f"--nodes=User={users}", f"--relationships=SAVED={saves}")
    with server:
        yield server


def test_a_bulk_import_into_a_fresh_home_is_served(imported_server: Neo4jServer) -> None:
    with connected(imported_server) as driver:
        assert user_ids(driver) == ["ada", "bob", "cleo"]
        saved = driver.execute_query(
            "MATCH (:User {id: 'ada'})-[s:SAVED]->(u) RETURN u.id AS id, s.at AS at ORDER BY at"
        )
        assert [(record["id"], record["at"]) for record in saved.records] == [("bob", -5), ("cleo", 7)]


def test_a_killed_server_keeps_what_was_committed_and_nothing_else(imported_server: Neo4jServer) -> None:
    with connected(imported_server) as driver, driver.session() as session:
        session.run("CREATE (:Pin {id: 'committed'})").consume()
        session.begin_transaction().run("CREATE (:Pin {id: 'open'})").consume()
        imported_server.kill()
    assert not imported_server.is_running
    imported_server.start()
    with connected(imported_server) as driver:
        (record,) = driver.execute_query("MATCH (p:Pin) RETURN collect(p.id) AS pins").records
        assert record["pins"] == ["committed"]
        assert user_ids(driver) == ["ada", "bob", "cleo"]


def test_a_failed_admin_command_says_why(tmp_path: Path) -> None:
    server = small_server(tmp_path / "home")
    with pytest.raises(RuntimeError, match=r"database import full … exited with \d+:\n(.|\n)*no-such\.csv"):
        server.admin("database", "import", "full", "neo4j", "--nodes=User=no-such.csv")


def test_a_port_in_use_is_named(empty_neo4j: Neo4jEndpoint, tmp_path: Path) -> None:
    port = int(empty_neo4j.uri.rpartition(":")[2])
    with pytest.raises(ServerUnavailableError, match=rf"port {port} is in use"):
        small_server(tmp_path / "home", port=port).start()


def test_a_tethered_process_dies_with_an_owner_that_was_killed(tmp_path: Path) -> None:
    owner_code = (
        "import sys, time; from pathlib import Path; from tests.jvm.tether import TetheredProcess\n"
        "process = TetheredProcess(['sleep', '600'], log=Path(sys.argv[1]))\n"
        "print(process.pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", owner_code, str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        pid = int(owner.stdout.readline())
        os.kill(pid, 0)
        owner.kill()
    deadline = time.monotonic() + 20
    while _is_alive(pid):
        assert time.monotonic() < deadline, "the tethered process outlived its owner"
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    # An orphan that nobody has reaped yet is dead all the same.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")
