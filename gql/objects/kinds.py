"""The schema's enums, each value mapped to the domain's."""

from __future__ import annotations

from enum import Enum

import strawberry
from strawberry import enum_value

from graph.model import NodeKind
from graph.schema import Link
from recommend.ranked import Source


@strawberry.enum(description="What a node is.")
class Kind(Enum):
    """`NodeKind`."""

    USER = enum_value(NodeKind.USER, description="A person.")
    PIN = enum_value(NodeKind.PIN, description="A thing that can be saved.")
    BOARD = enum_value(NodeKind.BOARD, description="A user's collection of pins.")
    INTEREST = enum_value(NodeKind.INTEREST, description="A node of the taxonomy of interests.")
    ENTITY = enum_value(NodeKind.ENTITY, description="A node of the knowledge graph: a director, a place.")


@strawberry.enum(description="What an edge says. Edges are of what holds now, not of events.")
class EdgeKind(Enum):
    """`Link`."""

    SAVED = enum_value(Link.SAVED, description="User → Pin: has saved it, on a board or on none.")
    HOLDS = enum_value(Link.HOLDS, description="Board → Pin: the pin is on the board.")
    VIEWED = enum_value(Link.VIEWED, description="User → Pin: has viewed it. Private to the user.")
    CLICKED = enum_value(Link.CLICKED, description="User → Pin: has clicked it. Private to the user.")
    HID = enum_value(Link.HID, description="User → Pin: has hidden it, and not saved it since. Private to the user.")
    FOLLOWS_USER = enum_value(Link.FOLLOWS_USER, description="User → User: follows. Private to the follower.")
    FOLLOWS_BOARD = enum_value(Link.FOLLOWS_BOARD, description="User → Board: follows.")
    FOLLOWS_INTEREST = enum_value(Link.FOLLOWS_INTEREST, description="User → Interest: follows.")
    MUTED = enum_value(Link.MUTED, description="User → Interest: wants none of it. Private to the user.")
    BOOSTED = enum_value(Link.BOOSTED, description="User → Interest: wants more of it. Private to the user.")
    OWNS = enum_value(Link.OWNS, description="User → Board: owns.")
    ABOUT = enum_value(Link.ABOUT, description="Pin → Interest: is about it.")
    CHILD_OF = enum_value(Link.CHILD_OF, description="Interest → Interest: lies below it in the taxonomy.")
    IS = enum_value(Link.IS, description="Pin → Entity: shows this thing.")
    RELATES = enum_value(Link.RELATES, description="Entity → Entity: related under a predicate.")


@strawberry.enum(description="What spoke for an item of a ranking.")
class CandidateSource(Enum):
    """`Source`."""

    GNN = enum_value(Source.GNN, description="Vectors that a graph neural network learnt.")
    FILTER = enum_value(Source.FILTER, description="Saves in common, two hops away and normalised by degree.")
    WALK = enum_value(Source.WALK, description="Random walks over pins, boards and users.")
    KNOWLEDGE = enum_value(Source.KNOWLEDGE, description="Interests and entities in common.")
    POPULAR = enum_value(Source.POPULAR, description="Many have saved it: the floor under every ranking.")


@strawberry.enum(description="The best that an answer could be made from. Each is worse than the one before.")
class AnswerSource(Enum):
    """`Answer.source`."""

    GNN = enum_value("GNN", description="Learnt vectors took part, with everything below.")
    WALK = enum_value("WALK", description="No vectors were there; the graph alone answered.")
    POPULAR = enum_value("POPULAR", description="The graph says nothing here; what many have saved was taken.")


def links_of(kinds: list[EdgeKind] | None) -> frozenset[Link] | None:
    """The links that some edge kinds name; None for all."""
    return None if kinds is None else frozenset(Link(kind.value) for kind in kinds)
