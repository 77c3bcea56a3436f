"""What pins are about and show: the edges ABOUT, CHILD_OF, IS and RELATES from either end."""

from __future__ import annotations

import math

import strawberry

from gql.objects.connection import CURSOR, EdgeConnection
from gql.objects.refs import EntityRef, InterestRef, PinRef, entity_at, interest_at, pin_at
from gql.order import Hop
from graph.adjacency import Side
from graph.schema import Link
from graph.snapshot import Snapshot

_SCORE = "How much the pin is about it, more than 0 and at most 1; null where the source gave none."


@strawberry.type(description="An interest that a pin is about.")
class PinInterestEdge:
    """ABOUT from the pin's end."""

    cursor: str = strawberry.field(description=CURSOR)
    node: InterestRef = strawberry.field(description="The interest.")
    score: float | None = strawberry.field(description=_SCORE)

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> PinInterestEdge:
        """An interest as seen from a pin."""
        return cls(cursor=cursor, node=interest_at(snapshot, hop.far), score=_score_of(snapshot, hop))


@strawberry.type(description="Interests that a pin is about, by key.")
class PinInterestConnection(EdgeConnection[PinInterestEdge]):
    """Pin.interests."""

    side = Side(Link.ABOUT, outgoing=True)
    edge = PinInterestEdge.of


@strawberry.type(description="A pin about an interest.")
class InterestPinEdge:
    """ABOUT from the interest's end."""

    cursor: str = strawberry.field(description=CURSOR)
    node: PinRef = strawberry.field(description="The pin.")
    score: float | None = strawberry.field(description=_SCORE)

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> InterestPinEdge:
        """A pin as seen from an interest."""
        return cls(cursor=cursor, node=pin_at(snapshot, hop.far), score=_score_of(snapshot, hop))


@strawberry.type(description="Pins about an interest, by key.")
class InterestPinConnection(EdgeConnection[InterestPinEdge]):
    """Interest.pins."""

    side = Side(Link.ABOUT, outgoing=False)
    edge = InterestPinEdge.of


@strawberry.type(description="An interest directly below another.")
class InterestEdge:
    """CHILD_OF from the parent's end."""

    cursor: str = strawberry.field(description=CURSOR)
    node: InterestRef = strawberry.field(description="The interest below.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> InterestEdge:
        """An interest as seen from its parent."""
        return cls(cursor=cursor, node=interest_at(snapshot, hop.far))


@strawberry.type(description="Interests directly below another, by key.")
class InterestConnection(EdgeConnection[InterestEdge]):
    """Interest.children."""

    side = Side(Link.CHILD_OF, outgoing=False)
    edge = InterestEdge.of


@strawberry.type(description="An entity that a pin shows.")
class EntityEdge:
    """IS from the pin's end."""

    cursor: str = strawberry.field(description=CURSOR)
    node: EntityRef = strawberry.field(description="The entity.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> EntityEdge:
        """An entity as seen from a pin."""
        return cls(cursor=cursor, node=entity_at(snapshot, hop.far))


@strawberry.type(description="Entities that a pin shows, by key.")
class EntityConnection(EdgeConnection[EntityEdge]):
    """Pin.entities."""

    side = Side(Link.IS, outgoing=True)
    edge = EntityEdge.of


@strawberry.type(description="A pin that shows an entity.")
class EntityPinEdge:
    """IS from the entity's end."""

    cursor: str = strawberry.field(description=CURSOR)
    node: PinRef = strawberry.field(description="The pin.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> EntityPinEdge:
        """A pin as seen from an entity."""
        return cls(cursor=cursor, node=pin_at(snapshot, hop.far))


@strawberry.type(description="Pins that show an entity, by key.")
class EntityPinConnection(EdgeConnection[EntityPinEdge]):
    """Entity.pins."""

    side = Side(Link.IS, outgoing=False)
    edge = EntityPinEdge.of


@strawberry.type(description="An entity that another is related to.")
class RelationEdge:
    """RELATES from either end."""

    cursor: str = strawberry.field(description=CURSOR)
    node: EntityRef = strawberry.field(description="The other entity.")
    predicate: str = strawberry.field(description="What the head is to the tail, as the knowledge graph names it.")

    @classmethod
    def of(cls, snapshot: Snapshot, hop: Hop, cursor: str) -> RelationEdge:
        """A relation as seen from one of its ends."""
        return cls(cursor=cursor, node=entity_at(snapshot, hop.far), predicate=predicate_of(snapshot, hop.edge))


@strawberry.type(description="Relations whose head is this entity, by the other entity's key, then by predicate.")
class RelationConnection(EdgeConnection[RelationEdge]):
    """Entity.relations."""

    side = Side(Link.RELATES, outgoing=True)
    edge = RelationEdge.of


@strawberry.type(description="Relations whose tail is this entity, by the other entity's key, then by predicate.")
class InverseRelationConnection(EdgeConnection[RelationEdge]):
    """Entity.inverseRelations."""

    side = Side(Link.RELATES, outgoing=False)
    edge = RelationEdge.of


def predicate_of(snapshot: Snapshot, edge: int) -> str:
    """The predicate of a RELATES edge."""
    return snapshot.predicates[int(snapshot.links[Link.RELATES].columns["predicate"][edge])]


def _score_of(snapshot: Snapshot, hop: Hop) -> float | None:
    score = float(snapshot.links[Link.ABOUT].columns["score"][hop.edge])
    return None if math.isnan(score) else score
