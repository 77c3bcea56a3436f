"""What a plan is made of: closures, each of which turns the values of one place of an answer into JSON, all at once.

A Complete gives as many results as there are values, in order. It raises, anything, where graphql-core would have reported an
error, and where that is not certain. Values are never none at all: what has nothing to do is not called.

Nothing here waits. A field that needs a thread leaves null under its key, and takes down where the results go (`Later`); the
plan waits for all of these together, fills them in, and goes on with what they in turn left for later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from gql.batch import BatchResolver
from gql.context import RequestContext
from gql.plan.arguments import Arguments
from gql.plan.shapes import Shape
from gql.plan.uncovered import Uncovered


class Run:
    """One run of a plan: who asks of which release, the variables that were given, and what is still to come."""

    __slots__ = ("context", "later", "variables")

    def __init__(self, context: RequestContext, variables: Mapping[str, Any]) -> None:
        self.context = context
        self.variables = variables
        self.later: list[Later] = []


Complete = Callable[[Run, Sequence[Any]], Sequence[Any]]
"""Makes JSON of the values of one place."""
Column = Callable[[Run, Sequence[Any]], Sequence[Any]]
"""Makes JSON of one field of some sources."""


@dataclass(frozen=True, slots=True)
class LaterField:
    """A field whose resolver waits."""

    key: str
    resolve: BatchResolver
    arguments: Arguments
    complete: Complete


@dataclass(frozen=True, slots=True)
class Later:
    """Such a field of some objects that are made already."""

    field: LaterField
    sources: Sequence[Any]
    objects: Sequence[dict[str, Any]]

    def found(self, run: Run) -> Awaitable[Sequence[Any]]:
        """What the resolver will have found."""
        given = self.field.arguments(run.variables)
        return cast("Awaitable[Sequence[Any]]", self.field.resolve(run.context, self.sources, **given))

    def fill(self, run: Run, found: Sequence[Any]) -> None:
        """Puts it into the objects."""
        key = self.field.key
        for object_, result in zip(self.objects, self.field.complete(run, found), strict=True):
            object_[key] = result


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled query."""

    root: Complete
    waits: bool
    """Whether a run may wait, so that it needs a deadline."""

    async def run(self, context: RequestContext, variables: Mapping[str, Any]) -> dict[str, Any]:
        """`data` of the answer; raises where graphql-core had better answer."""
        run = Run(context, variables)
        (answer,) = self.root(run, [None])
        while run.later:
            waiting, run.later = run.later, []
            found = await asyncio.gather(*(one.found(run) for one in waiting))
            for one, values in zip(waiting, found, strict=True):
                one.fill(run, values)
        return answer


def leaf(plain: frozenset[type], serialize: Callable[[Any], Any], *, nullable: bool) -> Complete:
    """Scalars and enums. Values of a plain type are written as they are."""

    def complete(_: Run, values: Sequence[Any]) -> Sequence[Any]:
        if plain.issuperset(map(type, values)):
            return values
        if not nullable and None in values:
            raise Uncovered
        return [None if value is None else serialize(value) for value in values]

    return complete


def nullable(of: Complete) -> Complete:
    """Objects and lists that may be null."""

    def complete(run: Run, values: Sequence[Any]) -> Sequence[Any]:
        there = [value for value in values if value is not None]
        if len(there) == len(values):
            return of(run, values)
        done = iter(of(run, there) if there else ())
        return [None if value is None else next(done) for value in values]

    return complete


def list_of(of: Complete) -> Complete:
    """Lists: all their items are completed together, and dealt out again."""

    def complete(run: Run, values: Sequence[Any]) -> Sequence[Any]:
        if not _LISTS.issuperset(map(type, values)):
            raise Uncovered
        items = [item for value in values for item in value]
        done = iter(of(run, items) if items else ())
        return [list(islice(done, len(value))) for value in values]

    return complete


_LISTS = frozenset({list, tuple})


def objects(now: Sequence[Column], later: Sequence[LaterField], shape: Shape) -> Complete:
    """Objects of one type. `now` has a column for each key, of nulls where the field comes later."""

    def complete(run: Run, values: Sequence[Any]) -> Sequence[Any]:
        return shape([column(run, values) for column in now], len(values))

    def complete_and_note(run: Run, values: Sequence[Any]) -> Sequence[Any]:
        made = complete(run, values)
        run.later += [Later(field, values, made) for field in later]
        return made

    return complete_and_note if later else complete


def interface(type_name: Callable[[Any], str], types: Mapping[str, Complete]) -> Complete:
    """Objects of several types: each type's are completed together."""

    def complete(run: Run, values: Sequence[Any]) -> Sequence[Any]:
        places: dict[str, list[int]] = {}
        for place, value in enumerate(values):
            places.setdefault(type_name(value), []).append(place)
        done: list[Any] = [None] * len(values)
        for name, at in places.items():
            for place, result in zip(at, types[name](run, [values[place] for place in at]), strict=True):
                done[place] = result
        return done

    return complete


def column(resolve: BatchResolver, arguments: Arguments | None, of: Complete) -> Column:
    """A field whose resolver does not wait."""

    def read(run: Run, sources: Sequence[Any]) -> Sequence[Any]:
        return of(run, cast("Sequence[Any]", resolve(run.context, sources)))

    def read_with(run: Run, sources: Sequence[Any]) -> Sequence[Any]:
        given = cast("Arguments", arguments)(run.variables)
        return of(run, cast("Sequence[Any]", resolve(run.context, sources, **given)))

    return read if arguments is None else read_with


def constant(value: Any) -> Column:
    """The same for all: `__typename`, or null for what comes later."""
    return lambda _, sources: [value] * len(sources)
