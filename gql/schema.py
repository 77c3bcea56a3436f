"""The schema: the types of `gql.objects` put together. `schema.graphql` is its printed form, compared by a test."""

from __future__ import annotations

from functools import cache

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from gql.documents import PreparedDocument
from gql.objects.mutation import Mutation
from gql.objects.query import Query
from gql.scalars import SCALARS


class Schema(strawberry.Schema):
    """Strawberry's schema, silent: the transport reports errors, once, with the request's id."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Does nothing here; `gql.errors.formatted` masks and `gql.transport` logs."""


@cache
def make_schema() -> Schema:
    """The one schema that is served. It expects documents to be prepared (`gql.documents`) and a RequestContext."""
    return Schema(Query, Mutation, extensions=[PreparedDocument], config=StrawberryConfig(scalar_map=SCALARS))


def sdl(schema: Schema) -> str:
    """The schema in GraphQL's own language, as it is checked in."""
    return schema.as_str().rstrip() + "\n"
