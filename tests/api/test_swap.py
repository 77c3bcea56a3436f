"""Swapping releases under a running server: nothing fails, nothing mixes, and what is broken is refused."""

from __future__ import annotations

import asyncio
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

import gql.release
from embeddings.release import CURRENT, Release, current, publish
from gql.rankers import related
from graph.export import export_snapshot
from graph.model import Id, NodeKind, NodeRow, User
from graph.settings import Home
from graph.snapshot import Snapshot
from tests.api.conftest import Serve, release_of
from tests.graphs import day, tiny_store

VERSIONS = """query Versions {
    service { versions { release snapshot } counts { kind count } }
    feed: user(key: "ada") { feed { versions { release snapshot } asOf } }
    pin(key: "fern") { relatedPins { versions { release snapshot } } }
}"""


@pytest.fixture
def next_snapshot(own_home: Home) -> Snapshot:
    """The same graph with one user more."""
    store = tiny_store(own_home.path / "next.db")
    store.write_nodes(NodeKind.USER, [NodeRow(User(Id("zoe")), day(9))])
    path = export_snapshot(store, own_home.snapshots, datetime(2024, 6, 2, tzinfo=UTC))
    store.close()
    return Snapshot.open(path)


def releases_in(data: dict[str, Any]) -> set[tuple[str, str]]:
    found = (data["service"], data["feed"]["feed"], data["pin"]["relatedPins"])
    return {(part["versions"]["release"], part["versions"]["snapshot"]) for part in found}


async def test_the_next_request_is_answered_from_the_next_release(
    serve: Serve, own_home: Home, next_snapshot: Snapshot
):
    asker = await serve(own_home)
    first = asker.snapshot.version
    assert releases_in(await asker.data(VERSIONS)) == {("20240601T000000Z-aaaaaa", first)}
    assert await asker.data('{ user(key: "zoe") { key } }') == {"user": None}
    await asker.publish(next_snapshot, "20240602T000000Z-cccccc")
    assert releases_in(await asker.data(VERSIONS)) == {("20240602T000000Z-cccccc", next_snapshot.version)}
    assert await asker.data('{ user(key: "zoe") { key } }') == {"user": {"key": "zoe"}}


async def test_a_request_keeps_the_release_that_it_started_with(
    serve: Serve, own_home: Home, next_snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
):
    asker = await serve(own_home)
    first = asker.snapshot.version
    started, go_on = threading.Event(), threading.Event()

    def slow(*args: Any, **kwargs: Any) -> Any:
        started.set()
        go_on.wait(20)
        return related(*args, **kwargs)

    monkeypatch.setattr("gql.objects.ranked.related", slow)
    in_flight = asyncio.create_task(asker.data(VERSIONS))
    await asyncio.to_thread(started.wait, 20)
    await asker.publish(next_snapshot, "20240602T000000Z-cccccc")
    assert await asker.data("{ service { versions { snapshot } } }") == {
        "service": {"versions": {"snapshot": next_snapshot.version}}
    }
    go_on.set()
    assert releases_in(await in_flight) == {("20240601T000000Z-aaaaaa", first)}


async def test_no_answer_mixes_two_releases_while_they_change(serve: Serve, own_home: Home, next_snapshot: Snapshot):
    asker = await serve(own_home)
    users = {asker.snapshot.version: 4, next_snapshot.version: 5}
    snapshots = [next_snapshot, asker.snapshot]
    stop = False
    seen: list[tuple[str, str]] = []

    async def ask() -> None:
        while not stop:
            data = await asker.data(VERSIONS)
            ((release, snapshot),) = releases_in(data)
            seen.append((release, snapshot))
            assert {line["kind"]: line["count"] for line in data["service"]["counts"]}["USER"] == users[snapshot]

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    for turn in range(8):
        await asker.publish(snapshots[turn % 2], f"turn-{turn}")
        await asyncio.sleep(0.05)
    stop = True
    await asyncio.gather(*asking)
    assert len(set(seen)) > 4


async def test_a_ranking_of_the_release_before_can_not_be_continued(
    serve: Serve, own_home: Home, next_snapshot: Snapshot
):
    asker = await serve(own_home)
    query = (
        'query($after: String) { pin(key: "fern") { relatedPins(first: 2, after: $after) { pageInfo { endCursor } } } }'
    )
    cursor = (await asker.data(query))["pin"]["relatedPins"]["pageInfo"]["endCursor"]
    await asker.data(query, after=cursor)
    await asker.publish(next_snapshot, "20240602T000000Z-cccccc")
    code, _ = await asker.error(query, after=cursor)
    assert code == "CURSOR_EXPIRED"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


BREAK = {
    "truncated": lambda home, snapshot: truncate(snapshot.path / "nodes" / "Pin.arrow"),
    "changed": lambda home, snapshot: flip(snapshot.path / "edges" / "SAVED" / "out.indices.npy"),
    "a file missing": lambda home, snapshot: (snapshot.path / "edges" / "HOLDS" / "at.npy").unlink(),
    "no snapshot": lambda home, snapshot: shutil.rmtree(snapshot.path),
    "no JSON": lambda home, snapshot: (home.releases / CURRENT).write_text("{"),
    "not a release": lambda home, snapshot: (home.releases / CURRENT).write_text("[]"),
    "another format": lambda home, snapshot: (home.releases / CURRENT).write_text('{"format": 99}'),
    "incomplete": lambda home, snapshot: (home.releases / CURRENT).write_text('{"format": 1}'),
    "gone": lambda home, snapshot: (home.releases / CURRENT).unlink(),
}


@pytest.mark.parametrize("how", BREAK)
async def test_a_broken_release_is_refused_and_the_old_one_goes_on(
    serve: Serve, own_home: Home, next_snapshot: Snapshot, how: str
):
    asker = await serve(own_home)
    before = await asker.data(VERSIONS)
    publish(own_home, release_of(next_snapshot, "20240602T000000Z-cccccc"))
    BREAK[how](own_home, next_snapshot)
    with structlog.testing.capture_logs() as logs:
        assert not await asker.api.releases.poll()
        assert not await asker.api.releases.poll()
    assert [line["event"] for line in logs] == ["release_refused"], "said once, not at every look"
    assert await asker.data(VERSIONS) == before
    response = await asker.client.get("/readyz")
    ready = await response.json()
    assert (response.status, ready["status"], ready["release"]) == (200, "ready", "20240601T000000Z-aaaaaa")
    assert ready["refused"]["reason"] == logs[0]["reason"]
    asker.api.metrics.show_release(asker.api.releases)
    assert asker.api.metrics.registry.get_sample_value("tastegraph_release_refused") == 1


async def test_a_good_release_after_a_broken_one_is_taken(serve: Serve, own_home: Home, next_snapshot: Snapshot):
    asker = await serve(own_home)
    (own_home.releases / CURRENT).write_text("{")
    await asker.api.releases.poll()
    await asker.publish(next_snapshot, "20240602T000000Z-cccccc")
    ready = await (await asker.client.get("/readyz")).json()
    assert (ready["release"], ready["refused"]) == ("20240602T000000Z-cccccc", None)


async def test_the_server_looks_by_itself(serve: Serve, own_home: Home, next_snapshot: Snapshot):
    asker = await serve(own_home, poll_s=0.02)
    publish(own_home, release_of(next_snapshot, "20240602T000000Z-cccccc"))
    async with asyncio.timeout(20):
        while (await (await asker.client.get("/version")).json())["release"] != "20240602T000000Z-cccccc":
            await asyncio.sleep(0.02)
    registry = asker.api.metrics.registry
    assert registry.get_sample_value("tastegraph_release_swaps_total") == 1
    assert registry.get_sample_value("tastegraph_snapshot_timestamp_seconds") == next_snapshot.created_at / 1000


async def test_the_release_before_stays_open_for_a_while(
    serve: Serve, own_home: Home, next_snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
):
    asker = await serve(own_home, keep_old_s=600)
    now = 0.0
    monkeypatch.setattr(gql.release.time, "monotonic", lambda: now)
    await asker.publish(next_snapshot, "second")
    old = asker.api.releases._old
    assert [served.name for _, served in old] == ["20240601T000000Z-aaaaaa"]
    now = 599.0
    await asker.api.releases.poll()
    assert len(asker.api.releases._old) == 1
    now = 601.0
    await asker.api.releases.poll()
    assert asker.api.releases._old == []


async def test_of_many_releases_only_a_few_stay_open(serve: Serve, own_home: Home, next_snapshot: Snapshot):
    asker = await serve(own_home, keep_old_s=600)
    for number in range(8):
        await asker.publish(next_snapshot, f"release-{number}")
    assert len(asker.api.releases._old) == gql.release.OLD_MAX


async def test_broken_vectors_at_start_leave_the_walks_and_are_said(serve: Serve, own_home: Home):
    published = current(own_home)
    publish(own_home, Release("with-vectors", published.published_at, published.snapshot, {"lightgcn": "v1"}))
    folder = own_home.artifacts / "lightgcn" / "v1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"format": 1, "files": {"vectors/Pin.npy": {"bytes": 1, "blake2b": "0"}}}')
    with structlog.testing.capture_logs() as logs:
        asker = await serve(own_home)
    assert [line["event"] for line in logs] == ["release_degraded"]
    data = await asker.data("{ service { source degraded model { name } versions { release model } } }")
    assert data["service"].pop("degraded").endswith("until then the graph alone answers")
    assert data["service"] == {"source": "WALK", "model": None, "versions": {"release": "with-vectors", "model": None}}
    assert (await asker.data('{ pin(key: "fern") { relatedPins { source } } }'))["pin"]["relatedPins"][
        "source"
    ] == "WALK"
    ready = await (await asker.client.get("/readyz")).json()
    assert str(folder) in ready["degraded"]
    assert asker.api.metrics.registry.get_sample_value("tastegraph_release_degraded") == 1
