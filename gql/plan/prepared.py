"""The plans of one operation: compiled when they are first needed, and kept with the document.

One for each answer to its `@skip` and `@include`; never one for each viewer or each value of other variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from graphql import DirectiveNode, DocumentNode, GraphQLError, OperationDefinitionNode, Visitor, visit
from strawberry.schema.schema import Schema

from gql.plan.arguments import variables_in
from gql.plan.compile import compile_plan
from gql.plan.tree import Plan
from gql.plan.uncovered import Uncovered
from gql.plan.variables import Variables

VARIANTS_MAX: Final = 16
"""Plans of one operation that are kept: those of four independent conditions."""


class Ready(NamedTuple):
    """A plan, and the variables to run it with."""

    plan: Plan
    variables: Mapping[str, Any]


class OperationPlans:
    """What may answer a query instead of graphql-core."""

    def __init__(self, schema: Schema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._document = document
        self._operation = operation
        self._variables = Variables(schema._schema, operation)  # pyright: ignore[reportPrivateUsage]
        self._conditions = sorted(_conditions_in(document))
        self._plans: dict[tuple[Any, ...], Plan | None] = {}

    def ready(self, given: Mapping[str, Any]) -> Ready | None:
        """A plan for what a request gave as variables; None where graphql-core must answer."""
        try:
            variables = self._variables.coerced(given)
        except Uncovered:
            return None
        plan = self._plan(tuple(variables.get(name) for name in self._conditions))
        return None if plan is None else Ready(plan, variables)

    def _plan(self, answers: tuple[Any, ...]) -> Plan | None:
        if answers not in self._plans:
            if len(self._plans) == VARIANTS_MAX:
                return None
            self._plans[answers] = self._compiled(answers)
        return self._plans[answers]

    def _compiled(self, answers: tuple[Any, ...]) -> Plan | None:
        conditions = {
            name: answer for name, answer in zip(self._conditions, answers, strict=True) if answer is not None
        }
        try:
            return compile_plan(self._schema, self._document, self._operation, conditions)
        except (Uncovered, GraphQLError):
            return None


class _Conditions(Visitor):
    """Takes down the variables that `@skip` and `@include` read."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.names |= variables_in(node)


def _conditions_in(document: DocumentNode) -> set[str]:
    found = _Conditions()
    visit(document, found)
    return found.names
