"""One operation from its text to its result, within its deadline. Knows nothing of HTTP.

The document is prepared first and apart (`gql.documents`); Strawberry executes what was prepared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import structlog
from graphql import DocumentNode, GraphQLError, GraphQLFormattedError, OperationType

from gql.api import Api
from gql.context import RequestContext
from gql.documents import operation_of
from gql.errors import ApiError, Code, HttpError, code_of, formatted

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for. `reads_only`: nothing but a query may be executed (GET)."""

    document: str
    variables: dict[str, Any] | None
    operation: str | None
    id: str
    reads_only: bool = False


class Outcome(StrEnum):
    """How an operation ended."""

    OK = "ok"
    ERRORS = "errors"
    """Executed, with errors in some fields."""
    REFUSED = "refused"
    """Never executed: the document, its variables or its operation can't be used."""
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Result:
    """What is answered. `data` is None where nothing was executed, and where an error reached the top."""

    outcome: Outcome
    data: dict[str, Any] | None = None
    errors: list[GraphQLFormattedError] = field(default_factory=list[GraphQLFormattedError])


async def execute(api: Api, request: Request) -> Result:
    """Answers an operation, measures and logs it. Raises HttpError (405) for a mutation where only reads are allowed."""
    started = time.perf_counter()
    with api.metrics.in_flight.track_inprogress():
        name, result = await _execute(api, request)
    _report(api, name, result, time.perf_counter() - started)
    return result


async def _execute(api: Api, request: Request) -> tuple[str | None, Result]:
    """The operation's name, and its result."""
    prepared = api.documents.prepare(request.document)
    if prepared.document is None:
        return None, _refused(prepared.errors, request.id)
    try:
        operation = operation_of(prepared.document, request.operation)
    except ApiError as error:
        return None, _refused([GraphQLError(str(error), extensions=error.extensions)], request.id)
    if request.reads_only and operation.operation is not OperationType.QUERY:
        raise HttpError(
            405, Code.METHOD_NOT_ALLOWED, "GET is for queries; send anything else by POST", {"Allow": "POST"}
        )
    name = operation.name.value if operation.name is not None else None
    try:
        async with asyncio.timeout(api.settings.deadline_s):
            return name, await _run(api, request, prepared.document, name)
    except TimeoutError:
        return name, _late(api.settings.deadline_s, request.id)


async def _run(api: Api, request: Request, document: DocumentNode, name: str | None) -> Result:
    served, viewer = api.releases.current, api.viewer()
    context = RequestContext(
        served=served,
        viewer=viewer,
        visible=served.serving.visible(viewer),
        document=document,
        request_id=request.id,
        threads=api.threads,
        public_attributes=api.public_attributes,
    )
    result = await api.schema.execute(
        request.document, variable_values=request.variables, context_value=context, operation_name=name
    )
    errors = result.errors or []
    for error in errors:
        if code_of(error) is Code.INTERNAL:
            log.error("resolver_failed", operation=name, path=error.path, exc_info=error.original_error or error)
    if result.data is None and errors and not any(error.path for error in errors):
        return _refused(errors, request.id)
    outcome = Outcome.ERRORS if errors else Outcome.OK
    return Result(outcome, result.data, [formatted(error, request.id) for error in errors])


def _refused(errors: Iterable[GraphQLError], request_id: str) -> Result:
    return Result(Outcome.REFUSED, errors=[formatted(error, request_id) for error in errors])


def _late(deadline_s: float, request_id: str) -> Result:
    error = ApiError(
        Code.DEADLINE_EXCEEDED, f"the answer took longer than {deadline_s:g} s; ask for less, or try again"
    )
    return Result(
        Outcome.DEADLINE, errors=[formatted(GraphQLError(str(error), extensions=error.extensions), request_id)]
    )


def _report(api: Api, name: str | None, result: Result, seconds: float) -> None:
    metrics, label = api.metrics, api.metrics.label(name)
    metrics.requests.labels(label, result.outcome.value).inc()
    metrics.seconds.labels(label).observe(seconds)
    codes = [error["extensions"]["code"] for error in result.errors if "extensions" in error]
    for code in codes:
        metrics.errors.labels(code).inc()
    slow = seconds >= api.settings.slow_s
    level = log.warning if slow or result.outcome is Outcome.DEADLINE else log.debug
    level(
        "operation", operation=label, outcome=result.outcome.value, ms=round(seconds * 1000, 2), codes=codes, slow=slow
    )
