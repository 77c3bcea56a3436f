"""The queries that GraphiQL opens with: each is valid, within the limits, and takes the variables that come with it."""

from __future__ import annotations

import json

import pytest
from graphql import OperationDefinitionNode
from graphql.execution import get_variable_values

from gql.api import limits_of
from gql.documents import DocumentCache
from gql.graphiql.page import EXAMPLES, ExampleQuery, read_examples
from gql.schema import make_schema
from gql.settings import ServeSettings

SCHEMA = make_schema()._schema
PREPARED = DocumentCache(make_schema(), limits_of(ServeSettings()), 16, on_miss=lambda: None)


@pytest.mark.parametrize("example", read_examples(EXAMPLES), ids=lambda example: example.name)
def test_an_example_can_be_run(example: ExampleQuery):
    prepared = PREPARED.prepare(example.query)
    assert prepared.errors == ()
    assert prepared.document is not None
    (operation,) = prepared.document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None
    given = json.loads(example.variables or "{}")
    assert set(given) == {variable.variable.name.value for variable in operation.variable_definitions or ()}
    values = get_variable_values(SCHEMA, operation.variable_definitions or [], given)
    assert not isinstance(values, list), values


def test_there_are_a_few_and_their_titles_differ():
    names = [example.name for example in read_examples(EXAMPLES)]
    assert 5 <= len(names) <= 8
    assert len(set(names)) == len(names)
