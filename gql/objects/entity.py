"""Entities of the knowledge graph: what shows them, and what they are to each other."""

from __future__ import annotations

import strawberry

from gql.batch import batched
from gql.objects.connection import pages
from gql.objects.node import Node, column
from gql.objects.topics import EntityPinConnection, InverseRelationConnection, RelationConnection
from graph.model import NodeKind


@strawberry.type(description="A node of the knowledge graph: a director, a place.")
class Entity(Node):
    """`graph.model.Entity`."""

    kind = NodeKind.ENTITY

    name: str | None = batched(column("name"), description="Its name; null where the source gave none.")
    pins: EntityPinConnection = batched(pages(EntityPinConnection), description="Pins that show the entity, by key.")
    relations: RelationConnection = batched(
        pages(RelationConnection),
        description="Relations whose head the entity is, by the other entity's key, then by predicate.",
    )
    inverse_relations: InverseRelationConnection = batched(
        pages(InverseRelationConnection),
        description="Relations whose tail the entity is, by the other entity's key, then by predicate.",
    )
