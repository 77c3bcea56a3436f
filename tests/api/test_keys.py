"""A server with API keys: nobody asks without one, and each sees what its key is for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from embeddings.release import publish
from gql.app import make_app
from gql.keys import Keys, add_key, revoke_key
from gql.release import Releases
from gql.settings import ServeSettings
from graph.errors import InvalidInputError
from graph.settings import Home
from tests.api.conftest import release_of
from tests.graphs import tiny_snapshot

FEEDS = """{
  ada: user(key: "ada") { feed(first: 1) { source } }
  cem: user(key: "cem") { feed(first: 1) { source } }
}"""


class Keyed:
    """A server with keys, asked with one or without."""

    def __init__(self, home: Home, client: TestClient[Any, Any]) -> None:
        self.home = home
        self.client = client

    async def post(self, query: str, key: str | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
        given = {"Authorization": f"Bearer {key}"} if key else {}
        response = await self.client.post("/graphql", json={"query": query}, headers={**given, **headers})
        return response.status, await response.json()


@pytest.fixture
async def keyed(tmp_path: Path) -> AsyncGenerator[Keyed]:
    home = Home(tmp_path)
    publish(home, release_of(tiny_snapshot(tmp_path), "20240601T000000Z-aaaaaa"))
    add_key(home, "first", ["admin"])
    settings = ServeSettings(poll_s=0.05)
    async with TestClient(TestServer(make_app(settings, Releases(home, keep_old_s=0), keys=Keys(home, {})))) as client:
        yield Keyed(home, client)
        await client.close()


async def test_without_a_key_nothing_is_told(keyed: Keyed):
    for key in (None, "tg_wrong"):
        status, answer = await keyed.post("{ service { version } }", key)
        assert status == 401
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert "data" not in answer


async def test_health_and_pages_need_no_key(keyed: Keyed):
    for path in ("/healthz", "/readyz", "/version"):
        assert (await keyed.client.get(path)).status == 200


async def test_a_new_key_is_taken_and_a_revoked_one_refused_while_serving(keyed: Keyed):
    key = add_key(keyed.home, "second", ["read"])
    await _until(keyed, key, 200)
    revoke_key(keyed.home, "second")
    await _until(keyed, key, 401)


async def _until(keyed: Keyed, key: str, status: int) -> None:
    for _ in range(200):
        found, _ = await keyed.post("{ __typename }", key)
        if found == status:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never answered with {status}")


async def test_a_personal_key_sees_its_own_user_and_no_other(keyed: Keyed):
    key = add_key(keyed.home, "ada", ["read", "personal:read"], "ada")
    await _until(keyed, key, 200)
    _, answer = await keyed.post(FEEDS, key)
    assert answer["data"]["ada"]["feed"]["source"]
    assert [error["path"][0] for error in answer["errors"]] == ["cem"]
    public = add_key(keyed.home, "public", ["read"])
    await _until(keyed, public, 200)
    _, answer = await keyed.post(FEEDS, public)
    assert {error["path"][0] for error in answer["errors"]} == {"ada", "cem"}


async def test_a_producers_key_may_not_read(keyed: Keyed):
    key = add_key(keyed.home, "producer", ["write"])
    await _until(keyed, key, 403)
    _, answer = await keyed.post("{ __typename }", key)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_with_keys_any_name_of_the_server_will_do_but_no_page_of_another_site(keyed: Keyed):
    key = add_key(keyed.home, "app", ["read"])
    await _until(keyed, key, 200)
    status, _ = await keyed.post("{ __typename }", key, Host="graph.example.org")
    assert status == 200
    status, _ = await keyed.post("{ __typename }", key, Origin="https://evil.example")
    assert status == 403


def test_other_machines_are_served_only_where_a_key_is_needed():
    ServeSettings(host="0.0.0.0").check_exposure(keyed=True)
    with pytest.raises(InvalidInputError, match="tastegraph keys add"):
        ServeSettings(host="0.0.0.0").check_exposure(keyed=False)
