"""What pins are about and show: the edges ABOUT, CHILD_OF, IS and RELATES from either end."""

from __future__ import annotations

import math

import strawberry

from gql.batch import batched
from gql.context import RequestContext
from gql.objects.connection import EdgeConnection, Edges, PlainEdge, column_of, far_nodes
from gql.objects.refs import EntityRef, InterestRef, PinRef
from graph.adjacency import Side
from graph.schema import Link

_SCORE = "How much the pin is about it, more than 0 and at most 1; null where the source gave none."


def _scores(context: RequestContext, edges: Edges) -> list[float | None]:
    return [None if math.isnan(score) else score for score in column_of(context, "score", edges)]


def _predicates(context: RequestContext, edges: Edges) -> list[str]:
    known = context.snapshot.predicates
    return [known[place] for place in column_of(context, "predicate", edges)]


@strawberry.type(description="An interest that a pin is about.")
class PinInterestEdge(PlainEdge):
    """ABOUT from the pin's end."""

    node: InterestRef = batched(far_nodes, description="The interest.")
    score: float | None = batched(_scores, description=_SCORE)


@strawberry.type(description="Interests that a pin is about, by key.")
class PinInterestConnection(EdgeConnection[PinInterestEdge]):
    """Pin.interests."""

    side = Side(Link.ABOUT, outgoing=True)


@strawberry.type(description="A pin about an interest.")
class InterestPinEdge(PlainEdge):
    """ABOUT from the interest's end."""

    node: PinRef = batched(far_nodes, description="The pin.")
    score: float | None = batched(_scores, description=_SCORE)


@strawberry.type(description="Pins about an interest, by key.")
class InterestPinConnection(EdgeConnection[InterestPinEdge]):
    """Interest.pins."""

    side = Side(Link.ABOUT, outgoing=False)


@strawberry.type(description="An interest directly below another.")
class InterestEdge(PlainEdge):
    """CHILD_OF from the parent's end."""

    node: InterestRef = batched(far_nodes, description="The interest below.")


@strawberry.type(description="Interests directly below another, by key.")
class InterestConnection(EdgeConnection[InterestEdge]):
    """Interest.children."""

    side = Side(Link.CHILD_OF, outgoing=False)


@strawberry.type(description="An entity that a pin shows.")
class EntityEdge(PlainEdge):
    """IS from the pin's end."""

    node: EntityRef = batched(far_nodes, description="The entity.")


@strawberry.type(description="Entities that a pin shows, by key.")
class EntityConnection(EdgeConnection[EntityEdge]):
    """Pin.entities."""

    side = Side(Link.IS, outgoing=True)


@strawberry.type(description="A pin that shows an entity.")
class EntityPinEdge(PlainEdge):
    """IS from the entity's end."""

    node: PinRef = batched(far_nodes, description="The pin.")


@strawberry.type(description="Pins that show an entity, by key.")
class EntityPinConnection(EdgeConnection[EntityPinEdge]):
    """Entity.pins."""

    side = Side(Link.IS, outgoing=False)


@strawberry.type(description="An entity that another is related to.")
class RelationEdge(PlainEdge):
    """RELATES from either end."""

    node: EntityRef = batched(far_nodes, description="The other entity.")
    predicate: str = batched(_predicates, description="What the head is to the tail, as the knowledge graph names it.")


@strawberry.type(description="Relations whose head is this entity, by the other entity's key, then by predicate.")
class RelationConnection(EdgeConnection[RelationEdge]):
    """Entity.relations."""

    side = Side(Link.RELATES, outgoing=True)


@strawberry.type(description="Relations whose tail is this entity, by the other entity's key, then by predicate.")
class InverseRelationConnection(EdgeConnection[RelationEdge]):
    """Entity.inverseRelations."""

    side = Side(Link.RELATES, outgoing=False)
