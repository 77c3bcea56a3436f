"""The schema as a contract: checked in, described throughout, in Relay's shape, and in step with the domain."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)
from graphql.utilities import find_schema_changes

from gql.objects.kinds import AnswerSource, CandidateSource, EdgeKind, Kind
from gql.schema import make_schema, sdl
from graph.model import NodeKind
from graph.schema import Link
from recommend.ranked import Source

CHECKED_IN = Path(__file__).parents[2] / "schema.graphql"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(sdl(make_schema()))


def test_the_checked_in_schema_is_the_one_served():
    assert CHECKED_IN.read_text() == sdl(make_schema()), (
        "run `tastegraph schema > schema.graphql` and look at the difference"
    )


def test_nothing_changed_for_a_client_of_the_checked_in_schema(schema: GraphQLSchema):
    assert find_schema_changes(build_schema(CHECKED_IN.read_text()), schema) == []


def test_everything_is_described(schema: GraphQLSchema):
    missing: list[str] = []
    for name, type_ in schema.type_map.items():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        described = [(name, type_.description)]
        if isinstance(type_, GraphQLEnumType):
            described += [(f"{name}.{value}", found.description) for value, found in type_.values.items()]
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field, found in type_.fields.items():
                described.append((f"{name}.{field}", found.description))
                described += [(f"{name}.{field}({arg}:)", given.description) for arg, given in found.args.items()]
        if isinstance(type_, GraphQLInputObjectType):
            described += [(f"{name}.{field}", found.description) for field, found in type_.fields.items()]
        missing += [where for where, text in described if not text]
    assert missing == []


def test_connections_are_relays(schema: GraphQLSchema):
    connections = [
        (f"{name}.{field}", found)
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType)
        for field, found in type_.fields.items()
        if get_named_type(found.type).name.endswith("Connection")
    ]
    assert len(connections) > 20
    for where, field in connections:
        assert {name: str(arg.type) for name, arg in field.args.items() if name in ("first", "after")} == {
            "first": "Int",
            "after": "String",
        }, where
        connection = get_named_type(field.type)
        assert isinstance(connection, GraphQLObjectType)
        assert str(connection.fields["pageInfo"].type) == "PageInfo!"
        edge = get_named_type(connection.fields["edges"].type)
        assert isinstance(edge, GraphQLObjectType)
        assert str(edge.fields["cursor"].type) == "String!"
        node = get_named_type(edge.fields["node"].type)
        assert isinstance(node, GraphQLInterfaceType | GraphQLObjectType)
        assert node.name == "Node" or "Node" in [interface.name for interface in node.interfaces]


def test_relay_finds_every_kind_of_node(schema: GraphQLSchema):
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {type_.name for type_ in schema.get_possible_types(node)} == {kind.value for kind in NodeKind}
    assert str(schema.query_type.fields["node"].type) == "Node"  # type: ignore[union-attr]
    assert str(schema.query_type.fields["node"].args["id"].type) == "ID!"  # type: ignore[union-attr]


def test_enums_have_all_that_the_domain_has():
    assert {kind.value for kind in Kind} == set(NodeKind)
    assert {kind.value for kind in EdgeKind} == set(Link)
    assert {source.value for source in CandidateSource} == set(Source)
    assert {source.value for source in AnswerSource} == {"GNN", "WALK", "POPULAR"}
