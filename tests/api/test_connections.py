"""Pages of edges: what is on them and in what order, and that cursors keep their place whatever happens in between."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from gql.release import Served
from graph.model import EventKind, NodeKind
from graph.visibility import STRANGER
from recommend.serving import Serving
from tests.api.conftest import Asker
from tests.api.planted import INTERESTS, PINS, SHARED_BOARD, USERS, first_events, plant, saves
from tests.graphs import day, event

CONNECTIONS = {
    "saves": ('user(key: "u03")', "saves", "at node { key } board { key }"),
    "user boards": ('user(key: "u03")', "boards", "node { key }"),
    "follows": ('user(key: "u03")', "follows", "at node { __typename key }"),
    "savers": ('pin(key: "p000")', "savers", "at node { key } board { key }"),
    "pin boards": ('pin(key: "p000")', "boards", "at node { key } by { key }"),
    "pin interests": ('pin(key: "p000")', "interests", "score node { key }"),
    "entities": ('pin(key: "p000")', "entities", "node { key }"),
    "board pins": (f'board(key: "{SHARED_BOARD}")', "pins", "at node { key } by { key }"),
    "children": ('interest(key: "art")', "children", "node { key }"),
    "interest pins": ('interest(key: "art")', "pins", "score node { key }"),
    "followers": ('interest(key: "art")', "followers", "at node { key }"),
    "entity pins": ('entity(key: "e00")', "pins", "node { key }"),
    "relations": ('entity(key: "e00")', "relations", "predicate node { key }"),
    "inverse relations": ('entity(key: "e00")', "inverseRelations", "predicate node { key }"),
}


async def page(asker: Asker, root: str, field: str, edge: str, first: int, after: str | None = None) -> dict[str, Any]:
    query = f"""query($first: Int, $after: String) {{ root: {root} {{ page: {field}(first: $first, after: $after) {{
        edges {{ cursor {edge} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
    }} }} }}"""
    return (await asker.data(query, first=first, after=after))["root"]["page"]


async def through(asker: Asker, root: str, field: str, edge: str, size: int) -> list[dict[str, Any]]:
    """All edges, page by page."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        answer = await page(asker, root, field, edge, size, after)
        info, edges = answer["pageInfo"], answer["edges"]
        assert info["hasPreviousPage"] == (after is not None)
        assert info["startCursor"] == (edges[0]["cursor"] if edges else None)
        assert info["endCursor"] == (edges[-1]["cursor"] if edges else None)
        found += edges
        if not info["hasNextPage"]:
            return found
        assert len(edges) == size
        after = info["endCursor"]


@pytest.mark.parametrize("viewer", ["admin", "owner", "stranger"])
@pytest.mark.parametrize("name", CONNECTIONS)
async def test_pages_put_together_are_the_whole(planted: Asker, name: str, viewer: str):
    if viewer == "owner":
        planted.see_as_user("u03")
    elif viewer == "stranger":
        planted.see_as(STRANGER)
    connection = CONNECTIONS[name]
    whole = await through(planted, *connection, size=100)
    if not whole:
        assert viewer == "stranger"
    assert len({edge["cursor"] for edge in whole}) == len(whole)
    for size in (1, 3, 7):
        assert await through(planted, *connection, size=size) == whole
    if name != "follows":
        counted = await planted.data(
            f"{{ root: {connection[0]} {{ page: {connection[1]}(first: 1) {{ totalCount }} }} }}"
        )
        assert counted["root"]["page"]["totalCount"] == len(whole)


async def test_saves_are_newest_first_and_one_edge_a_board(tiny: Asker):
    saves_ = await through(tiny, 'user(key: "bo")', "saves", "at node { key } board { key }", 100)
    assert [(edge["node"]["key"], edge["board"], edge["at"]) for edge in saves_] == [
        ("pie", {"key": "bo-kitchen"}, "2024-05-07T00:00:00.000Z"),
        ("soup", {"key": "bo-kitchen"}, "2024-05-02T00:00:00.000Z"),
        ("bread", {"key": "bo-kitchen"}, None),
    ]


async def test_what_each_connection_says_on_a_graph_that_can_be_read(tiny: Asker):
    data = await tiny.data("""{
        pin(key: "pie") {
            savers { totalCount edges { node { key } board { key } } }
            boards { edges { node { key } by { key } at } }
            interests { edges { node { key } score } }
            entities { edges { node { key } } }
        }
        bread: pin(key: "bread") { interests { edges { node { key } score } } }
        board(key: "ada-garden") { pins { edges { node { key } by { key } } } }
        cem: user(key: "cem") { boards { edges { node { key } } } follows { edges { node { __typename key } at } } }
        interest(key: "gardening") {
            pins { edges { node { key } score } }
            followers { edges { node { key } at } }
            children { edges { node { key } } }
        }
        outdoors: interest(key: "outdoors") { children { edges { node { key } } } }
        entity(key: "rosa") { pins { edges { node { key } } } relations { edges { predicate node { key } } } }
        polypodium: entity(key: "polypodium") { inverseRelations { edges { predicate node { key } } } }
    }""")
    edges = lambda connection: connection["edges"]  # noqa: E731
    assert data["pin"]["savers"] == {
        "totalCount": 3,
        "edges": [
            {"node": {"key": "cem"}, "board": {"key": "cem-home"}},
            {"node": {"key": "bo"}, "board": {"key": "bo-kitchen"}},
            {"node": {"key": "ada"}, "board": None},
        ],
    }
    assert edges(data["pin"]["boards"]) == [
        {"node": {"key": "cem-home"}, "by": {"key": "cem"}, "at": "2024-05-08T00:00:00.000Z"},
        {"node": {"key": "bo-kitchen"}, "by": {"key": "bo"}, "at": "2024-05-07T00:00:00.000Z"},
    ]
    assert edges(data["pin"]["interests"]) == [
        {"node": {"key": "baking"}, "score": 0.75},
        {"node": {"key": "gardening"}, "score": 0.25},
    ]
    assert edges(data["pin"]["entities"]) == [{"node": {"key": "rheum"}}]
    assert edges(data["bread"]["interests"]) == [{"node": {"key": "baking"}, "score": None}]
    assert [edge["node"]["key"] for edge in edges(data["board"]["pins"])] == ["rose", "moss", "fern"]
    assert edges(data["cem"]["boards"]) == [{"node": {"key": "cem-home"}}]
    assert edges(data["cem"]["follows"]) == [
        {"node": {"__typename": "User", "key": "ada"}, "at": "2024-05-04T00:00:00.000Z"},
        {"node": {"__typename": "Board", "key": "ada-garden"}, "at": "2024-05-04T00:00:00.000Z"},
    ]
    assert [edge["node"]["key"] for edge in edges(data["interest"]["pins"])] == ["fern", "moss", "pie", "rose"]
    assert edges(data["interest"]["followers"]) == [{"node": {"key": "ada"}, "at": "2024-05-02T00:00:00.000Z"}]
    assert edges(data["interest"]["children"]) == []
    assert edges(data["outdoors"]["children"]) == [{"node": {"key": "gardening"}}]
    assert edges(data["entity"]["pins"]) == [{"node": {"key": "rose"}}]
    assert edges(data["entity"]["relations"]) == [
        {"predicate": "kind_of", "node": {"key": "plant"}},
        {"predicate": "grows_near", "node": {"key": "polypodium"}},
    ]
    assert edges(data["polypodium"]["inverseRelations"]) == [{"predicate": "grows_near", "node": {"key": "rosa"}}]


async def test_private_saves_are_neither_shown_nor_counted(tiny: Asker):
    async def seen() -> tuple[list[str], int]:
        data = await tiny.data('{ user(key: "ada") { saves { totalCount edges { node { key } } } } }')
        saves_ = data["user"]["saves"]
        return [edge["node"]["key"] for edge in saves_["edges"]], saves_["totalCount"]

    everything = (["pie", "dress", "rose", "moss", "fern"], 5)
    assert await seen() == everything
    tiny.see_as_user("ada")
    assert await seen() == everything
    tiny.see_as_user("bo")
    assert await seen() == (["rose", "moss", "fern"], 3)
    tiny.see_as(STRANGER)
    assert await seen() == (["rose", "moss", "fern"], 3)


async def test_followed_users_are_private(tiny: Asker):
    tiny.see_as(STRANGER)
    data = await tiny.data(
        '{ user(key: "cem") { follows { edges { node { key } } } boards { edges { node { key } } } } }'
    )
    assert [edge["node"]["key"] for edge in data["user"]["follows"]["edges"]] == ["ada-garden"]


def key_of(edge: dict[str, Any]) -> tuple[Any, ...]:
    return (edge["node"]["key"], edge["at"], (edge.get("board") or {}).get("key"), (edge.get("by") or {}).get("key"))


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> list[Served]:
    """The graph at three moments: as planted; with many more saves; with fewer, and pins, boards and users gone."""
    events = first_events()
    more = saves(seed=99, count=400)
    more += [event(EventKind.SAVE, user, "p000", day(2), board=f"{user}-a") for user in USERS]
    more += [event(EventKind.FOLLOW, "u03", name, day(2), target_kind=NodeKind.INTEREST) for name in INTERESTS]
    gone = {*PINS[1::9], "u01", "u17-a", "u03-b"}
    folder = tmp_path_factory.mktemp("changing")
    snapshots = [plant(folder, events), plant(folder, events + more), plant(folder, events + more[::2], gone=gone)]
    return [Served.of(Serving.of(snapshot)) for snapshot in snapshots]


@pytest.mark.parametrize("name", ["saves", "savers", "pin boards", "board pins", "follows"])
@pytest.mark.parametrize("size", [1, 5])
async def test_pages_neither_repeat_nor_skip_when_rows_come_and_go(
    planted: Asker, changing: list[Served], name: str, size: int
):
    """One page from each of the three in turn."""
    connection = CONNECTIONS[name]
    whole: list[set[tuple[Any, ...]]] = []
    for served in changing:
        planted.api.releases.current = served
        whole.append({key_of(edge) for edge in await through(planted, *connection, size=100)})
    always = set.intersection(*whole)
    assert len(always) > 5
    assert len(whole[1]) > len(whole[0]) > 0

    seen: list[dict[str, Any]] = []
    after, more, turn = None, True, 0
    while more:
        planted.api.releases.current = changing[turn % 3]
        answer = await page(planted, *connection, size, after)
        seen += answer["edges"]
        after, more, turn = answer["pageInfo"]["endCursor"], answer["pageInfo"]["hasNextPage"], turn + 1
    keys = [key_of(edge) for edge in seen]
    assert len(keys) == len(set(keys)), "a page repeated an edge"
    assert always <= set(keys), "a page skipped an edge that was there all along"


@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
@pytest.mark.parametrize("name", CONNECTIONS)
async def test_first_is_1_to_100(planted: Asker, name: str, first: int):
    root, field, _ = CONNECTIONS[name]
    code, message = await planted.error(
        f"query($first: Int) {{ {root} {{ {field}(first: $first) {{ __typename }} }} }}", first=first
    )
    assert (code, message) == ("BAD_USER_INPUT", f"`first` is {first}; give 1 to 100")


async def test_first_of_null_means_20(planted: Asker):
    data = await planted.data(
        '{ pin(key: "p000") { a: savers(first: null) { edges { cursor } } b: savers { edges { cursor } } } }'
    )
    assert len(data["pin"]["a"]["edges"]) == len(data["pin"]["b"]["edges"]) == 20


def cursor(*parts: Any) -> str:
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


BAD_CURSORS = [
    "",
    "nonsense",
    "é",
    "x" * 100_000,
    urlsafe_b64encode(b"\xff\xfe").decode(),
    cursor("SaverConnection", None, "u00", None),
    cursor("SaveConnection"),
    cursor("SaveConnection", None, "p000"),
    cursor("SaveConnection", "now", "p000", None),
    cursor("SaveConnection", 1.5, "p000", None),
    cursor("SaveConnection", True, "p000", None),
    cursor("SaveConnection", None, 7, None),
    cursor("SaveConnection", None, None, None),
    cursor("SaveConnection", None, "p000", None, None),
    cursor("SaveConnection", 2**80, "p000", None),
    cursor({"SaveConnection": 1}),
]


@pytest.mark.parametrize("after", BAD_CURSORS, ids=range(len(BAD_CURSORS)))
async def test_a_cursor_of_something_else_is_an_error(planted: Asker, after: str):
    code, message = await planted.error(
        'query($after: String) { user(key: "u03") { saves(after: $after) { edges { cursor } } } }', after=after
    )
    assert code == "INVALID_CURSOR"
    assert "SaveConnection" in message


@pytest.mark.parametrize("parts", [(2**63, "p000", None), (-(2**63), "p000", None), (0, "", ""), (0, "\0", "zzz")])
async def test_a_cursor_at_the_edge_of_what_sorts_is_a_place_like_any_other(planted: Asker, parts: tuple[Any, ...]):
    await planted.data(
        'query($after: String) { user(key: "u03") { saves(after: $after) { edges { cursor } } } }',
        after=cursor("SaveConnection", *parts),
    )


async def test_a_follow_cursor_names_a_kind_that_can_be_followed(planted: Asker):
    query = 'query($after: String) { user(key: "u03") { follows(after: $after) { edges { cursor } } } }'
    for kind in ("Pin", "Robot"):
        code, _ = await planted.error(query, after=cursor("FollowConnection", None, kind, "p000"))
        assert code == "INVALID_CURSOR"


async def test_secret_boards_are_not_counted_in_the_service_either(tiny: Asker):
    async def boards() -> int:
        counts = (await tiny.data("{ service { counts { kind count } } }"))["service"]["counts"]
        return {line["kind"]: line["count"] for line in counts}["BOARD"]

    assert await boards() == 5
    tiny.see_as(STRANGER)
    assert await boards() == 4
