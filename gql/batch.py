"""Fields that answer for many sources at once: what plans run, and what Strawberry's own resolvers are made of.

A batch resolver is given the request, the sources (values of the type that has the field, all of one kind) and the field's
arguments; it returns one value a source, in order. `batched` makes a field of it: Strawberry asks it for one source, a plan
(`gql.plan`) for all that an answer has in that place. So every rule of visibility, order, limits and null is written once.

It may raise: then the plan gives up, and graphql-core, which asks source by source, finds which one it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import Parameter, iscoroutinefunction, signature
from typing import Any, Final, Protocol

import strawberry
from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from gql.context import RequestContext

_BATCH: Final = "batch"


class BatchResolver(Protocol):
    """`(context, sources, **arguments)` to one value a source. A coroutine function, if it waits for a thread."""

    __module__: str

    def __call__(
        self, context: RequestContext, sources: Sequence[Any], /, *args: Any, **kwargs: Any
    ) -> Sequence[Any] | Awaitable[Sequence[Any]]: ...


def batched(resolve: Callable[..., Any], *, description: str) -> Any:
    """A field of a Strawberry type, whose type the class says: `title: str | None = batched(resolve, description="…")`.

    The field's arguments are what `resolve` takes after the request and the sources.
    """
    resolver = _one_later(resolve) if iscoroutinefunction(resolve) else _one(resolve)
    kind = Parameter.POSITIONAL_OR_KEYWORD
    reserved = [Parameter("root", kind), Parameter("info", kind, annotation=strawberry.Info)]
    arguments = list(signature(resolve).parameters.values())[len(reserved) :]
    # Strawberry reads arguments and their types here, and looks the names up in the module where they were written.
    resolver.__dict__["__signature__"] = signature(resolve).replace(
        parameters=[*reserved, *arguments], return_annotation=Parameter.empty
    )
    resolver.__module__ = resolve.__module__
    return strawberry.field(resolver=resolver, description=description, metadata={_BATCH: resolve})


def _one(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def one(root: Any, info: Any, **arguments: Any) -> Any:
        return resolve(info.context, [root], **arguments)[0]

    return one


def _one_later(resolve: Callable[..., Any]) -> Callable[..., Any]:
    async def one(root: Any, info: Any, **arguments: Any) -> Any:
        return (await resolve(info.context, [root], **arguments))[0]

    return one


def definition_of(field: GraphQLField) -> StrawberryField | None:
    """Strawberry's definition of a field of the schema; None for those of introspection."""
    return field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)


def batch_of(definition: StrawberryField) -> BatchResolver | None:
    """What answers a field for many sources; None where it was not made by `batched`."""
    return definition.metadata.get(_BATCH)
