"""Valid documents over a schema, drawn by hypothesis: whatever GraphQL lets a client write that can be executed.

Fields with arguments good and bad, aliases, fragments by name and inline, with and without type conditions, fields that merge,
`@skip` and `@include`, variables with and without defaults, given, left out and null. A document that breaks a rule after all
(two fields that do not merge) is left out by whoever validates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
    get_named_type,
    is_leaf_type,
)
from hypothesis import strategies as st

DEPTH_MAX = 7
Composite = GraphQLObjectType | GraphQLInterfaceType
Values = Mapping[tuple[str, str], st.SearchStrategy[str]]
"""By (field, argument) or ("", type): GraphQL literals to draw from."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A document and the variables that come with it."""

    document: str
    variables: dict[str, Any]


@dataclass(slots=True)
class _Document:
    """What a document has besides its operation, as it is drawn."""

    draw: st.DrawFn
    schema: GraphQLSchema
    values: Values
    fragments: list[str] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    room: int = 40
    """Selections that may still be drawn."""

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(1, one_in)) == 1

    def selections(self, parent: Composite, depth: int) -> str:
        """A selection set of a type, braces included."""
        drawn = [self.selection(parent, depth) for _ in range(self.draw(st.integers(1, 4)))]
        there = [text for text in drawn if text]
        return "{ " + " ".join(there or ["__typename"]) + " }"

    def selection(self, parent: Composite, depth: int) -> str:
        self.room -= 1
        if self.room < 0:
            return ""
        if depth < DEPTH_MAX and self.chance(7):
            return self.fragment(parent, depth)
        if self.chance(12):
            return self.alias("__typename") + self.directives()
        names = [
            name
            for name, found in parent.fields.items()
            if depth < DEPTH_MAX or is_leaf_type(get_named_type(found.type))
        ]
        return self.field(parent, self.draw(st.sampled_from(names)), depth) if names else ""

    def field(self, parent: Composite, name: str, depth: int) -> str:
        found: GraphQLField = parent.fields[name]
        arguments = self.arguments(parent, name, found.args)
        below = get_named_type(found.type)
        text = self.alias(name, arguments) + arguments + self.directives()
        if isinstance(below, Composite):
            return text + " " + self.selections(below, depth + 1)
        return text

    def alias(self, name: str, arguments: str = "") -> str:
        """A field by its own name or another. What is asked with arguments hardly ever merges, so it mostly gets its own."""
        if arguments and not self.chance(6):
            return f"a{self.room}: {name}"
        # Few names for each field, so that fields merge; and now and then one that is another field's.
        return "key: " + name if self.chance(40) else self.draw(st.sampled_from([name, name, f"{name}A: {name}"]))

    def fragment(self, parent: Composite, depth: int) -> str:
        on = self.draw(st.sampled_from(self.conditions(parent)))
        body = self.selections(on, depth + 1)
        if self.chance(2):
            return (
                f"... on {on.name}{self.directives()} {body}" if self.chance(2) or on is not parent else f"... {body}"
            )
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {on.name} {body}")
        spread = f"...{name}{self.directives()}"
        return f"{spread} ...{name}" if self.chance(5) else spread

    def conditions(self, parent: Composite) -> Sequence[Composite]:
        """Types that a fragment here may be on."""
        if isinstance(parent, GraphQLInterfaceType):
            return [parent, *self.schema.get_possible_types(parent)]
        return [parent, parent, *parent.interfaces]

    def directives(self) -> str:
        if not self.chance(12):
            return ""
        name = self.draw(st.sampled_from(["skip", "include"]))
        value = self.draw(st.sampled_from(["true", "false"]))
        if self.chance(2):
            value = self.variable(GraphQLNonNull(self.named("Boolean")), value)  # type: ignore[arg-type]
        return f" @{name}(if: {value})"

    def named(self, name: str) -> GraphQLNamedType:
        return self.schema.type_map[name]

    def arguments(self, parent: Composite, name: str, arguments: Mapping[str, GraphQLArgument]) -> str:
        drawn: list[str] = []
        for argument, found in arguments.items():
            required = isinstance(found.type, GraphQLNonNull) and found.default_value is Undefined
            if (parent.name, argument) == ("Query", "id" if "key" in arguments else "key"):
                # A node is asked for by one of these: mostly so, and now and then wrongly.
                if not self.chance(10):
                    continue
            elif not required and argument != "key" and self.chance(2):
                continue
            literal = self.literal(name, argument, found.type)
            if self.chance(3):
                literal = self.variable(found.type, literal)
            drawn.append(f"{argument}: {literal}")
        return f"({', '.join(drawn)})" if drawn else ""

    def literal(self, field_: str, argument: str, type_: GraphQLInputType) -> str:
        if not isinstance(type_, GraphQLNonNull) and self.chance(12):
            return "null"
        chosen = self.values.get((field_, argument))
        if chosen is not None:
            return self.draw(chosen)
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(inner, GraphQLList):
            items = [self.literal("", argument, inner.of_type) for _ in range(self.draw(st.integers(0, 2)))]
            return f"[{', '.join(items)}]"
        if isinstance(inner, GraphQLEnumType):
            return self.draw(st.sampled_from(sorted(inner.values)))
        return self.draw(self.values["", argument] if ("", argument) in self.values else self.values["", inner.name])  # type: ignore[union-attr]

    def variable(self, type_: GraphQLInputType, literal: str) -> str:
        """Declares a variable that has, mostly, this value: given, by default, or both; a reference to it."""
        name = f"v{len(self.declared)}"
        nullable = not isinstance(type_, GraphQLNonNull)
        way = self.draw(st.sampled_from(["given", "given", "default", "both", *(["left out"] if nullable else [])]))
        default = f" = {literal}" if way in ("default", "both") else ""
        if way in ("given", "both"):
            self.given[name] = _json(literal)
        self.declared.append(f"${name}: {type_}{default}")
        return f"${name}"


def _json(literal: str) -> Any:
    """A literal as JSON; enums are strings there."""
    import re

    import orjson

    return orjson.loads(re.sub(r"(?<![\"\w])(?!(?:null|true|false)\b)([A-Z_]+)(?![\"\w])", r'"\1"', literal))


@st.composite
def documents(draw: st.DrawFn, schema: GraphQLSchema, values: Values) -> Asked:
    """A query over a schema, valid but for fields that may not merge."""
    document = _Document(draw, schema, values)
    assert schema.query_type is not None
    body = document.selections(schema.query_type, 1)
    declared = f"({', '.join(document.declared)})" if document.declared else ""
    head = draw(st.sampled_from(["query", "query Q"])) if declared or draw(st.booleans()) else ""
    return Asked(" ".join([f"{head}{declared} {body}", *document.fragments]), document.given)
