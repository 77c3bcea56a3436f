"""A server that is killed while it records: what it acknowledged is in the store once, and so is what is sent again."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path

import pytest

from graph.settings import Home
from graph.stores.sqlite.store import SqliteStore
from tests.api.serving import Server, running

BATCH = 25


class Teller(threading.Thread):
    """Tells of views until the server is gone; knows which batches were acknowledged."""

    def __init__(self, url: str, first: int) -> None:
        super().__init__()
        self._url = url.replace("/graphql", "/v1/interactions")
        self.next = first
        self.acknowledged: list[int] = []
        self.unknown: list[int] = []
        self.stopping = False

    def run(self) -> None:
        while not self.stopping:
            number, self.next = self.next, self.next + 1
            try:
                assert tell(self._url, number) == BATCH
                self.acknowledged.append(number)
            except (OSError, HTTPException, urllib.error.URLError):
                self.unknown.append(number)
                return


def ids(batch: int) -> list[str]:
    return [f"event-{batch}-{place}" for place in range(BATCH)]


def tell(url: str, batch: int) -> int:
    lines = [
        {
            "event_id": id_,
            "kind": "VIEW",
            "user_id": f"user-{batch % 7}",
            "pin_id": "soup",
            "at": 1_700_000_000_000 + batch,
        }
        for id_ in ids(batch)
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/x-ndjson"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["accepted"]


def in_store(home: Home) -> list[str]:
    store = SqliteStore(home.store_db)
    found = [event.event_id for number in range(7) for event in store.events(f"user-{number}", 10**6)]  # type: ignore[arg-type]
    store.close()
    return [id_ for id_ in found if id_.startswith("event-")]


def wait_for(home: Home, wanted: set[str]) -> list[str]:
    """The events in the store, as soon as those that are wanted are there."""
    deadline = time.monotonic() + 60
    while not wanted <= set(found := in_store(home)):
        assert time.monotonic() < deadline, f"{len(wanted - set(found))} events are lost"
        time.sleep(0.05)
    return found


def kill_often(home: Home, kills: int, *options: str) -> None:
    moments = random.Random(11)
    told: set[str] = set()
    again: list[int] = []
    first = 0
    for _ in range(kills):
        with running(home, *options) as server:
            url = server.url
            for batch in again:
                assert tell(url.replace("/graphql", "/v1/interactions"), batch) == BATCH
                told.update(ids(batch))
            tellers = [Teller(url, first + 1_000_000 * place) for place in range(3)]
            for teller in tellers:
                teller.start()
            time.sleep(0.3 + moments.random())
            kill_all(server)
            for teller in tellers:
                teller.join(60)
        first = max(tellers[0].next, first) + 1
        again = [batch for teller in tellers for batch in teller.unknown]
        told.update(id_ for teller in tellers for batch in teller.acknowledged for id_ in ids(batch))
        assert sum(len(teller.acknowledged) for teller in tellers) > 3, "it was at work when it was killed"
    with running(home, *options) as server:
        for batch in again:
            assert tell(server.url.replace("/graphql", "/v1/interactions"), batch) == BATCH
            told.update(ids(batch))
        found = wait_for(home, told)
        assert sorted(found) == sorted(told), "every event once, and no other"
        assert server.stop() == 0


def kill_all(server: Server) -> None:
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()


@pytest.fixture
def home(own_home: Home) -> Home:
    shutil.copy(own_home.path / "tiny.db", own_home.store_db)
    return own_home


def test_killed_while_it_records(home: Home):
    kill_often(home, 2)


@pytest.mark.slow
def test_killed_many_times_while_it_records(home: Home):
    kill_often(home, 20)


def test_two_workers_record_into_one_log_and_one_of_them_projects(home: Home):
    """When the one that does is killed, the other takes over."""
    with running(home, "--workers", "2") as server:
        url = server.url.replace("/graphql", "/v1/interactions")
        server.wait_for("metrics")
        for batch in range(20):
            assert tell(url, batch) == BATCH
        wait_for(home, {id_ for batch in range(20) for id_ in ids(batch)})
        server.wait_for("projecting")
        projector = int(home.projector_lock.read_text())
        assert Path(f"/proc/{projector}").exists()
        os.kill(projector, signal.SIGKILL)
        server.wait_for("projecting", count=2)
        for batch in range(20, 30):
            assert tell_until_heard(url, batch) == BATCH
        wait_for(home, {id_ for batch in range(30) for id_ in ids(batch)})
        assert int(home.projector_lock.read_text()) != projector
        assert server.stop() == 0


def tell_until_heard(url: str, batch: int) -> int:
    for _ in range(100):
        try:
            return tell(url, batch)
        except (OSError, HTTPException):
            time.sleep(0.1)
    raise AssertionError("nobody answers")
