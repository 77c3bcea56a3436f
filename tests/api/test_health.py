"""What the server says about itself: health, readiness, versions, metrics."""

from __future__ import annotations

from importlib.metadata import version

from prometheus_client import generate_latest

from gql.telemetry import OPERATIONS_MAX
from tests.api.conftest import Asker


async def test_it_lives(tiny: Asker):
    response = await tiny.client.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_it_is_ready_until_it_drains(tiny: Asker):
    response = await tiny.client.get("/readyz")
    assert response.status == 200
    assert await response.json() == {
        "status": "ready",
        "release": "20240601T000000Z-aaaaaa",
        "snapshot": tiny.snapshot.version,
        "model": None,
        "degraded": None,
        "refused": None,
    }
    tiny.api.draining = True
    response = await tiny.client.get("/readyz")
    assert (response.status, (await response.json())["status"]) == (503, "draining")
    assert (await tiny.client.get("/healthz")).status == 200


async def test_it_says_what_it_is(tiny: Asker):
    assert await (await tiny.client.get("/version")).json() == {
        "version": version("tastegraph"),
        "release": "20240601T000000Z-aaaaaa",
        "snapshot": tiny.snapshot.version,
        "model": None,
    }


async def test_the_service_in_the_schema(tiny: Asker):
    data = await tiny.data("""{ service {
        version mode publishedAt asOf contentHash source degraded model { name } counts { kind count }
    } }""")
    assert data["service"] == {
        "version": version("tastegraph"),
        "mode": "development",
        "publishedAt": "2024-06-01T00:00:00Z",
        "asOf": "2024-06-01T00:00:00.000Z",
        "contentHash": tiny.snapshot.content_hash,
        "source": "WALK",
        "degraded": None,
        "model": None,
        "counts": [
            {"kind": "USER", "count": 4},
            {"kind": "PIN", "count": 7},
            {"kind": "BOARD", "count": 5},
            {"kind": "INTEREST", "count": 5},
            {"kind": "ENTITY", "count": 5},
        ],
    }


async def test_operations_are_counted_by_name_and_outcome(tiny: Asker):
    await tiny.answer("query Find { __typename }")
    await tiny.answer("query Find { user { key } }")
    await tiny.answer("{ nothing }")
    sample = tiny.api.metrics.registry.get_sample_value
    assert sample("tastegraph_requests_total", {"operation": "Find", "outcome": "ok"}) == 1
    assert sample("tastegraph_requests_total", {"operation": "Find", "outcome": "errors"}) == 1
    assert sample("tastegraph_requests_total", {"operation": "anonymous", "outcome": "refused"}) == 1
    assert sample("tastegraph_request_seconds_count", {"operation": "Find"}) == 2
    assert sample("tastegraph_requests_in_flight") == 0


async def test_labels_are_bounded_whatever_clients_send(tiny: Asker):
    for number in range(OPERATIONS_MAX + 20):
        await tiny.answer(f"query Name{number} {{ __typename }}")
    registry = tiny.api.metrics.registry
    text = generate_latest(registry).decode()
    assert text.count('tastegraph_requests_total{operation="Name') == OPERATIONS_MAX
    assert registry.get_sample_value("tastegraph_requests_total", {"operation": "other", "outcome": "ok"}) == 20


async def test_the_event_loop_is_watched(serve, tiny_home):
    asker: Asker = await serve(tiny_home)
    await asker.client.get("/healthz")
    assert "tastegraph_event_loop_lag_seconds_bucket" in generate_latest(asker.api.metrics.registry).decode()
