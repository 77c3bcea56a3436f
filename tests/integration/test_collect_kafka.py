"""The whole way where the log is Kafka: the API appends and does not project, `tastegraph project` writes the store."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from embeddings.release import Release, publish
from gql.app import make_app
from gql.projection import add_collecting
from gql.release import Releases
from gql.settings import ServeSettings
from graph.model import Id
from graph.settings import GraphSettings, Home
from graph.stores.sqlite.store import SqliteStore
from tests.commands import start
from tests.graphs import tiny_snapshot

pytestmark = pytest.mark.kafka


@pytest.fixture
def home(tmp_path: Path) -> Home:
    snapshot = tiny_snapshot(tmp_path)
    publish(Home(tmp_path), Release("tiny", "2024-06-01T00:00:00Z", snapshot.version, {}))
    shutil.copy(tmp_path / "tiny.db", tmp_path / "store.db")
    return Home(tmp_path)


def lines(first: int, count: int) -> str:
    return "\n".join(
        json.dumps(
            {"event_id": f"e{n}", "kind": "VIEW", "user_id": "ada", "pin_id": f"pin-{n}", "at": 1_700_000_000_000 + n}
        )
        for n in range(first, first + count)
    )


async def test_from_the_api_over_kafka_into_the_store(home: Home, kafka_broker: str, kafka_topic: Callable[..., str]):
    """The projector is killed in between; what it did, and what came meanwhile, is there once."""
    url = f"kafka://{kafka_broker}/{kafka_topic('events')}"
    app = make_app(ServeSettings(poll_s=3600, keep_old_s=0), Releases(home, keep_old_s=0))
    add_collecting(app, GraphSettings(home=home.path, log=url))
    client = TestClient(TestServer(app))
    await client.start_server()

    async def tell(first: int, count: int) -> None:
        headers = {"content-type": "application/x-ndjson"}
        response = await client.post("/v1/interactions", data=lines(first, count), headers=headers)
        assert await response.json() == {"accepted": count, "refused": []}

    def project_until(wanted: int, number: signal.Signals) -> int:
        process = start("project", TASTEGRAPH_HOME=str(home.path), TASTEGRAPH_LOG=url)
        try:
            store = SqliteStore(home.store_db)
            while store.log_offset() < wanted:
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            process.send_signal(number)
            return process.wait(30)
        finally:
            process.kill()
            process.communicate()

    await tell(0, 300)
    assert SqliteStore(home.store_db).log_offset() == -1, "the server leaves it to the projector"
    assert project_until(299, signal.SIGKILL) == -signal.SIGKILL
    await tell(200, 200)  # half of it was told before
    assert project_until(499, signal.SIGTERM) == 0
    await client.close()
    told = [event.event_id for event in SqliteStore(home.store_db).events(Id("ada"), 10_000)]
    assert sorted(id_ for id_ in told if id_.startswith("e")) == sorted(f"e{n}" for n in range(400))
