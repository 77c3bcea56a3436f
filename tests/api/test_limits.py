"""How large a document may be: each limit at its edge, and documents that were built to be expensive."""

from __future__ import annotations

import pytest
from graphql import get_introspection_query

from gql.settings import ServeSettings
from graph.settings import Home
from tests.api.conftest import Asker, Serve

LIMITS = ServeSettings()


def nested(levels: int) -> str:
    """A query whose deepest field is on a level: 2 + 2 for each step from an interest to its parent."""
    assert levels >= 2
    return '{ interest(key: "gardening") ' + "{ parent " * (levels - 2) + "{ key }" + " }" * (levels - 2) + " }"


async def refused(asker: Asker, query: str, what: str) -> None:
    code, message = await asker.error(query)
    assert code == "DOCUMENT_TOO_COMPLEX"
    assert message.endswith(f"{what}; ask in smaller parts")


async def test_depth(tiny: Asker):
    await tiny.data(nested(LIMITS.depth_max))
    await refused(tiny, nested(LIMITS.depth_max + 1), "levels of fields")
    await refused(tiny, nested(150), "levels of fields")


async def test_depth_counts_through_fragments(tiny: Asker):
    deep = 'fragment F on Interest { parent { parent { parent { key } } } } { interest(key: "food") { %s } }'
    await tiny.data(deep % "...F")
    await refused(tiny, deep % ("parent { " * 12 + "...F" + " }" * 12), "levels of fields")


async def test_aliases(tiny: Asker):
    def query(count: int) -> str:
        return "{ " + " ".join(f"a{number}: __typename" for number in range(count)) + " }"

    await tiny.data(query(LIMITS.aliases_max))
    await refused(tiny, query(LIMITS.aliases_max + 1), "aliases")


async def test_aliases_count_as_often_as_their_fragment_is_spread(tiny: Asker):
    fragment = "fragment F on Interest { " + " ".join(f"a{number}: key" for number in range(20)) + " } "
    spreads = " ".join(f'a{number}: interest(key: "food") {{ ...F }}' for number in range(3))
    await refused(tiny, fragment + "{ " + spreads + " }", "aliases")


async def test_fields_under_one_name(tiny: Asker):
    def query(count: int) -> str:
        return '{ interest(key: "food") { ' + "key " * count + "} }"

    assert await tiny.data(query(LIMITS.fields_per_name_max)) == {"interest": {"key": "food"}}
    await refused(tiny, query(LIMITS.fields_per_name_max + 1), "fields under one name")


async def test_fields_under_one_name_merge_over_objects_and_fragments(tiny: Asker):
    many = '{ interest(key: "food") { ' + "key " * 11 + "} "
    await refused(tiny, many + many[1:] + "}", "fields under one name")
    await refused(tiny, many + '... { interest(key: "food") { ' + "key " * 11 + "} } }", "fields under one name")


async def test_tokens(serve: Serve, tiny_home: Home):
    asker = await serve(tiny_home, document_tokens_max=50)
    await asker.data("{ " + "__typename " * 12 + "... on Query { __typename } " * 6 + "}")
    await refused(asker, "{ " + "__typename " * 12 + "... on Query { __typename } " * 7 + "}", "tokens")
    await refused(asker, "{ __typename } " + "#\n" * 51, "tokens")


async def test_brackets_without_end(tiny: Asker):
    await refused(tiny, "{ pin(key: " + "[" * 2000 + "]" * 2000 + ") { key } }", "tokens")


async def test_bytes(serve: Serve, tiny_home: Home):
    asker = await serve(tiny_home, document_bytes_max=100)
    await asker.data("{ __typename }" + " " * 86)
    await refused(asker, "{ __typename }" + " " * 87, "bytes")
    await refused(asker, "{ __typename } #" + "é" * 43, "bytes")


def chain(kind: str, body: str, links: int) -> str:
    """Fragments F0, F1, …, each of which spreads the next one as `body` says."""
    return " ".join(
        f"fragment F{number} on {kind} {{ {body.replace('NEXT', f'...F{number + 1}')} }}" for number in range(links)
    )


HOSTILE = {
    "1 MB": "{ a" * 100_000,
    "10,000 aliases": "{ " + " ".join(f"a{number}: __typename" for number in range(10_000)) + " }",
    "depth of 1,000": nested(1_000),
    # 2 to the 30th fields, were they all counted.
    "doubling fragments": "{ ...F0 } " + chain("Query", "node(id: 1) { id } NEXT NEXT", 30),
    "doubling objects": "{ user(key: 1) { ...F0 } } " + chain("User", "a: x { NEXT } b: x { NEXT }", 40),
    "a cycle of fragments": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "a cycle through a field": "{ ...A } fragment A on Query { node(id: 1) { ... on Interest { parent { ...B } } } } "
    "fragment B on Interest { parent { ...B } }",
    "overlapping fields": "{ " + '... { user(key: "a") { key } } ' * 90 + "}",
    "introspection in circles": "{ __schema { types " + "{ fields { type " * 4 + "{ name }" + " } }" * 4 + " } }",
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_documents_are_refused(serve: Serve, tiny_home: Home, name: str):
    asker = await serve(tiny_home, body_bytes_max=2**21)
    for _ in range(3):
        answer = await asker.answer(HOSTILE[name])
        assert "data" not in answer
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes <= {"DOCUMENT_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED"}
        assert len(answer["errors"]) <= 11
    assert await asker.data("{ __typename }") == {"__typename": "Query"}


async def test_the_introspection_of_common_clients_is_not_too_much(tiny: Asker):
    more = {"specified_by_url": True, "directive_is_repeatable": True, "schema_description": True}
    query = get_introspection_query(**more, input_value_deprecation=True)
    data = await tiny.data(query)
    assert {type_["name"] for type_ in data["__schema"]["types"]} >= {"User", "Pin", "Board", "Interest", "Entity"}


async def test_lists_are_bounded(tiny: Asker):
    query = "query($ids: [ID!]!) { relatedInterests(ids: $ids) { edges { cursor } } }"
    for ids in ([], ["x"] * 1001):
        assert await tiny.error(query, ids=ids) == ("BAD_USER_INPUT", f"`ids` is {len(ids)}; give 1 to 1000")


async def test_a_document_is_prepared_once(tiny: Asker):
    def prepared() -> float:
        return tiny.api.metrics.registry.get_sample_value("tastegraph_documents_prepared_total") or 0

    for query in ("{ __typename }", "{ nothing }", "{"):
        before = prepared()
        answers = [await tiny.answer(query) for _ in range(3)]
        assert prepared() == before + 1
        for answer in answers:
            for error in answer.get("errors", []):
                error["extensions"].pop("requestId")
        assert answers[0] == answers[1] == answers[2]
