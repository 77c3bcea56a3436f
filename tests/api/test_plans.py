"""Which operations are answered by a plan, and which by graphql-core: told by the metric, the answers being the same."""

from __future__ import annotations

import pytest
import structlog

from gql.plan.prepared import VARIANTS_MAX
from gql.telemetry import By
from tests.api.conftest import Asker

PLANNED = {
    "one field": "{ __typename }",
    "a page": '{ user(key: "ada") { saves { edges { cursor node { id title } } pageInfo { endCursor } totalCount } } }',
    "a ranking with reasons": '{ pin(key: "fern") { relatedPins { edges { reasons { text path { label } } } } } }',
    "an interface": '{ user(key: "cem") { follows { edges { node { __typename ... on Board { title } } } } } }',
    "nothing there": '{ user(key: "nobody") { saves { edges { cursor } } } }',
    "nothing asked": '{ user(key: "ada") { key @skip(if: true) } }',
}


def executed(asker: Asker) -> dict[By, float]:
    value = asker.api.metrics.registry.get_sample_value
    return {by: value("tastegraph_executions_total", {"by": by.value}) or 0 for by in By}


@pytest.mark.parametrize("name", PLANNED)
async def test_a_query_is_planned(tiny: Asker, name: str):
    await tiny.data(PLANNED[name])
    assert executed(tiny) == {By.PLAN: 1, By.CORE: 0, By.CORE_AFTER_PLAN: 0}


async def test_introspection_is_graphql_cores(tiny: Asker):
    await tiny.data("{ __schema { queryType { name } } }")
    assert executed(tiny) == {By.PLAN: 0, By.CORE: 1, By.CORE_AFTER_PLAN: 0}


async def test_an_error_is_graphql_cores_to_tell(tiny: Asker):
    answer = await tiny.answer(
        '{ fern: pin(key: "fern") { title savers(first: 0) { totalCount } } rose: pin(key: "rose") { title } }'
    )
    (error,) = answer["errors"]
    assert error["path"] == ["fern", "savers"]
    assert answer["data"] == {"fern": None, "rose": {"title": "Climbing rose"}}
    assert executed(tiny) == {By.PLAN: 0, By.CORE: 0, By.CORE_AFTER_PLAN: 1}


async def test_variables_that_can_not_be_used_are_graphql_cores_to_refuse(tiny: Asker):
    code, _ = await tiny.error("query($key: String!) { pin(key: $key) { key } }", key=7)
    assert code == "BAD_USER_INPUT"
    assert executed(tiny)[By.PLAN] == 0


async def test_each_answer_to_the_conditions_has_a_plan_of_its_own_up_to_a_bound(tiny: Asker):
    names = [f"c{number}" for number in range(5)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: key @include(if: ${name})" for name in names)
    query = f'query({declared}) {{ pin(key: "fern") {{ __typename {fields} }} }}'
    for bits in range(2 ** len(names)):
        chosen = {name: bool(bits >> place & 1) for place, name in enumerate(names)}
        data = await tiny.data(query, **chosen)
        assert list(data["pin"]) == ["__typename", *(name for name in names if chosen[name])]
    assert executed(tiny) == {By.PLAN: VARIANTS_MAX, By.CORE: 2 ** len(names) - VARIANTS_MAX, By.CORE_AFTER_PLAN: 0}


async def test_a_plan_that_fails_where_graphql_core_does_not_is_told(tiny: Asker, monkeypatch: pytest.MonkeyPatch):
    query = '{ pin(key: "fern") { createdAt } }'
    operation = tiny.api.documents.prepare(query).operation(None)
    assert operation.plans is not None
    ready = operation.plans.ready({})
    assert ready is not None

    async def fail(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(type(ready.plan), "run", fail)
    with structlog.testing.capture_logs() as logs:
        assert await tiny.data(query) == {"pin": {"createdAt": "2024-03-22T00:00:00.000Z"}}
    (line,) = [line for line in logs if line["event"] == "plan_disagrees"]
    assert isinstance(line["exc_info"], RuntimeError)
