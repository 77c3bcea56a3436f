"""GraphQL over HTTP: which requests are taken, which are refused, with which status, and what every answer carries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import ClientResponse

from graph.settings import Home
from tests.api.conftest import Asker, Serve

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"
QUERY = "{ __typename }"


async def code_in(response: ClientResponse) -> str:
    (error,) = (await response.json(content_type=None))["errors"]
    assert error["extensions"]["requestId"] == response.headers["X-Request-Id"]
    return error["extensions"]["code"]


@pytest.mark.parametrize("accept", [None, "*/*", JSON, "application/*", f"text/plain, {JSON};q=0.9"])
async def test_answers_are_json_unless_the_newer_type_is_asked_for(tiny: Asker, accept: str | None):
    headers = {} if accept is None else {"Accept": accept}
    response = await tiny.client.post("/graphql", json={"query": QUERY}, headers=headers)
    assert response.status == 200
    assert response.headers["Content-Type"] == f"{JSON}; charset=utf-8"
    assert await response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("accept", [RESPONSE_JSON, f"{RESPONSE_JSON}, {JSON};q=0.9", f"{JSON}, {RESPONSE_JSON}"])
async def test_the_newer_type_is_answered_where_it_is_accepted(tiny: Asker, accept: str):
    response = await tiny.client.post("/graphql", json={"query": QUERY}, headers={"Accept": accept})
    assert response.status == 200
    assert response.headers["Content-Type"] == f"{RESPONSE_JSON}; charset=utf-8"


async def test_no_type_of_ours_accepted(tiny: Asker):
    response = await tiny.client.post("/graphql", json={"query": QUERY}, headers={"Accept": "image/png"})
    assert response.status == 406
    assert await code_in(response) == "BAD_REQUEST"


@pytest.mark.parametrize(
    "type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_a_form_of_another_site_can_ask_nothing(tiny: Asker, type_: str):
    response = await tiny.client.post("/graphql", data=json.dumps({"query": QUERY}), headers={"Content-Type": type_})
    assert response.status == 415
    assert await code_in(response) == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize("type_", [JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=UTF-8"])
async def test_json_in_utf_8(tiny: Asker, type_: str):
    body = json.dumps(
        {"query": "query($key: String!) { pin(key: $key) { key } }", "variables": {"key": "é"}}, ensure_ascii=False
    )
    response = await tiny.client.post("/graphql", data=body.encode(), headers={"Content-Type": type_})
    assert await response.json() == {"data": {"pin": None}}


async def test_json_in_another_encoding(tiny: Asker):
    headers = {"Content-Type": f"{JSON}; charset=latin-1"}
    response = await tiny.client.post("/graphql", data=b'{"query": "{a}"}', headers=headers)
    assert response.status == 415


BAD_BODIES = [
    b"",
    b"{",
    b"\xff",
    b"null",
    b"7",
    b'"{ __typename }"',
    b"[]",
    b'[{"query": "{ __typename }"}]',
    b"{}",
    b'{"query": null}',
    b'{"query": ""}',
    b'{"query": 7}',
    b'{"query": {"a": 1}}',
    b'{"query": "{ __typename }", "variables": "x"}',
    b'{"query": "{ __typename }", "variables": []}',
    b'{"query": "{ __typename }", "operationName": 7}',
    b'{"query": "{ __typename }", "extensions": []}',
    b'{"query": "\\ud800"}',
    b'{"query": ' + b"[" * 5000,
]


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
async def test_what_is_no_graphql_request(tiny: Asker, body: bytes, accept: str):
    response = await tiny.client.post("/graphql", data=body, headers={"Content-Type": JSON, "Accept": accept})
    assert response.status == 400
    assert await code_in(response) == "BAD_REQUEST"


@pytest.mark.parametrize("extra", [{"variables": None}, {"operationName": None, "extensions": {}}, {"other": 1}])
async def test_what_may_be_left_out_may_be_null(tiny: Asker, extra: dict[str, Any]):
    response = await tiny.client.post("/graphql", json={"query": QUERY, **extra})
    assert await response.json() == {"data": {"__typename": "Query"}}


async def test_a_body_over_the_limit(serve: Serve, tiny_home: Home):
    asker = await serve(tiny_home, body_bytes_max=1000)
    response = await asker.client.post("/graphql", json={"query": QUERY + " " * 1000})
    assert response.status == 413
    assert await code_in(response) == "REQUEST_TOO_LARGE"
    response = await asker.client.post("/graphql", json={"query": QUERY})
    assert response.status == 200


REFUSED = {
    "syntax": ("{", {}, "GRAPHQL_PARSE_FAILED"),
    "validation": ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
    "subscription": ("subscription { a }", {}, "GRAPHQL_VALIDATION_FAILED"),
    "mutation": ("mutation { a }", {}, "GRAPHQL_VALIDATION_FAILED"),
    "variable missing": ("query($k: String!) { pin(key: $k) { id } }", {}, "BAD_USER_INPUT"),
    "variable of another type": (
        "query($k: String!) { pin(key: $k) { id } }",
        {"variables": {"k": 7}},
        "BAD_USER_INPUT",
    ),
    "no operation": ("fragment F on Query { __typename }", {}, "GRAPHQL_VALIDATION_FAILED"),
    "several operations": ("query A { __typename } query B { __typename }", {}, "BAD_USER_INPUT"),
    "unknown operation": ("query A { __typename }", {"operationName": "B"}, "BAD_USER_INPUT"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (RESPONSE_JSON, 400)])
async def test_an_operation_that_was_never_executed_has_no_data(tiny: Asker, name: str, accept: str, status: int):
    query, extra, code = REFUSED[name]
    response = await tiny.client.post("/graphql", json={"query": query, **extra}, headers={"Accept": accept})
    assert response.status == status
    answer = await response.json(content_type=None)
    assert "data" not in answer
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


@pytest.mark.parametrize("accept", [JSON, RESPONSE_JSON])
async def test_an_error_in_a_field_leaves_the_rest(tiny: Asker, accept: str):
    query = '{ bad: user { key } good: user(key: "ada") { key } }'
    response = await tiny.client.post("/graphql", json={"query": query}, headers={"Accept": accept})
    assert response.status == 200
    answer = await response.json(content_type=None)
    assert answer["data"] == {"bad": None, "good": {"key": "ada"}}
    assert answer["errors"][0]["path"] == ["bad"]


async def test_the_operation_that_is_named_is_the_one_executed(tiny: Asker):
    query = "query A { a: __typename } query B { b: __typename }"
    for name in ("A", "B"):
        response = await tiny.client.post("/graphql", json={"query": query, "operationName": name})
        assert await response.json() == {"data": {name.lower(): "Query"}}


async def test_get_is_for_queries(tiny: Asker):
    parameters = {
        "query": "query($k: String!) { pin(key: $k) { key } }",
        "variables": '{"k": "fern"}',
        "extensions": "{}",
    }
    response = await tiny.client.get("/graphql", params=parameters)
    assert await response.json() == {"data": {"pin": {"key": "fern"}}}
    for bad in ({"query": QUERY, "variables": "{"}, {"query": QUERY, "variables": "7"}, {"query": ""}, {}):
        response = await tiny.client.get("/graphql", params=bad)
        assert (response.status, await code_in(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_no_other_method(tiny: Asker, method: str):
    response = await tiny.client.request(method, "/graphql", json={"query": QUERY})
    assert (response.status, response.headers["Allow"]) == (405, "GET, POST")
    assert await code_in(response) == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", "[::2]", "", "a b"]
)
@pytest.mark.parametrize("path", ["/graphql", "/healthz", "/readyz", "/version", "/"])
async def test_a_name_that_was_pointed_at_us_is_not_ours(tiny: Asker, host: str, path: str):
    response = await tiny.client.get(path, headers={"Host": host})
    assert response.status == 403
    assert await code_in(response) == "FORBIDDEN_HOST"


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:1", "127.8.8.8", "[::1]:8000"])
async def test_loopback_by_any_name_is_ours(tiny: Asker, host: str):
    response = await tiny.client.post("/graphql", json={"query": QUERY}, headers={"Host": host})
    assert response.status == 200


async def test_a_proxy_has_its_own_name(serve: Serve, tiny_home: Home):
    asker = await serve(tiny_home, allowed_hosts=["Taste.example"])
    for host, status in (("taste.example", 200), ("TASTE.example:443", 200), ("other.example", 403)):
        response = await asker.client.post("/graphql", json={"query": QUERY}, headers={"Host": host})
        assert response.status == status


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:8001", "https://evil.example:8000", "x", ""]
)
async def test_pages_of_other_sites_are_refused(tiny: Asker, origin: str):
    headers = {"Host": "localhost:8000", "Origin": origin}
    response = await tiny.client.post("/graphql", json={"query": QUERY}, headers=headers)
    assert response.status == 403
    assert await code_in(response) == "FORBIDDEN_ORIGIN"
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_our_own_page_may_ask(tiny: Asker):
    headers = {"Host": "localhost:8000", "Origin": "http://localhost:8000"}
    response = await tiny.client.post("/graphql", json={"query": QUERY}, headers=headers)
    assert response.status == 200


async def test_a_request_is_known_by_the_id_that_it_came_with(tiny: Asker):
    response = await tiny.client.post("/graphql", json={"query": "{"}, headers={"X-Request-Id": "trace-7.a_B"})
    assert response.headers["X-Request-Id"] == "trace-7.a_B"
    assert (await response.json())["errors"][0]["extensions"]["requestId"] == "trace-7.a_B"


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, "é", "<script>"])
async def test_else_it_is_given_one(tiny: Asker, given: str | None):
    headers = {} if given is None else {"X-Request-Id": given}
    ids = set()
    for _ in range(2):
        response = await tiny.client.post("/graphql", json={"query": QUERY}, headers=headers)
        ids.add(response.headers["X-Request-Id"])
    assert len(ids) == 2
    assert all(given_id.isalnum() and len(given_id) == 16 for given_id in ids)


async def test_answers_are_not_cached_sniffed_or_signed_by_a_version(tiny: Asker):
    response = await tiny.client.post("/graphql", json={"query": QUERY})
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Server"] == "tastegraph"


async def test_what_is_not_there(tiny: Asker):
    response = await tiny.client.get("/nothing")
    assert response.status == 404
    assert "X-Request-Id" in response.headers
