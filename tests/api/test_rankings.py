"""Related nodes, interests and feeds through the API: order, reasons, privacy, pages. What ranks well is not tested here."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from graph.model import NodeKind
from graph.schema import LINKS, Link
from graph.visibility import STRANGER
from tests.api.conftest import Asker, gid

RANKINGS = {
    "related pins": ('pin(key: "p000")', "relatedPins", "Pin"),
    "related boards": ('pin(key: "p000")', "relatedBoards", "Board"),
    "interests of a pin's people": ('pin(key: "p000")', "relatedInterests", "Interest"),
    "boards like a board": ('board(key: "u03-a")', "relatedBoards", "Board"),
    "pins for a board": ('board(key: "u03-a")', "recommendedPins", "Pin"),
    "a board's interests": ('board(key: "u03-a")', "interests", "Interest"),
    "pins for an interest": ('interest(key: "art")', "relatedPins", "Pin"),
    "interests like an interest": ('interest(key: "art")', "relatedInterests", "Interest"),
    "users like a user": ('user(key: "u03")', "relatedUsers", "User"),
    "a feed": ('user(key: "u03")', "feed", "Pin"),
}
EDGE = """cursor score node { __typename id key }
    reasons { text source share path { __typename key } edges { kind source { __typename key } target { __typename key } } }"""


async def page(asker: Asker, name: str, first: int, after: str | None = None) -> dict[str, Any]:
    root, field, _ = RANKINGS[name]
    query = f"""query($first: Int, $after: String) {{ root: {root} {{ id page: {field}(first: $first, after: $after) {{
        source asOf versions {{ release snapshot model }} edges {{ {EDGE} }} pageInfo {{ hasNextPage endCursor }}
    }} }} }}"""
    root_ = (await asker.data(query, first=first, after=after))["root"]
    return {**root_["page"], "asked": root_["id"]}


@pytest.mark.parametrize("name", RANKINGS)
async def test_every_item_has_a_score_and_reasons_that_hold(planted: Asker, name: str):
    answer = await page(planted, name, 20)
    assert answer["source"] in {"WALK", "POPULAR"}
    assert answer["asOf"] == "2024-06-01T00:00:00.000Z"
    assert answer["versions"] == {
        "release": "20240601T000000Z-bbbbbb",
        "snapshot": planted.snapshot.version,
        "model": None,
    }
    edges = answer["edges"]
    assert edges
    assert {edge["node"]["__typename"] for edge in edges} == {RANKINGS[name][2]}
    ids = [edge["node"]["id"] for edge in edges]
    assert len(set(ids)) == len(ids)
    assert answer["asked"] not in ids
    scores = [edge["score"] for edge in edges]
    assert scores == sorted(scores, reverse=True)
    for edge in edges:
        reasons = edge["reasons"]
        assert sum(reason["share"] for reason in reasons) == pytest.approx(1)
        assert [r["share"] for r in reasons] == sorted((r["share"] for r in reasons), reverse=True)
        for reason in reasons:
            check_path(planted, reason, edge["node"])


def check_path(asker: Asker, reason: dict[str, Any], item: dict[str, Any]) -> None:
    """The nodes of a reason are joined by its edges, end with the item, and its edges are in the snapshot."""
    path, edges = reason["path"], reason["edges"]
    assert reason["text"]
    assert len(path) == (len(edges) + 1 if edges else 0)
    for (before, after), edge in zip(pairwise(path), edges, strict=True):
        assert (edge["source"], edge["target"]) in ((before, after), (after, before))
        table = asker.snapshot.links[Link(edge["kind"])]
        kinds = LINKS[Link(edge["kind"])]
        source = asker.snapshot.nodes[kinds.source].row_of(edge["source"]["key"])
        target = asker.snapshot.nodes[kinds.target].row_of(edge["target"]["key"])
        assert source is not None
        assert target in table.out.neighbours(source)
    if path:
        assert path[-1] == {"__typename": item["__typename"], "key": item["key"]}


@pytest.mark.parametrize("name", RANKINGS)
async def test_pages_put_together_are_the_ranking(planted: Asker, name: str):
    whole = await page(planted, name, 30)
    found: list[dict[str, Any]] = []
    answer = await page(planted, name, 7)
    found += answer["edges"]
    while answer["pageInfo"]["hasNextPage"] and len(found) < 30:
        answer = await page(planted, name, 7, answer["pageInfo"]["endCursor"])
        found += answer["edges"]
    assert found[:30] == whole["edges"]


async def test_a_ranking_ends(planted: Asker):
    seen: list[str] = []
    after, more = None, True
    while more:
        answer = await page(planted, "related pins", 100, after)
        seen += [edge["node"]["key"] for edge in answer["edges"]]
        after, more = answer["pageInfo"]["endCursor"], answer["pageInfo"]["hasNextPage"]
    assert len(seen) == len(set(seen)) <= 200


async def test_a_feed_has_nothing_that_was_saved_or_hidden(planted: Asker):
    data = await planted.data("""{ user(key: "u03") {
        feed(first: 100) { edges { node { key } } } saves(first: 100) { edges { node { key } } }
    } }""")
    fed, saved = ({edge["node"]["key"] for edge in data["user"][field]["edges"]} for field in ("feed", "saves"))
    row = planted.snapshot.nodes[NodeKind.USER].row_of("u03")
    hidden = planted.snapshot.links[Link.HID].out.neighbours(row)
    hid = {planted.snapshot.nodes[NodeKind.PIN].id_of(int(pin)) for pin in hidden}
    assert fed
    assert hid
    assert not fed & (saved | hid)


async def test_pins_for_a_board_are_not_on_it(planted: Asker):
    data = await planted.data("""{ board(key: "u03-a") {
        recommendedPins(first: 100) { edges { node { key } } } pins(first: 100) { edges { node { key } } }
    } }""")
    fits, on_it = (
        {edge["node"]["key"] for edge in data["board"][field]["edges"]} for field in ("recommendedPins", "pins")
    )
    assert fits
    assert on_it
    assert not fits & on_it


async def test_interests_come_with_the_saves_that_show_them(planted: Asker):
    data = await planted.data("""{ user(key: "u03") {
        interests(first: 100) { edges { score node { key } evidence { key interests { edges { node { key } } } } } }
        saves(first: 100) { edges { node { key } } }
    } }""")
    saved = {edge["node"]["key"] for edge in data["user"]["saves"]["edges"]}
    edges = data["user"]["interests"]["edges"]
    assert sum(edge["score"] for edge in edges) == pytest.approx(1)
    assert [edge["score"] for edge in edges] == sorted((edge["score"] for edge in edges), reverse=True)
    for edge in edges:
        for pin in edge["evidence"]:
            assert pin["key"] in saved
            assert edge["node"]["key"] in {about["node"]["key"] for about in pin["interests"]["edges"]}


async def test_interests_are_paged(planted: Asker):
    query = """query($after: String) { user(key: "u03") { interests(first: 2, after: $after) {
        edges { node { key } } pageInfo { hasNextPage endCursor }
    } } }"""
    whole = await planted.data('{ user(key: "u03") { interests { edges { node { key } } } } }')
    first = (await planted.data(query))["user"]["interests"]
    second = (await planted.data(query, after=first["pageInfo"]["endCursor"]))["user"]["interests"]
    assert first["edges"] + second["edges"] == whole["user"]["interests"]["edges"][:4]


@pytest.mark.parametrize("field", ["feed", "interests"])
async def test_feed_and_profile_are_private(planted: Asker, field: str):
    query = f'{{ user(key: "u03") {{ {field} {{ edges {{ cursor }} }} }} }}'
    planted.see_as_user("u03")
    await planted.data(query)
    planted.see_as_user("u04")
    code, message = await planted.error(query)
    assert code == "NOT_FOUND"
    assert "private" in message
    planted.see_as(STRANGER)
    assert (await planted.error(query))[0] == "NOT_FOUND"


async def test_nothing_secret_is_ranked_or_given_as_a_reason_to_others(planted: Asker):
    planted.see_as(STRANGER)
    for name in RANKINGS:
        if name == "a feed":
            continue
        answer = await page(planted, name, 100)
        assert "-secret" not in str(answer)


async def test_interests_that_go_with_several(planted: Asker):
    query = "query($ids: [ID!]!) { relatedInterests(ids: $ids) { source edges { score node { key } reasons { text share } } } }"
    ids = [gid(NodeKind.INTEREST, key) for key in ("art", "film", "art")]
    edges = (await planted.data(query, ids=ids))["relatedInterests"]["edges"]
    keys = [edge["node"]["key"] for edge in edges]
    assert keys
    assert not {"art", "film"} & set(keys)


async def test_interests_that_are_none(planted: Asker):
    query = "query($ids: [ID!]!) { relatedInterests(ids: $ids) { source } }"
    for kind, key, expected in (
        (NodeKind.INTEREST, "nothing", "NOT_FOUND"),
        (NodeKind.PIN, "p000", "INVALID_ID"),
    ):
        code, _ = await planted.error(query, ids=[gid(NodeKind.INTEREST, "art"), gid(kind, key)])
        assert code == expected


async def test_who_has_done_nothing_gets_what_is_popular(tiny: Asker):
    data = await tiny.data(
        '{ user(key: "dot") { feed { source edges { node { key } reasons { source text path { key } } } } } }'
    )
    feed = data["user"]["feed"]
    assert feed["source"] == "POPULAR"
    assert {reason["source"] for edge in feed["edges"] for reason in edge["reasons"]} == {"POPULAR"}


@pytest.mark.parametrize("first", [0, 101])
@pytest.mark.parametrize("name", RANKINGS)
async def test_first_is_1_to_100(planted: Asker, name: str, first: int):
    root, field, _ = RANKINGS[name]
    code, _ = await planted.error(f"{{ {root} {{ {field}(first: {first}) {{ source }} }} }}")
    assert code == "BAD_USER_INPUT"
