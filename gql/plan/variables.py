"""The variables of an operation, coerced as graphql-core coerces them; those of plain types at a tenth of its price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    get_nullable_type,
    get_variable_values,
    is_input_type,
    type_from_ast,
)

from gql.plan.uncovered import Uncovered

_PLAIN: Final[Mapping[str, type]] = {"String": str, "ID": str, "Boolean": bool, "Int": int}
"""Scalars, and the type of values that coercion leaves as they are."""
_INTS: Final = range(-(2**31), 2**31)


def is_plain_scalar(type_: GraphQLInputType) -> bool:
    """Whether values of a type, once coerced, are what a resolver takes."""
    return str(get_nullable_type(type_)) in _PLAIN


def _is_coerced(type_: GraphQLInputType, value: Any) -> bool:
    """Whether coercion would leave a value as it is, as far as that is told at a glance."""
    if value is None:
        return not isinstance(type_, GraphQLNonNull)
    plain = _PLAIN.get(str(get_nullable_type(type_)))
    return type(value) is plain and (plain is not int or value in _INTS)


class Variables:
    """The variables that an operation declares."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._declared = operation.variable_definitions or ()
        types = {node.variable.name.value: type_from_ast(schema, node.type) for node in self._declared}
        self._types = {name: type_ for name, type_ in types.items() if is_input_type(type_)}

    def coerced(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the variables are; those that were left out and have no default are not there.

        Raises Uncovered for values that can't be used.
        """
        if all(name in given and _is_coerced(type_, given[name]) for name, type_ in self._types.items()):
            return {name: given[name] for name in self._types}
        found = get_variable_values(self._schema, self._declared, dict(given))
        if isinstance(found, list):
            raise Uncovered
        return found.coerced
