"""A plan as it runs: a small tree, each node of which turns the values of one place of an answer into JSON, all at once.

Every node has `complete(run, values)`: as many results as values, in order. It raises, anything, where graphql-core would have
reported an error or where that is not certain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Protocol, cast

from gql.batch import BatchResolver
from gql.context import RequestContext
from gql.plan.shapes import Shape


class Uncovered(Exception):  # noqa: N818 - no error: it is how a plan says that it is not for this
    """The plan can't answer this; graphql-core shall."""


class Run(NamedTuple):
    """One run of a plan: who asks of which release, and the variables that were given, coerced."""

    context: RequestContext
    variables: Mapping[str, Any]


class Complete(Protocol):
    """A node of the tree."""

    @property
    def waits(self) -> bool:
        """Whether anything below waits for a thread, so that its neighbours may as well run meanwhile."""
        ...

    async def complete(self, run: Run, values: Sequence[Any]) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class Leaf:
    """Scalars and enums."""

    plain: frozenset[type]
    """Types of values that are written as they are; NoneType among them where null may be."""
    serialize: Callable[[Any], Any]
    nullable: bool
    waits = False

    async def complete(self, run: Run, values: Sequence[Any]) -> Sequence[Any]:
        if self.plain.issuperset(map(type, values)):
            return values
        if not self.nullable and None in values:
            raise Uncovered
        return [None if value is None else self.serialize(value) for value in values]


@dataclass(frozen=True, slots=True)
class Nullable:
    """Values that may be null."""

    of: Complete

    @property
    def waits(self) -> bool:
        return self.of.waits

    async def complete(self, run: Run, values: Sequence[Any]) -> Sequence[Any]:
        there = [value for value in values if value is not None]
        if len(there) == len(values):
            return await self.of.complete(run, values)
        done = iter(await self.of.complete(run, there) if there else ())
        return [None if value is None else next(done) for value in values]


@dataclass(frozen=True, slots=True)
class ListOf:
    """Lists: all their items are completed together, and dealt out again."""

    of: Complete

    @property
    def waits(self) -> bool:
        return self.of.waits

    async def complete(self, run: Run, values: Sequence[Any]) -> Sequence[Any]:
        if not {list, tuple}.issuperset(map(type, values)):
            raise Uncovered
        lists = cast("Sequence[Sequence[Any]]", values)
        if len(lists) == 1:
            return [list(await self.of.complete(run, lists[0]))] if lists[0] else [[]]
        items = [item for value in lists for item in value]
        done = iter(await self.of.complete(run, items) if items else ())
        return [list(islice(done, len(value))) for value in lists]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object."""

    resolve: BatchResolver
    resolve_waits: bool
    arguments: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    of: Complete

    @property
    def waits(self) -> bool:
        return self.resolve_waits or self.of.waits

    async def column(self, run: Run, sources: Sequence[Any]) -> Sequence[Any]:
        """The field's results for some sources."""
        found = self.resolve(run.context, sources, **self.arguments(run.variables))
        values = await found if self.resolve_waits else found  # pyright: ignore[reportGeneralTypeIssues]
        return await self.of.complete(run, cast("Sequence[Any]", values))


@dataclass(frozen=True, slots=True)
class TypeName:
    """`__typename`."""

    name: str
    waits = False

    async def column(self, run: Run, sources: Sequence[Any]) -> Sequence[Any]:
        return [self.name] * len(sources)


@dataclass(frozen=True, slots=True)
class Object:
    """Objects of one type, and what was selected of them."""

    fields: tuple[Field | TypeName, ...]
    shape: Shape
    waits: bool
    together: bool
    """Whether several fields wait, and so had better wait together."""

    async def complete(self, run: Run, values: Sequence[Any]) -> Sequence[Any]:
        if self.together:
            columns = await asyncio.gather(*(field.column(run, values) for field in self.fields))
        else:
            columns = [await field.column(run, values) for field in self.fields]
        return self.shape(columns, len(values))


@dataclass(frozen=True, slots=True)
class Interface:
    """Objects of several types, each type's completed together."""

    type_name: Callable[[Any], str]
    types: Mapping[str, Object]

    @property
    def waits(self) -> bool:
        return any(object_.waits for object_ in self.types.values())

    async def complete(self, run: Run, values: Sequence[Any]) -> Sequence[Any]:
        places: dict[str, list[int]] = {}
        for place, value in enumerate(values):
            places.setdefault(self.type_name(value), []).append(place)
        done: list[Any] = [None] * len(values)
        for name, at in places.items():
            results = await self.types[name].complete(run, [values[place] for place in at])
            for place, result in zip(at, results, strict=True):
                done[place] = result
        return done


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled operation."""

    root: Object

    @property
    def waits(self) -> bool:
        """Whether a run may wait, so that it needs a deadline."""
        return self.root.waits

    async def run(self, context: RequestContext, variables: Mapping[str, Any]) -> dict[str, Any]:
        """`data` of the answer; raises where graphql-core had better answer."""
        return (await self.root.complete(Run(context, variables), [None]))[0]
