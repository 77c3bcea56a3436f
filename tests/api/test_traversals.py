"""Neighbourhoods, paths and search through the API."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest

from graph.model import NodeKind
from graph.visibility import STRANGER
from tests.api.conftest import Asker, gid

NEIGHBOURHOOD = """query($id: ID!, $hops: Int! = 1, $first: Int! = 100, $kinds: [EdgeKind!]) { node(id: $id) {
    neighbourhood(hops: $hops, first: $first, edgeKinds: $kinds) {
        nodes { distance node { __typename key } }
        edges { kind predicate source { key } target { key } } edgesLeftOut
        cut { node { key } kind outgoing leftOut total atLeast }
    }
} }"""
FERN = gid(NodeKind.PIN, "fern")


async def around(asker: Asker, id: str = FERN, **variables: Any) -> dict[str, Any]:
    return (await asker.data(NEIGHBOURHOOD, id=id, **variables))["node"]["neighbourhood"]


async def test_what_is_one_hop_away(tiny: Asker):
    found = await around(tiny)
    assert [(near["distance"], near["node"]["key"]) for near in found["nodes"]] == [
        (0, "fern"),
        (1, "ada"),
        (1, "cem"),
        (1, "ada-garden"),
        (1, "cem-home"),
        (1, "gardening"),
        (1, "polypodium"),
    ]
    assert ("SAVED", "ada", "fern") in {(e["kind"], e["source"]["key"], e["target"]["key"]) for e in found["edges"]}
    assert found["edgesLeftOut"] == 0


async def test_what_does_not_fit_is_said(tiny: Asker):
    found = await around(tiny, first=3)
    assert len(found["nodes"]) == 3
    at_fern = {cut["kind"]: cut for cut in found["cut"] if cut["node"]["key"] == "fern"}
    assert at_fern["IS"] == {
        "node": {"key": "fern"}, "kind": "IS", "outgoing": True, "leftOut": 1, "total": 1, "atLeast": False,
    }  # fmt: skip


async def test_only_some_kinds_of_edges(tiny: Asker):
    found = await around(tiny, hops=2, kinds=["IS", "RELATES"])
    assert {near["node"]["key"] for near in found["nodes"]} == {"fern", "polypodium", "plant", "rosa"}
    assert {(edge["kind"], edge["predicate"]) for edge in found["edges"]} == {
        ("IS", None), ("RELATES", "kind_of"), ("RELATES", "grows_near"),
    }  # fmt: skip


@pytest.mark.parametrize("kind", NodeKind)
async def test_every_kind_of_node_has_one(tiny: Asker, kind: NodeKind):
    key = tiny.snapshot.nodes[kind].id_of(0)
    found = await around(tiny, gid(kind, key), hops=3)
    assert found["nodes"][0] == {"distance": 0, "node": {"__typename": kind.value, "key": key}}


async def test_nobody_sees_around_a_secret_board(tiny: Asker):
    assert "ada-wedding" in str(await around(tiny, gid(NodeKind.PIN, "dress"), hops=2))
    tiny.see_as(STRANGER)
    found = await around(tiny, gid(NodeKind.PIN, "dress"), hops=2)
    assert "ada-wedding" not in str(found)
    assert "ada" not in {near["node"]["key"] for near in found["nodes"]}


async def test_measures_are_networkxs_own(planted: Asker):
    data = await planted.data("""{ pin(key: "p000") { neighbourhood(hops: 2, first: 60) {
        nodes { degree betweenness community node { __typename key } }
        edges { source { __typename key } target { __typename key } } edgesLeftOut
    } } }""")
    found = data["pin"]["neighbourhood"]
    assert found["edgesLeftOut"] == 0
    name = lambda node: (node["__typename"], node["key"])  # noqa: E731
    graph = nx.MultiGraph()
    graph.add_nodes_from(name(near["node"]) for near in found["nodes"])
    graph.add_edges_from((name(edge["source"]), name(edge["target"])) for edge in found["edges"])
    between = nx.betweenness_centrality(nx.Graph(graph))
    for near in found["nodes"]:
        node = name(near["node"])
        assert near["degree"] == graph.degree[node]
        assert near["betweenness"] == pytest.approx(between[node])
    numbers = [near["community"] for near in found["nodes"]]
    sizes = [numbers.count(number) for number in range(max(numbers) + 1)]
    assert sizes == sorted(sizes, reverse=True)
    assert min(sizes) > 0


async def test_edges_are_bounded(planted: Asker, monkeypatch: pytest.MonkeyPatch):
    whole = await around(planted, gid(NodeKind.PIN, "p000"), hops=2)
    monkeypatch.setattr("gql.objects.neighbourhood.EDGES_MAX", 10)
    found = await around(planted, gid(NodeKind.PIN, "p000"), hops=2)
    assert found["edges"] == whole["edges"][:10]
    assert found["edgesLeftOut"] == len(whole["edges"]) - 10


@pytest.mark.parametrize("bad", [{"hops": 0}, {"hops": 4}, {"first": 0}, {"first": 201}])
async def test_neighbourhoods_are_bounded(tiny: Asker, bad: dict[str, int]):
    code, message = await tiny.error(NEIGHBOURHOOD, id=FERN, **bad)
    ((name, value),) = bad.items()
    assert code == "BAD_USER_INPUT"
    assert message.startswith(f"`{name}` is {value}; give 1 to ")


PATH = """query($from: ID!, $to: ID!, $hops: Int! = 4, $first: Int! = 20, $kinds: [EdgeKind!]) {
    path(from: $from, to: $to, maxHops: $hops, first: $first, edgeKinds: $kinds) {
        hops nodes { key } edges { kind predicate source { key } target { key } }
    }
}"""


async def paths(
    asker: Asker, start: tuple[NodeKind, str], end: tuple[NodeKind, str], **variables: Any
) -> list[dict[str, Any]]:
    return (await asker.data(PATH, **{"from": gid(*start), "to": gid(*end)}, **variables))["path"]


async def test_shortest_paths(tiny: Asker):
    found = await paths(tiny, (NodeKind.PIN, "fern"), (NodeKind.PIN, "rose"))
    assert [[node["key"] for node in path["nodes"]] for path in found] == [
        ["fern", "ada", "rose"],
        ["fern", "ada-garden", "rose"],
        ["fern", "gardening", "rose"],
    ]
    assert found[0]["hops"] == 2
    assert [(e["kind"], e["source"]["key"], e["target"]["key"]) for e in found[2]["edges"]] == [
        ("ABOUT", "fern", "gardening"),
        ("ABOUT", "rose", "gardening"),
    ]


async def test_a_path_names_its_relations(tiny: Asker):
    (path,) = await paths(tiny, (NodeKind.ENTITY, "rheum"), (NodeKind.ENTITY, "polypodium"))
    assert [edge["predicate"] for edge in path["edges"]] == ["kind_of", "kind_of"]


async def test_a_path_over_some_kinds_of_edges(tiny: Asker):
    ends = (NodeKind.PIN, "fern"), (NodeKind.PIN, "rose")
    (path,) = await paths(tiny, *ends, kinds=["IS", "RELATES"], first=1)
    assert [node["key"] for node in path["nodes"]] == ["fern", "polypodium", "rosa", "rose"]
    assert await paths(tiny, *ends, kinds=["OWNS"]) == []


async def test_from_a_node_to_itself(tiny: Asker):
    assert await paths(tiny, (NodeKind.PIN, "fern"), (NodeKind.PIN, "fern")) == [
        {"hops": 0, "nodes": [{"key": "fern"}], "edges": []}
    ]


async def test_too_far_and_not_at_all(tiny: Asker):
    assert await paths(tiny, (NodeKind.PIN, "fern"), (NodeKind.PIN, "soup"), hops=1) == []
    assert await paths(tiny, (NodeKind.PIN, "fern"), (NodeKind.USER, "dot")) == []
    assert len(await paths(tiny, (NodeKind.PIN, "fern"), (NodeKind.PIN, "rose"), first=2)) == 2


async def test_paths_of_others_avoid_what_is_private(tiny: Asker):
    ends = (NodeKind.USER, "ada"), (NodeKind.PIN, "dress")
    assert [path["hops"] for path in await paths(tiny, *ends)] == [1]
    tiny.see_as(STRANGER)
    assert await paths(tiny, *ends) == []


async def test_an_end_that_is_not_there(tiny: Asker):
    nobody = gid(NodeKind.PIN, "nobody")
    for ends in ((nobody, FERN), (FERN, nobody)):
        code, message = await tiny.error(PATH, **{"from": ends[0], "to": ends[1]})
        assert (code, message) == ("NOT_FOUND", "there is no Pin 'nobody'; look it up with `search`")
    tiny.see_as(STRANGER)
    secret = gid(NodeKind.BOARD, "ada-wedding")
    assert (await tiny.error(PATH, **{"from": secret, "to": FERN}))[0] == "NOT_FOUND"


@pytest.mark.parametrize("bad", [{"hops": -1}, {"hops": 7}, {"first": 0}, {"first": 21}])
async def test_paths_are_bounded(tiny: Asker, bad: dict[str, int]):
    code, _ = await tiny.error(PATH, **{"from": FERN, "to": FERN}, **bad)
    assert code == "BAD_USER_INPUT"


SEARCH = """query($text: String!, $kinds: [Kind!], $first: Int, $after: String) {
    search(text: $text, kinds: $kinds, first: $first, after: $after) {
        totalCount edges { cursor score node { __typename key } } pageInfo { hasNextPage endCursor }
    }
}"""


async def found(asker: Asker, text: str, **variables: Any) -> list[str]:
    edges = (await asker.data(SEARCH, text=text, **variables))["search"]["edges"]
    return [f"{edge['node']['__typename']}:{edge['node']['key']}" for edge in edges]


async def test_search_finds_all_kinds_and_forgives_a_typo(tiny: Asker):
    assert set(await found(tiny, "garden")) >= {
        "Pin:moss",
        "Pin:pie",
        "Board:ada-garden",
        "Board:cem-home",
        "Interest:gardening",
    }
    assert "Pin:bread" in await found(tiny, "sourduogh")
    assert await found(tiny, "garden", kinds=["INTEREST"]) == ["Interest:gardening"]
    assert await found(tiny, "zzzzzz") == []


async def test_search_finds_nothing_secret_for_others(tiny: Asker):
    assert "Board:ada-wedding" in await found(tiny, "wedding")
    tiny.see_as(STRANGER)
    data = await tiny.data(SEARCH, text="wedding")
    assert "ada-wedding" not in str(data)
    assert data["search"]["totalCount"] == len(data["search"]["edges"])


async def test_search_is_paged(planted: Asker):
    whole = (await planted.data(SEARCH, text="pin", first=100))["search"]
    seen: list[dict[str, Any]] = []
    after, more = None, True
    while more and len(seen) < 100:
        answer = (await planted.data(SEARCH, text="pin", first=9, after=after))["search"]
        assert answer["totalCount"] == whole["totalCount"] == 80
        seen += answer["edges"]
        after, more = answer["pageInfo"]["endCursor"], answer["pageInfo"]["hasNextPage"]
    assert seen == whole["edges"]


@pytest.mark.parametrize(
    "bad", [{"text": ""}, {"text": "x" * 201}, {"text": "x", "kinds": []}, {"text": "x", "first": 0}]
)
async def test_search_is_bounded(tiny: Asker, bad: dict[str, Any]):
    code, _ = await tiny.error(SEARCH, **bad)
    assert code == "BAD_USER_INPUT"


@pytest.mark.parametrize("text", [" ", "\0", '"', "(", "a AND", "*", "title:x", "-", "\\", "😀", "a" * 200])
async def test_search_takes_whatever_people_type(tiny: Asker, text: str):
    await tiny.data(SEARCH, text=text)
