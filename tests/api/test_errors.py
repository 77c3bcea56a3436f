"""Every code that a client may be answered with, each provoked; and what is ours, masked, logged and findable."""

from __future__ import annotations

import asyncio
import threading
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
import structlog
from aiohttp import ClientResponse

from gql.errors import Code
from gql.keys import ENVIRONMENT_KEY, Keys, Principal, Scope
from gql.trusted import Trust, TrustedDocuments
from graph.errors import TransientError
from graph.model import NodeKind
from graph.settings import Home
from tests.api.conftest import Asker, Serve, gid

Provoke = Callable[[Asker], Awaitable[ClientResponse]]
NOBODY = gid(NodeKind.PIN, "nobody")
FERN = gid(NodeKind.PIN, "fern")


def document(query: str) -> Provoke:
    return lambda asker: asker.client.post("/graphql", json={"query": query})


def expired() -> str:
    return urlsafe_b64encode(orjson.dumps(["SearchConnection", "20200101T000000Z-000000", 1])).decode().rstrip("=")


async def late(asker: Asker) -> ClientResponse:
    release = threading.Event()
    # The pool is busy for longer than the deadline: what is asked for now waits behind it.
    jobs = [asker.api.threads.submit(release.wait) for _ in range(asker.api.settings.threads)]
    try:
        return await asker.client.post("/graphql", json={"query": '{ search(text: "x") { totalCount } }'})
    finally:
        release.set()
        await asyncio.gather(*(asyncio.wrap_future(job) for job in jobs))


async def broken(asker: Asker) -> ClientResponse:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gql.objects.search.search", _fail)
        return await asker.client.post("/graphql", json={"query": '{ search(text: "x") { totalCount } }'})


def _fail(*_: Any, **__: Any) -> None:
    raise RuntimeError("the password is hunter2")


async def keyless(asker: Asker) -> ClientResponse:
    asker.api.keys = Keys(asker.home, {ENVIRONMENT_KEY: "secret"})
    return await asker.client.post("/graphql", json={"query": "{ __typename }"})


async def scopeless(asker: Asker) -> ClientResponse:
    producer = Principal("producer", frozenset({Scope.WRITE}))
    asker.api.principal = lambda _: producer  # type: ignore[method-assign]
    return await asker.client.post("/graphql", json={"query": "{ __typename }"})


async def unknown_hash(asker: Asker) -> ClientResponse:
    named = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    return await asker.client.post("/graphql", json={"extensions": named})


async def untrusted(asker: Asker) -> ClientResponse:
    asker.api.trust = Trust(TrustedDocuments({}), only=True)
    return await asker.client.post("/graphql", json={"query": "{ __typename }"})


PROVOKED: dict[Code, Provoke] = {
    Code.GRAPHQL_PARSE_FAILED: document("{"),
    Code.GRAPHQL_VALIDATION_FAILED: document("{ nothing }"),
    Code.BAD_USER_INPUT: document("{ user { key } }"),
    Code.INVALID_ID: document('{ node(id: "nonsense") { id } }'),
    Code.INVALID_CURSOR: document('{ search(text: "x", after: "nonsense") { totalCount } }'),
    Code.CURSOR_EXPIRED: document(f'{{ search(text: "x", after: "{expired()}") {{ totalCount }} }}'),
    Code.NOT_FOUND: document(f'{{ path(from: "{NOBODY}", to: "{FERN}") {{ hops }} }}'),
    Code.DOCUMENT_TOO_COMPLEX: document("{ " + "__typename " * 100 + "}"),
    Code.DEADLINE_EXCEEDED: late,
    Code.BAD_REQUEST: lambda asker: asker.client.post("/graphql", json={}),
    Code.REQUEST_TOO_LARGE: document(" " * 1_100_000),
    Code.UNSUPPORTED_MEDIA_TYPE: lambda asker: asker.client.post("/graphql", data=b"x"),
    Code.METHOD_NOT_ALLOWED: lambda asker: asker.client.put("/graphql", json={}),
    Code.UNAUTHENTICATED: keyless,
    Code.FORBIDDEN: scopeless,
    Code.PERSISTED_QUERY_NOT_FOUND: unknown_hash,
    Code.DOCUMENT_NOT_TRUSTED: untrusted,
    Code.FORBIDDEN_HOST: lambda asker: asker.client.get("/graphql", headers={"Host": "evil.example"}),
    Code.FORBIDDEN_ORIGIN: lambda asker: asker.client.get("/graphql", headers={"Origin": "http://evil.example"}),
    Code.UNAVAILABLE: lambda asker: asker.client.post("/v1/interactions"),
    Code.INTERNAL: broken,
}


@pytest.mark.parametrize("code", Code)
async def test_every_code_is_answered_in_one_shape_and_counted(serve: Serve, tiny_home: Home, code: Code):
    asker = await serve(tiny_home, deadline_s=0.3)
    response = await PROVOKED[code](asker)
    (error,) = (await response.json(content_type=None))["errors"]
    assert error["extensions"] == {"code": code.value, "requestId": response.headers["X-Request-Id"]}
    assert 0 < len(error["message"]) < 200
    assert "\n" not in error["message"]
    counted = asker.api.metrics.registry.get_sample_value("tastegraph_errors_total", {"code": code.value})
    assert counted == 1


async def test_after_a_deadline_the_server_answers_on(serve: Serve, tiny_home: Home):
    asker = await serve(tiny_home, deadline_s=0.3)
    response = await late(asker)
    assert response.status == 504
    assert "data" not in await response.json()
    assert await asker.data('{ search(text: "moss") { totalCount } }') == {"search": {"totalCount": 1}}


async def test_what_is_ours_is_masked_and_found_in_the_log_by_its_request(tiny: Asker):
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        response = await broken(tiny)
    text = await response.text()
    assert "hunter2" not in text
    (error,) = orjson.loads(text)["errors"]
    assert error["message"] == "internal error"
    assert error["path"] == ["search"]
    (line,) = [line for line in logs if line["event"] == "resolver_failed"]
    assert line["request_id"] == error["extensions"]["requestId"]
    assert isinstance(line["exc_info"], RuntimeError)
    assert line["exc_info"].__traceback__ is not None


async def test_a_failure_outside_graphql_is_masked_too(tiny: Asker, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gql.transport.execute", _fail)
    with structlog.testing.capture_logs() as logs:
        response = await tiny.client.post("/graphql", json={"query": "{ __typename }"})
    assert response.status == 500
    assert "hunter2" not in await response.text()
    assert [line["event"] for line in logs] == ["request_failed"]


async def test_a_result_that_can_not_be_written_is_ours(tiny: Asker, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gql.reads.EdgeReader.count", lambda *_: 2**40)
    code, message = await tiny.error('{ pin(key: "fern") { savers { totalCount } } }')
    assert (code, message) == ("INTERNAL", "internal error")


async def test_our_own_errors_that_are_not_for_clients_are_masked(tiny: Asker, monkeypatch: pytest.MonkeyPatch):
    def unavailable(*_: Any, **__: Any) -> None:
        raise TransientError("bolt://10.1.2.3 does not answer")

    monkeypatch.setattr("gql.objects.search.search", unavailable)
    assert await tiny.error('{ search(text: "x") { totalCount } }') == ("INTERNAL", "internal error")


async def test_nothing_that_a_client_sent_is_logged(serve: Serve, tiny_home: Home):
    query = 'query Find($text: String!) { search(text: $text) { totalCount } secret: user(key: "ada") { key } }'
    asker = await serve(tiny_home, log_level="debug")
    with structlog.testing.capture_logs() as logs:
        await asker.answer(query, text="private words")
        await asker.answer(query, text="x" * 1000)
    assert [line["event"] for line in logs] == ["operation", "operation"]
    assert [line["operation"] for line in logs] == ["Find", "Find"]
    assert "private words" not in str(logs)
    assert "ada" not in str(logs)
