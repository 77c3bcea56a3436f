"""Finding one node: by id, by key, and what comes back when it is not there, not visible, or not an id."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest

from graph.model import NodeKind
from graph.visibility import STRANGER
from tests.api.conftest import Asker, gid

KEYS = {
    NodeKind.USER: "ada",
    NodeKind.PIN: "fern",
    NodeKind.BOARD: "ada-garden",
    NodeKind.INTEREST: "gardening",
    NodeKind.ENTITY: "rosa",
}
FIELD = {kind: kind.value.lower() for kind in NodeKind}


async def test_what_is_known_of_each_kind(tiny: Asker):
    data = await tiny.data("""{
        user(key: "ada") { id key createdAt attributes }
        pin(key: "rose") { title description createdAt attributes }
        board(key: "ada-garden") { title secret owner { key } }
        interest(key: "gardening") { name level parent { key name level parent { key } } }
        entity(key: "rosa") { name }
    }""")
    assert data == {
        "user": {
            "id": gid(NodeKind.USER, "ada"),
            "key": "ada",
            "createdAt": "2024-04-01T00:00:00.000Z",
            "attributes": {"country": "TR"},
        },
        "pin": {
            "title": "Climbing rose",
            "description": "Roses at a south wall",
            "createdAt": "2024-03-24T00:00:00.000Z",
            "attributes": {"colour": "red"},
        },
        "board": {"title": "My garden", "secret": False, "owner": {"key": "ada"}},
        "interest": {
            "name": "Gardening",
            "level": 1,
            "parent": {"key": "outdoors", "name": "Outdoors", "level": 0, "parent": None},
        },
        "entity": {"name": "Rosa"},
    }


async def test_every_node_has_something_to_call_it(tiny: Asker):
    data = await tiny.data("""{
        user(key: "ada") { label } pin(key: "rose") { label } board(key: "ada-garden") { label }
        interest(key: "gardening") { label } entity(key: "rosa") { label } unnamed: entity(key: "unnamed") { label }
    }""")
    labels = {name: node["label"] for name, node in data.items()}
    assert labels == {
        "user": "ada",
        "pin": "Climbing rose",
        "board": "My garden",
        "interest": "Gardening",
        "entity": "Rosa",
        "unnamed": "unnamed",
    }


async def test_what_nobody_knows_is_null(tiny: Asker):
    data = await tiny.data("""{
        user(key: "cem") { createdAt } pin(key: "bread") { description createdAt attributes } entity(key: "unnamed") { name }
    }""")
    assert data == {
        "user": {"createdAt": None},
        "pin": {"description": None, "createdAt": None, "attributes": {}},
        "entity": {"name": None},
    }


@pytest.mark.parametrize("kind", NodeKind)
async def test_a_node_is_found_by_id_and_by_key_and_through_node(tiny: Asker, kind: NodeKind):
    key = KEYS[kind]
    query = """query($id: ID!, $key: String!) {
        a: FIELD(id: $id) { id key } b: FIELD(key: $key) { id key } node(id: $id) { __typename id key }
    }"""
    data = await tiny.data(query.replace("FIELD", FIELD[kind]), id=gid(kind, key), key=key)
    assert data["a"] == data["b"] == {"id": gid(kind, key), "key": key}
    assert data["node"] == {"__typename": kind.value, "id": gid(kind, key), "key": key}


@pytest.mark.parametrize("kind", NodeKind)
async def test_a_node_that_is_not_there_is_null_without_an_error(tiny: Asker, kind: NodeKind):
    query = 'query($id: ID!) { a: FIELD(id: $id) { key } b: FIELD(key: "nobody") { key } node(id: $id) { id } }'
    query = query.replace("FIELD", FIELD[kind])
    assert await tiny.data(query, id=gid(kind, "nobody")) == {"a": None, "b": None, "node": None}


async def test_deleted_nodes_are_gone(tiny: Asker):
    assert await tiny.data('{ user(key: "eve") { key } pin(key: "spam") { key } }') == {"user": None, "pin": None}
    assert await tiny.data('{ board(key: "eve-junk") { title owner { key } } }') == {
        "board": {"title": "Junk", "owner": None}
    }


async def test_a_secret_board_is_not_there_for_others(tiny: Asker):
    query = 'query($id: ID!) { board(key: "ada-wedding") { title } node(id: $id) { key } }'
    secret = gid(NodeKind.BOARD, "ada-wedding")
    seen = {"board": {"title": "Wedding"}, "node": {"key": "ada-wedding"}}
    assert await tiny.data(query, id=secret) == seen
    tiny.see_as_user("ada")
    assert await tiny.data(query, id=secret) == seen
    for hide in (lambda: tiny.see_as_user("bo"), lambda: tiny.see_as(STRANGER)):
        hide()
        assert await tiny.data(query, id=secret) == {"board": None, "node": None}


async def test_attributes_are_private_but_for_those_that_the_settings_open(serve, tiny_home):
    asker: Asker = await serve(tiny_home, public_attributes=["country"])
    query = '{ user(key: "cem") { attributes } }'
    everything = {"user": {"attributes": {"age": 41, "country": "TR"}}}
    assert await asker.data(query) == everything
    asker.see_as_user("cem")
    assert await asker.data(query) == everything
    asker.see_as_user("bo")
    assert await asker.data(query) == {"user": {"attributes": {"country": "TR"}}}


MALFORMED = [
    "",
    "ada",
    "!",
    "VXNlcjphZGE=",  # padded
    "VXNlcjphZGF",  # spare bits set
    urlsafe_b64encode(b"User").decode().rstrip("="),
    urlsafe_b64encode(b"User:").decode().rstrip("="),
    urlsafe_b64encode(b"Robot:ada").decode().rstrip("="),
    urlsafe_b64encode(b"user:ada").decode().rstrip("="),
    urlsafe_b64encode(b"User:a\0b").decode().rstrip("="),
    urlsafe_b64encode(b"User:\xff\xfe").decode().rstrip("="),
    urlsafe_b64encode(b"User:" + b"x" * 65).decode().rstrip("="),
    "x" * 100_000,
    "é",
]


@pytest.mark.parametrize("id", MALFORMED, ids=range(len(MALFORMED)))
async def test_an_id_that_was_never_given_is_an_error(tiny: Asker, id: str):
    for query in ("query($id: ID!) { node(id: $id) { id } }", "query($id: ID!) { user(id: $id) { id } }"):
        code, message = await tiny.error(query, id=id)
        assert code == "INVALID_ID"
        assert len(message) < 200


async def test_an_id_of_another_kind_is_an_error(tiny: Asker):
    code, message = await tiny.error("query($id: ID!) { user(id: $id) { id } }", id=gid(NodeKind.PIN, "fern"))
    assert (code, message) == ("INVALID_ID", "this is the id of a Pin; give the id of a User")


@pytest.mark.parametrize("arguments", ["", '(id: "VXNlcjphZGE", key: "ada")', "(id: null, key: null)"])
async def test_neither_and_both_of_id_and_key_is_an_error(tiny: Asker, arguments: str):
    code, message = await tiny.error(f"{{ user{arguments} {{ id }} }}")
    assert code == "BAD_USER_INPUT"
    assert "exactly one" in message


@pytest.mark.parametrize("key", ["", "a\0b", "x" * 65, "x" * 100_000, "\x85"])
async def test_a_key_that_can_be_no_id_is_an_error(tiny: Asker, key: str):
    code, message = await tiny.error("query($key: String!) { pin(key: $key) { id } }", key=key)
    assert code == "BAD_USER_INPUT"
    assert message.startswith("key ")
    assert len(message) < 200
