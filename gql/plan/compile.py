"""From a document to a plan: which fields are asked for is graphql-core's own reading, what they are made of the schema's.

A plan is of one operation and of one answer to every `@skip` and `@include`: so fragments, type conditions, aliases, merged
fields and their order are settled here, once, by the very functions that graphql-core executes with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from types import NoneType
from typing import Any, cast

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLInterfaceType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    is_leaf_type,
)
from graphql.execution.collect_fields import (
    CollectedFields,
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema import Schema

from gql.batch import BatchResolver, batch_of, definition_of
from gql.context import RequestContext
from gql.plan.arguments import arguments_of
from gql.plan.shapes import shape_of
from gql.plan.tree import (
    Column,
    Complete,
    LaterField,
    Plan,
    column,
    constant,
    interface,
    leaf,
    list_of,
    nullable,
    objects,
)
from gql.plan.uncovered import Uncovered

_WRITTEN_AS_IT_IS: Mapping[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""Scalars, and the type of values that serialization leaves as they are."""


def compile_plan(
    schema: Schema, document: DocumentNode, operation: OperationDefinitionNode, conditions: Mapping[str, bool]
) -> Plan:
    """The plan of a query. `conditions`: what the variables of `@skip` and `@include` are.

    Raises Uncovered where something is asked for that no plan can answer.
    """
    return _Compiler(schema, document, operation, conditions).plan()


class _Compiler:
    def __init__(
        self, schema: Schema, document: DocumentNode, operation: OperationDefinitionNode, conditions: Mapping[str, bool]
    ) -> None:
        self._strawberry = schema
        self._schema = schema._schema  # pyright: ignore[reportPrivateUsage] Strawberry has no other way to it
        self._operation = operation
        self._waits = False
        self._conditions = VariableValues({}, dict(conditions))
        self._fragments = {
            node.name.value: FragmentDetails(node)
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def plan(self) -> Plan:
        query = self._schema.query_type
        if query is None:
            raise Uncovered
        found = collect_fields(self._schema, self._fragments, self._conditions, query, self._operation)
        return Plan(self._object(query, found), self._waits)

    def _object(self, type_: GraphQLObjectType, found: CollectedFields) -> Complete:
        later: list[LaterField] = []
        now = [self._column(type_, key, nodes, later) for key, nodes in found.grouped_field_set.items()]
        self._waits |= bool(later)
        return objects(now, later, shape_of(tuple(found.grouped_field_set)))

    def _column(
        self, parent: GraphQLObjectType, key: str, nodes: Sequence[FieldDetails], later: list[LaterField]
    ) -> Column:
        """A field's column; of one that waits there are nulls for now, and it is added to those that come later."""
        node = nodes[0].node
        name = node.name.value
        if name == "__typename":
            return constant(parent.name)
        field = parent.fields.get(name)
        definition = None if field is None else definition_of(field)
        if field is None or definition is None:
            raise Uncovered
        resolve = batch_of(definition)
        if resolve is None and not definition.is_basic_field:
            raise Uncovered
        arguments = arguments_of(self._strawberry, field, definition, node)
        complete = self._complete(field.type, nodes)
        if definition.is_async and resolve is not None:
            later.append(LaterField(key, resolve, arguments, complete))
            return constant(None)
        return column(resolve or _attribute(definition.python_name), arguments if field.args else None, complete)

    def _complete(self, type_: GraphQLOutputType, nodes: Sequence[FieldDetails]) -> Complete:
        may_be_null = not isinstance(type_, GraphQLNonNull)
        inner = cast("GraphQLOutputType", type_ if may_be_null else type_.of_type)
        if is_leaf_type(inner):
            return _leaf(inner, may_be_null=may_be_null)
        of = self._composite(inner, nodes)
        return nullable(of) if may_be_null else of

    def _composite(self, type_: GraphQLOutputType, nodes: Sequence[FieldDetails]) -> Complete:
        match type_:
            case GraphQLList():
                return list_of(self._complete(cast("GraphQLOutputType", type_.of_type), nodes))
            case GraphQLObjectType():
                return self._object(type_, self._below(type_, nodes))
            case GraphQLInterfaceType():
                return self._interface(type_, nodes)
            case _:
                raise Uncovered

    def _interface(self, type_: GraphQLInterfaceType, nodes: Sequence[FieldDetails]) -> Complete:
        definition = self._strawberry.get_type_by_name(type_.name)
        type_name = getattr(getattr(definition, "origin", None), "type_name", None)
        if type_name is None:
            raise Uncovered
        types = self._schema.get_possible_types(type_)
        return interface(type_name, {one.name: self._object(one, self._below(one, nodes)) for one in types})

    def _below(self, type_: GraphQLObjectType, nodes: Sequence[FieldDetails]) -> CollectedFields:
        return collect_subfields(self._schema, self._fragments, self._conditions, self._operation, type_, list(nodes))


def _attribute(name: str) -> BatchResolver:
    """A field without a resolver: Strawberry takes the attribute of that name."""
    get = attrgetter(name)

    def read(_: RequestContext, sources: Sequence[Any]) -> list[Any]:
        return list(map(get, sources))

    return read


def _leaf(type_: GraphQLLeafType, *, may_be_null: bool) -> Complete:
    plain = {_WRITTEN_AS_IT_IS[type_.name]} if type_.name in _WRITTEN_AS_IT_IS else set[type]()
    return leaf(frozenset(plain | {NoneType} if may_be_null else plain), type_.serialize, nullable=may_be_null)
