"""One operation from its text to its result, within its deadline. Knows nothing of HTTP.

The document is prepared first and apart (`gql.documents`). Then its plan answers, if it has one (`gql.plan`); else, and where
the plan gives up, Strawberry executes what was prepared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import structlog
from graphql import DocumentNode, GraphQLError, GraphQLFormattedError, OperationType

from gql.api import Api
from gql.context import RequestContext
from gql.documents import Operation
from gql.errors import ApiError, Code, HttpError, code_of, formatted
from gql.keys import Principal, Scope
from gql.plan.prepared import Ready
from gql.schema import Schema
from gql.telemetry import By

log = structlog.get_logger()


class Request(NamedTuple):
    """What a client asked for. `reads_only`: nothing but a query may be executed (GET)."""

    document: str
    variables: dict[str, Any] | None
    operation: str | None
    id: str
    principal: Principal
    reads_only: bool = False


class Outcome(StrEnum):
    """How an operation ended."""

    OK = "ok"
    ERRORS = "errors"
    """Executed, with errors in some fields."""
    REFUSED = "refused"
    """Never executed: the document, its variables or its operation can't be used."""
    DEADLINE = "deadline"


class Result(NamedTuple):
    """What is answered. `data` is None where nothing was executed, and where an error reached the top."""

    outcome: Outcome
    data: dict[str, Any] | None = None
    errors: Sequence[GraphQLFormattedError] = ()


async def execute(api: Api, request: Request) -> Result:
    """Answers an operation, measures and logs it.

    Raises HttpError: 405 for a mutation where only reads are allowed, 403 for a query of a key that may not read.
    """
    started = time.perf_counter()
    api.metrics.busy += 1
    try:
        name, result = await _execute(api, request)
    finally:
        api.metrics.busy -= 1
    _report(api, name, result, time.perf_counter() - started)
    return result


async def _execute(api: Api, request: Request) -> tuple[str | None, Result]:
    """The operation's name, and its result."""
    prepared = api.documents.prepare(request.document)
    if prepared.document is None:
        return None, _refused(prepared.errors, request.id)
    try:
        operation = prepared.operation(request.operation)
    except ApiError as error:
        return None, _refused([GraphQLError(str(error), extensions=error.extensions)], request.id)
    if request.reads_only and operation.node.operation is not OperationType.QUERY:
        raise HttpError(
            405, Code.METHOD_NOT_ALLOWED, "GET is for queries; send anything else by POST", {"Allow": "POST"}
        )
    if operation.node.operation is OperationType.QUERY and not request.principal.may(Scope.READ):
        raise HttpError(403, Code.FORBIDDEN, "this key may not read; use one with the scope `read`")
    try:
        return operation.name, await _answer(api, request, operation, _context(api, request, prepared.document))
    except TimeoutError:
        return operation.name, _late(api.settings.deadline_s, request.id)


def _context(api: Api, request: Request, document: DocumentNode) -> RequestContext:
    served = api.releases.current
    viewer = request.principal.viewer(served.serving.snapshot)
    visible = served.serving.visible(viewer)
    return RequestContext(
        served=served,
        snapshot=visible.snapshot,
        principal=request.principal,
        viewer=viewer,
        visible=visible,
        document=document,
        request_id=request.id,
        threads=api.threads,
        collector=api.collector,
        public_attributes=api.public_attributes,
    )


async def _answer(api: Api, request: Request, operation: Operation, context: RequestContext) -> Result:
    """By the operation's plan, if there is one and it does not give up; else by graphql-core. Raises TimeoutError."""
    until = time.monotonic() + api.settings.deadline_s
    ready = None if operation.plans is None else operation.plans.ready(request.variables or {})
    if ready is None:
        api.metrics.executed(By.CORE)
        return await _by_core(api.schema, request, operation, context, until)
    try:
        data = await _by_plan(ready, context, until)
    except TimeoutError:
        raise
    except Exception as gave_up:
        api.metrics.executed(By.CORE_AFTER_PLAN)
        result = await _by_core(api.schema, request, operation, context, until)
        if result.outcome is Outcome.OK:
            log.error("plan_disagrees", operation=operation.name, exc_info=gave_up)
        return result
    api.metrics.executed(By.PLAN)
    return Result(Outcome.OK, data)


async def _by_plan(ready: Ready, context: RequestContext, until: float) -> dict[str, Any]:
    if not ready.plan.waits:
        # There is nothing that a deadline could cut short.
        return await ready.plan.run(context, ready.variables)
    async with asyncio.timeout(until - time.monotonic()):
        return await ready.plan.run(context, ready.variables)


async def _by_core(
    schema: Schema, request: Request, operation: Operation, context: RequestContext, until: float
) -> Result:
    async with asyncio.timeout(until - time.monotonic()):
        result = await schema.execute(
            request.document,
            variable_values=request.variables,
            context_value=context,
            operation_name=operation.name,
        )
    errors = result.errors or []
    for error in errors:
        if code_of(error) is Code.INTERNAL:
            log.error(
                "resolver_failed", operation=operation.name, path=error.path, exc_info=error.original_error or error
            )
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
    label = api.metrics.answered(name, result.outcome, seconds)
    slow = seconds >= api.settings.slow_s
    if result.errors or slow or api.settings.log_level == "debug":
        _log(api, label, result, seconds, slow=slow)


def _log(api: Api, label: str, result: Result, seconds: float, *, slow: bool) -> None:
    codes = [error["extensions"]["code"] for error in result.errors if "extensions" in error]
    for code in codes:
        api.metrics.errors.labels(code).inc()
    level = log.warning if slow or result.outcome is Outcome.DEADLINE else log.debug
    level(
        "operation", operation=label, outcome=result.outcome.value, ms=round(seconds * 1000, 2), codes=codes, slow=slow
    )
