"""Entities of the knowledge graph: what shows them, and what they are to each other."""

from __future__ import annotations

import strawberry

from gql.context import Info
from gql.objects.arguments import After, First
from gql.objects.node import Node, identity_of
from gql.objects.topics import EntityPinConnection, InverseRelationConnection, RelationConnection
from graph.model import NodeKind
from graph.snapshot import Snapshot


@strawberry.type(description="A node of the knowledge graph: a director, a place.")
class Entity(Node):
    """`graph.model.Entity`."""

    kind = NodeKind.ENTITY

    name: str | None = strawberry.field(description="Its name; null where the source gave none.")

    @classmethod
    def at(cls, snapshot: Snapshot, row: int) -> Entity:
        name = snapshot.nodes[cls.kind].value("name", row)
        return cls(**identity_of(snapshot, cls.kind, row, name), name=name)

    @strawberry.field(description="Pins that show the entity, by key.")
    def pins(self, info: Info, first: First = 20, after: After = None) -> EntityPinConnection:
        return EntityPinConnection.of(info, self.row, first, after)

    @strawberry.field(description="Relations whose head the entity is, by the other entity's key, then by predicate.")
    def relations(self, info: Info, first: First = 20, after: After = None) -> RelationConnection:
        return RelationConnection.of(info, self.row, first, after)

    @strawberry.field(description="Relations whose tail the entity is, by the other entity's key, then by predicate.")
    def inverse_relations(self, info: Info, first: First = 20, after: After = None) -> InverseRelationConnection:
        return InverseRelationConnection.of(info, self.row, first, after)
