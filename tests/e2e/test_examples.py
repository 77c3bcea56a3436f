"""The queries that GraphiQL opens with, asked of the demo's server: each has an answer, and none an error."""

from __future__ import annotations

import json
import urllib.request

import pytest

from gql.graphiql.page import EXAMPLES, ExampleQuery, read_examples

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("example", read_examples(EXAMPLES), ids=lambda example: example.name)
def test_an_example_is_answered(demo_server: str, example: ExampleQuery):
    body = json.dumps({"query": example.query, "variables": json.loads(example.variables or "{}")}).encode()
    request = urllib.request.Request(f"{demo_server}/graphql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    assert "errors" not in answer
    (found,) = answer["data"].values()
    assert found
