"""Documents that were parsed, limited and validated once, kept by their text: what a request costs before it reads anything.

Parsing and validating take some 2 ms, more than all the rest of most requests together. The cache is bounded and keeps
refusals too, so that a hostile document that is sent again costs nothing; with a document go the plans of its operations. It
knows no viewer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import recommended_rules
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import Schema

from gql.errors import ApiError, Code, bad_input
from gql.limits import DocumentLimits, check_shape, check_size, too_complex
from gql.plan.prepared import OperationPlans

VALIDATION_ERRORS_MAX = 10
_RULES = (*specified_rules, *(rule for rule in recommended_rules if rule not in specified_rules))


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document."""

    node: OperationDefinitionNode
    name: str | None
    plans: OperationPlans | None
    """What may answer it instead of graphql-core; None where it is no query."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that may be executed, or why it may not."""

    schema: Schema
    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    _operations: dict[str | None, Operation] = field(default_factory=dict[str | None, Operation])

    def operation(self, name: str | None) -> Operation:
        """The operation to execute; without a name the only one.

        Raises ApiError (BAD_USER_INPUT) when there is none of that name, or none is named and there are several.
        """
        if name not in self._operations:
            # A name that is not there raises, and so is not kept: the document bounds how many there are.
            self._operations[name] = self._find(name)
        return self._operations[name]

    def _find(self, name: str | None) -> Operation:
        node = None if self.document is None else get_operation_ast(self.document, name)
        if self.document is None or node is None:
            if name is not None:
                raise bad_input(f"the document has no operation {name[:64]!r}; check `operationName`")
            raise bad_input("the document has several operations, or none; say which with `operationName`")
        is_query = node.operation is OperationType.QUERY
        plans = OperationPlans(self.schema, self.document, node) if is_query else None
        return Operation(node, node.name.value if node.name is not None else None, plans)


class DocumentCache:
    """Prepares documents for one schema. Safe to share between requests of one event loop."""

    def __init__(self, schema: Schema, limits: DocumentLimits, size: int, on_miss: Callable[[], None]) -> None:
        self._schema = schema
        self._limits = limits
        self._on_miss = on_miss
        self._prepared = lru_cache(maxsize=size)(self._prepare)

    def prepare(self, text: str) -> Prepared:
        """The document of a text; never raises."""
        return self._prepared(text)

    def _prepare(self, text: str) -> Prepared:
        self._on_miss()
        try:
            check_size(text, self._limits)
            document = self._parse(text)
            check_shape(document, self._limits)
        except ApiError as error:
            return Prepared(self._schema, None, (GraphQLError(str(error), extensions=error.extensions),))
        except GraphQLError as error:
            error.extensions = {"code": Code.GRAPHQL_PARSE_FAILED.value}
            return Prepared(self._schema, None, (error,))
        schema = self._schema._schema  # pyright: ignore[reportPrivateUsage] Strawberry has no other way to it
        errors = validate(schema, document, _RULES, max_errors=VALIDATION_ERRORS_MAX)
        for error in errors:
            error.extensions = {**(error.extensions or {}), "code": Code.GRAPHQL_VALIDATION_FAILED.value}
        return Prepared(self._schema, None if errors else document, tuple(errors))

    def _parse(self, text: str) -> DocumentNode:
        tokens = self._limits.tokens
        try:
            return parse(text, max_lexical_tokens=tokens, max_comments=tokens)
        except GraphQLError as error:
            # The parser's own refusals differ from its other syntax errors in words alone.
            if error.message.startswith("Syntax Error: Document "):
                raise too_complex("tokens", tokens) from None
            raise


class _HasDocument(Protocol):
    document: DocumentNode


class PreparedDocument(SchemaExtension):
    """Gives Strawberry the document that the context carries, so that it neither parses nor validates."""

    def on_parse(self) -> Iterator[None]:
        context: _HasDocument = self.execution_context.context
        self.execution_context.graphql_document = context.document
        yield

    def on_validate(self) -> Iterator[None]:
        self.execution_context.pre_execution_errors = []
        yield
