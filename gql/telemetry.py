"""What the server says about itself: metrics with bounded labels, and logs as one JSON object a line on stderr.

No id of a user, no variable and no text of a document gets into either: an operation is known by its name alone.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from enum import StrEnum
from typing import Final

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from gql.errors import Code
from gql.release import Releases

OPERATIONS_MAX: Final = 100
"""Names of operations that get a label of their own, first come; the rest share one."""
ANONYMOUS: Final = "anonymous"
OTHER: Final = "other"
_LAG_PERIOD_S: Final = 0.5
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class By(StrEnum):
    """What executed an operation."""

    PLAN = "plan"
    CORE = "core"
    """graphql-core: no plan covers the operation."""
    CORE_AFTER_PLAN = "core_after_plan"
    """graphql-core, after a plan gave up: there is an error to report."""


class Metrics:
    """The metrics of one process. With several workers prometheus_client adds them up (PROMETHEUS_MULTIPROC_DIR)."""

    def __init__(self) -> None:
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self._operations: set[str] = set()
        self.requests = Counter(
            "tastegraph_requests", "Operations answered, by outcome: ok, errors, refused, deadline, internal.",
            ["operation", "outcome"], registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "tastegraph_request_seconds", "From the request's headers to the answer's bytes.",
            ["operation"], buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.errors = Counter("tastegraph_errors", "Errors answered, by code.", ["code"], registry=self.registry)
        self.busy = 0
        """Operations being answered now."""
        self._in_flight = Gauge(
            "tastegraph_requests_in_flight",
            "Operations being answered, looked at twice a second.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.documents_prepared = Counter(
            "tastegraph_documents_prepared",
            "Documents parsed and validated: those not in the cache.",
            registry=self.registry,
        )
        executions = Counter(
            "tastegraph_executions",
            "Operations executed, by what: plan; core, where no plan covers it; core_after_plan, where one gave up.",
            ["by"],
            registry=self.registry,
        )
        # Looking a child up costs more than counting: those of every request are kept.
        self._executed = {by: executions.labels(by.value) for by in By}
        self._answered: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._lag = Histogram(
            "tastegraph_event_loop_lag_seconds",
            "How late the event loop woke up.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.swaps = Counter("tastegraph_release_swaps", "Releases swapped in since the start.", registry=self.registry)
        self.refused = Gauge(
            "tastegraph_release_refused", "1 while the published release can't be opened and an older one is served.",
            registry=self.registry, multiprocess_mode="max",
        )  # fmt: skip
        self.degraded = Gauge(
            "tastegraph_release_degraded", "1 while the release is served without its vectors.",
            registry=self.registry, multiprocess_mode="max",
        )  # fmt: skip
        self.snapshot_time = Gauge(
            "tastegraph_snapshot_timestamp_seconds", "When the snapshot that is served was exported.",
            registry=self.registry, multiprocess_mode="min",
        )  # fmt: skip
        for code in Code:
            self.errors.labels(code.value)

    def label(self, operation: str | None) -> str:
        """The label of an operation's name; bounded, whatever clients send."""
        if operation is None:
            return ANONYMOUS
        if operation not in self._operations:
            if len(self._operations) >= OPERATIONS_MAX:
                return OTHER
            self._operations.add(operation)
        return operation

    def executed(self, by: By) -> None:
        """Counts an execution."""
        self._executed[by].inc()

    def answered(self, operation: str | None, outcome: str, seconds: float) -> str:
        """Counts an answer and how long it took; returns the label of the operation's name."""
        label = self.label(operation)
        children = self._answered.get((label, outcome))
        if children is None:
            children = self.requests.labels(label, outcome), self.seconds.labels(label)
            self._answered[label, outcome] = children
        requests, took = children
        requests.inc()
        took.observe(seconds)
        return label

    def show_load(self, lag_s: float) -> None:
        """Sets how busy the event loop is, and how late it woke up."""
        self._in_flight.set(self.busy)
        self._lag.observe(lag_s)

    def show_release(self, releases: Releases) -> None:
        """Sets what is known of the release."""
        served = releases.current
        self.refused.set(releases.refused is not None)
        self.degraded.set(served.degraded is not None)
        self.snapshot_time.set(served.serving.snapshot.created_at / 1000)


async def measure_lag(metrics: Metrics) -> None:
    """Observes for ever how late the event loop wakes up: what blocks it shows here."""
    while True:
        due = time.perf_counter() + _LAG_PERIOD_S
        await asyncio.sleep(_LAG_PERIOD_S)
        metrics.show_load(max(0.0, time.perf_counter() - due))


def configure_logs(level: str) -> None:
    """Sends structlog's and the standard library's logs to stderr as JSON, one object a line, from a level up."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=orjson.dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


def _dumps(event: object, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()
