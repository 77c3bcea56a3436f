"""A plan is invisible: whatever a document asks, and whoever asks, it answers what graphql-core answers, byte for byte."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Generator
from typing import NoReturn

import orjson
import pytest
import structlog
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from embeddings.release import publish
from gql.api import Api
from gql.cursors import encode_cursor
from gql.execution import Outcome, Request, Result, execute
from gql.ids import encode_id
from gql.rankers import warm_up
from gql.release import Releases
from gql.schema import make_schema
from gql.settings import ServeSettings
from gql.telemetry import By, Metrics
from graph.model import NodeKind
from graph.settings import Home
from graph.visibility import ADMIN, STRANGER, Viewer
from tests.api.conftest import release_of
from tests.graphs import tiny_snapshot
from tests.property.documents import Asked, documents
from tests.viewers import principal_of

SCHEMA = make_schema()._schema
RELEASE = "20240601T000000Z-aaaaaa"
KEYS = {
    NodeKind.USER: ["ada", "bo", "cem", "dot", "eve", "nobody"],
    NodeKind.PIN: ["pie", "fern", "rose", "bread", "pie", "moss", "nothing"],
    NodeKind.BOARD: ["ada-garden", "bo-kitchen", "cem-home", "ada-wedding"],
    NodeKind.INTEREST: ["gardening", "baking", "food", "outdoors"],
    NodeKind.ENTITY: ["rosa", "plant", "polypodium"],
}
"""Of `tests.graphs`; some are not there, or gone, or secret."""


def quoted(texts: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from([f'"{text}"' for text in texts])


ids = quoted([encode_id(kind, key) for kind, keys in KEYS.items() for key in keys] + ["nonsense"])
interest_ids = [encode_id(NodeKind.INTEREST, key) for key in KEYS[NodeKind.INTEREST][:2]]
VALUES = {
    **{(kind.value.lower(), "key"): quoted(keys) for kind, keys in KEYS.items()},
    **{(kind.value.lower(), "id"): quoted([encode_id(kind, key) for key in keys]) for kind, keys in KEYS.items()},
    ("relatedInterests", "ids"): st.sampled_from([orjson.dumps(interest_ids[:n]).decode() for n in (1, 2, 0)]),
    ("", "text"): quoted(["moss", "pi", "a", "garden", "moss", "x", ""]),
    ("saves", "after"): quoted([encode_cursor("SaveConnection", (1_714_608_000_000, "pie", None)), "nonsense"]),
    ("savers", "after"): quoted([encode_cursor("SaverConnection", (None, "bo", "bo-kitchen"))]),
    ("relations", "after"): quoted([encode_cursor("RelationConnection", ("plant", "kind_of"))]),
    ("follows", "after"): quoted([encode_cursor("FollowConnection", (None, "Board", "a"))]),
    ("relatedPins", "after"): quoted([encode_cursor("RelatedPinConnection", (RELEASE, 1))] * 5 + ["nonsense"]),
    ("feed", "after"): quoted(
        [encode_cursor("FeedConnection", (RELEASE, 2)), encode_cursor("FeedConnection", ("", 2))]
    ),
    ("", "first"): st.sampled_from(["1", "2", "3", "100"] * 6 + ["0", "101"]),
    ("", "after"): st.sampled_from(["null"] * 15 + ['"nonsense"']),
    ("", "hops"): st.sampled_from(["1", "2"] * 6 + ["9"]),
    ("", "maxHops"): st.sampled_from(["0", "3", "4"] * 4 + ["-1"]),
    ("", "ID"): ids,
}
# Where a field fails at once, graphql-core drops what its siblings were to wait for, and Python says so.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
"""Documents take a while to draw, more so on a busy machine."""
viewers = st.sampled_from([ADMIN, ADMIN, STRANGER, Viewer(0), Viewer(1)])


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


class Both:
    """One API, asked by plan and by graphql-core."""

    def __init__(self, home: Home) -> None:
        publish(home, release_of(tiny_snapshot(home.path), RELEASE))
        # Aliases and merging fields are what is tested here: limits have their own tests.
        limits = {"aliases_max": 1000, "fields_per_name_max": 1000, "depth_max": 100, "fields_max": 10_000}
        self.api = Api(ServeSettings(**limits), Releases(home, keep_old_s=0), Metrics())
        self.loop = asyncio.Runner()

    def ask(self, asked: Asked, viewer: Viewer, *, plans: bool) -> Result | None:
        """The answer; None for a document that is not valid after all."""
        prepared = self.api.documents.prepare(asked.document)
        if prepared.document is None:
            return None
        prepared._operations.clear()
        if not plans:
            prepared._operations[None] = dataclasses.replace(prepared.operation(None), plans=None)
        asking = principal_of(viewer, self.api.releases.current.serving.snapshot)
        return self.loop.run(execute(self.api, Request(asked.document, asked.variables, None, "x", asking)))

    def races(self, asked: Asked) -> bool:
        """Whether graphql-core may have several threads at work, and reports whichever error comes first.

        It may where there is no plan, which tells nothing of what it would wait for.
        """
        plans = self.api.documents.prepare(asked.document).operation(None).plans
        ready = None if plans is None else plans.ready(asked.variables)
        return ready is None or ready.plan.waits

    def executed(self, by: By) -> float:
        return self.api.metrics.registry.get_sample_value("tastegraph_executions_total", {"by": by.value}) or 0


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Generator[Both]:
    structlog.configure(processors=[_drop])
    warm_up()
    made = Both(Home(tmp_path_factory.mktemp("plans")))
    yield made
    made.loop.close()
    made.api.threads.shutdown()
    del made.api.releases


def check(both: Both, asked: Asked, viewer: Viewer) -> None:
    """Both ways give one answer; and a plan gave it, unless there are errors to report."""
    by_plan = both.executed(By.PLAN)
    planned = both.ask(asked, viewer, plans=True)
    by_plan = both.executed(By.PLAN) - by_plan
    assume(planned is not None)
    expected = both.ask(asked, viewer, plans=False)
    assert planned is not None
    assert expected is not None
    assert planned.outcome is expected.outcome
    assert orjson.dumps(planned.data) == orjson.dumps(expected.data)
    if not both.races(asked):
        assert list(planned.errors) == list(expected.errors)
    assert by_plan == (expected.outcome is Outcome.OK)


@settings(max_examples=200, suppress_health_check=SLOW_IS_FINE)
@given(asked=documents(SCHEMA, VALUES), viewer=viewers)
def test_a_plan_answers_what_graphql_core_answers(both: Both, asked: Asked, viewer: Viewer):
    check(both, asked, viewer)


@pytest.mark.slow
@settings(max_examples=5000, suppress_health_check=SLOW_IS_FINE)
@given(asked=documents(SCHEMA, VALUES), viewer=viewers)
def test_a_plan_answers_what_graphql_core_answers_thousands_of_times(both: Both, asked: Asked, viewer: Viewer):
    check(both, asked, viewer)
