"""What a field is given: its literals made into Python's values once, its variables at each run.

By graphql-core's and Strawberry's own functions, but for variables that stand alone where nothing would be converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLNonNull,
    Node,
    VariableNode,
    Visitor,
    get_argument_values,
    is_required_argument,
    visit,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema import Schema
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from gql.plan.uncovered import Uncovered
from gql.plan.variables import is_plain_scalar

Arguments = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Variables, coerced, to a resolver's keyword arguments."""


def arguments_of(schema: Schema, field: GraphQLField, definition: StrawberryField, node: FieldNode) -> Arguments:
    """The arguments of a field as a document has them. Raises GraphQLError where its literals can't be used."""
    registry, config = schema.schema_converter.scalar_registry, schema.config

    def convert(values: Mapping[str, Any]) -> Mapping[str, Any]:
        return convert_arguments(dict(values), definition.arguments, registry, config)

    by_variable = {argument.name.value: argument.value for argument in node.arguments or () if variables_in(argument)}
    python_names = {config.name_converter.from_argument(one): one.python_name for one in definition.arguments}
    places = [_place(field.args[name], python_names[name], value) for name, value in by_variable.items()]
    if None in places:
        return lambda variables: convert(get_argument_values(field, node, VariableValues({}, dict(variables))))
    constants = convert(_constants(field, node, by_variable))
    if not places:
        return lambda _: constants
    return _Filled(constants, tuple(place for place in places if place is not None))


@dataclass(frozen=True, slots=True)
class _Place:
    """An argument that is a variable, of a type whose values resolvers take as they are."""

    variable: str
    argument: str
    non_null: bool
    required: bool


@dataclass(frozen=True, slots=True)
class _Filled:
    """Constants, and variables put in their places; where one was left out, the argument keeps its default."""

    constants: Mapping[str, Any]
    places: tuple[_Place, ...]

    def __call__(self, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        given = {**self.constants}
        for place in self.places:
            if place.variable in variables:
                value = given[place.argument] = variables[place.variable]
                if value is None and place.non_null:
                    raise Uncovered
            elif place.required:
                raise Uncovered
        return given


def _place(argument: GraphQLArgument, python_name: str, value: Node) -> _Place | None:
    """Where a variable goes; None where it is part of a literal, or would be converted."""
    if not isinstance(value, VariableNode) or not is_plain_scalar(argument.type):
        return None
    non_null = isinstance(argument.type, GraphQLNonNull)
    return _Place(value.name.value, python_name, non_null, is_required_argument(argument))


def _constants(field: GraphQLField, node: FieldNode, by_variable: Iterable[str]) -> Mapping[str, Any]:
    """Literals and defaults; of required arguments that are variables there is neither."""
    args = {
        name: argument
        for name, argument in field.args.items()
        if name not in by_variable or not is_required_argument(argument)
    }
    literal = [argument for argument in node.arguments or () if argument.name.value not in by_variable]
    return get_argument_values(GraphQLField(field.type, args), FieldNode(name=node.name, arguments=tuple(literal)))


class _Variables(Visitor):
    """Takes down the names of variables."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)


def variables_in(node: Node) -> set[str]:
    """The variables that are used anywhere in a node."""
    found = _Variables()
    visit(node, found)
    return found.names
