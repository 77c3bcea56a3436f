"""`tastegraph serve` and `tastegraph schema`: starting, stopping, refusing, and surviving.

Real processes where a process is what is tested; what ends before anything is served runs in this one, where nothing has to be
imported again.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tastegraph
from embeddings.release import CURRENT, Release, current, publish
from graph.settings import Home
from tests.api.serving import ROOT, Server, running

ADA = '{ user(key: "ada") { key } }'
FOUND = {"data": {"user": {"key": "ada"}}}


def test_it_starts_answers_swaps_and_stops(own_home: Home):
    with running(own_home) as server:
        assert server.ask(ADA) == FOUND
        assert server.ask('{ pin(key: "fern") { relatedPins { source } } }') == {
            "data": {"pin": {"relatedPins": {"source": "WALK"}}}
        }
        assert 'tastegraph_requests_total{operation="anonymous",outcome="ok"} 2.0' in server.metrics()
        published = current(own_home)
        publish(own_home, Release("next", published.published_at, published.snapshot, {}))
        server.wait_for("release_swapped")
        assert server.ask("{ service { versions { release } } }") == {
            "data": {"service": {"versions": {"release": "next"}}}
        }
        assert server.stop() == 0
        server.wait_for("stopped")
        assert server.process.stdout is not None
        assert server.process.stdout.read() == "", "stdout is for data"
        assert not [line for line in server.lines if line["event"] == "text"], "the log is JSON"


def test_serving_needs_nothing_of_training_or_of_stores(tiny_home: Home):
    """All of the server, rankings and measures included, in one process whose modules are then looked at."""
    script = """
import atexit, sys
from graph.console import say
atexit.register(lambda: say(" ".join(sorted(sys.modules))))
import tastegraph
sys.exit(tastegraph.run(["serve", *sys.argv[1:]]))
"""
    with running(tiny_home, program=("-c", script)) as server:
        everything = """{
            user(key: "ada") { feed { source } interests { edges { score } } relatedUsers { source } saves { totalCount } }
            pin(key: "fern") { relatedPins { source } neighbourhood { nodes { betweenness community } } }
            search(text: "garden") { totalCount } service { version }
        }"""
        assert "errors" not in server.ask(everything)
        assert server.stop(signal.SIGINT) == 0
        modules = set(server.wait_for("text")["text"].split())
    assert {"strawberry", "aiohttp", "networkx", "recommend.walk"} <= modules
    assert not {"torch", "dgl", "neo4j", "polars", "matplotlib", "sklearn", "pyspark", "aiokafka", "implicit"} & modules


def test_requests_in_flight_end_before_it_does(tiny_home: Home):
    """SIGTERM while a search runs: it is answered, and the exit is clean."""
    script = """
import sys, time
import recommend.search as found
search = found.search
def slow(*args, **kwargs):
    print("searching", flush=True)
    time.sleep(1)
    return search(*args, **kwargs)
found.search = slow
import tastegraph
sys.exit(tastegraph.run(["serve", *sys.argv[1:]]))
"""
    with running(tiny_home, program=("-c", script)) as server:
        assert server.url
        answers: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda: answers.append(server.ask('{ search(text: "moss") { totalCount } }')))
        asking.start()
        assert server.process.stdout is not None
        assert server.process.stdout.readline() == "searching\n"
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("draining")
        asking.join(30)
        assert answers == [{"data": {"search": {"totalCount": 1}}}]
        assert server.process.wait(30) == 0


def test_several_workers_on_one_port(tiny_home: Home):
    """A worker that dies is started again, the metrics are those of all, and none is left behind."""
    with running(tiny_home, "--workers", "2") as server:
        server.wait_for("metrics")
        workers = children(server)
        assert len(workers) == 2
        for _ in range(10):
            assert server.ask(ADA) == FOUND
        assert 'tastegraph_requests_total{operation="anonymous",outcome="ok"} 10.0' in server.metrics()
        os.kill(workers[0], signal.SIGKILL)
        server.wait_for("worker_died")
        server.wait_for("serving", count=3)
        assert len(set(children(server)) - set(workers)) == 1
        for _ in range(10):
            assert server.ask(ADA) == FOUND
        workers = children(server)
        assert server.stop() == 0
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def children(server: Server) -> list[int]:
    """Processes of ours below the supervisor: the workers, without multiprocessing's own."""
    pid = server.process.pid
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]


def test_several_workers_say_once_why_they_do_not_start(own_home: Home):
    break_snapshot(own_home)
    with running(own_home, "--workers", "2") as server:
        assert server.process.wait(120) == 1
        server.wait_for("end")
        reason, summary = [line["text"] for line in server.lines if line["event"] == "text"]
    assert reason.startswith("tastegraph: snapshot ")
    assert summary == "tastegraph: a worker did not start, for the reason above; nothing is served\n"


def break_snapshot(home: Home) -> None:
    (home.snapshots / current(home).snapshot / "nodes" / "Pin.arrow").write_bytes(b"x")


Refuse = Callable[..., tuple[int, str]]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refuse:
    """Runs `tastegraph serve` where it must end before it serves: its exit code, and the one line that it says."""
    for module in ("gql.server", "gql.supervisor"):
        monkeypatch.setattr(f"{module}.configure_logs", lambda _: None)

    def run(home: Home, *options: str) -> tuple[int, str]:
        monkeypatch.setenv("TASTEGRAPH_HOME", str(home.path))
        code = tastegraph.run(["serve", *options])
        said = capfd.readouterr()
        assert said.out == ""
        (line,) = said.err.splitlines()
        assert line.startswith("tastegraph: ")
        return code, line

    return run


def test_a_port_in_use(tiny_home: Home, refuse: Refuse):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        in_use = f"tastegraph: port {port} on 127.0.0.1 is in use; stop what listens there, or give another"
        assert refuse(tiny_home, "--port", port) == (1, f"{in_use} --port")
        assert refuse(tiny_home, "--port", port, "--workers", "2") == (1, f"{in_use} --port")
        assert refuse(tiny_home, "--port", "0", "--metrics-port", port) == (1, f"{in_use} --metrics-port")


def test_a_port_in_use_by_workers_that_share_it(tiny_home: Home, refuse: Refuse):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, line = refuse(tiny_home, "--port", str(other.getsockname()[1]), "--workers", "2")
    assert code == 1
    assert "is in use" in line


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_other_machines_are_not_served_without_keys(tiny_home: Home, refuse: Refuse, host: str):
    code, line = refuse(tiny_home, "--host", host)
    assert code == 2
    assert f"host {host} is open to other machines" in line


@pytest.mark.parametrize("options", [("--port", "99999"), ("--port", "x"), ("--workers", "0"), ("--nothing", "1")])
def test_options_that_can_not_be_used(tiny_home: Home, refuse: Refuse, options: tuple[str, str]):
    code, line = refuse(tiny_home, *options)
    assert code == 2
    assert options[0] in line


def test_nothing_is_published(tmp_path: Path, refuse: Refuse):
    code, line = refuse(Home(tmp_path / "empty"), "--port", "0")
    assert code == 1
    assert "nothing is published" in line
    assert not (tmp_path / "empty").exists()


def test_a_broken_snapshot_at_start(own_home: Home, refuse: Refuse):
    break_snapshot(own_home)
    code, line = refuse(own_home, "--port", "0")
    assert code == 1
    assert line.startswith("tastegraph: snapshot ")
    assert line.endswith("make it again")


def test_a_broken_release_file_at_start(own_home: Home, refuse: Refuse):
    (own_home.releases / CURRENT).write_text("{")
    code, line = refuse(own_home, "--port", "0")
    assert code == 1
    assert "tastegraph rollback" in line


def test_the_schema_is_printed(capfd: pytest.CaptureFixture[str]):
    assert tastegraph.run(["schema"]) == 0
    said = capfd.readouterr()
    assert said.out == (ROOT / "schema.graphql").read_text()
    assert said.err == ""


def test_a_setting_that_is_no_list(tiny_home: Home, refuse: Refuse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TASTEGRAPH_SERVE_ALLOWED_HOSTS", "a.example")
    code, line = refuse(tiny_home)
    assert code == 2
    assert "allowed_hosts" in line
