"""What kinds of nodes and events are called in the graph."""

from __future__ import annotations

from typing import Final, LiteralString

from graph.model import FOLLOW_EVENTS, FOLLOWABLE, PIN_EVENTS, TASTE_EVENTS, EdgeKind, EventKind, NodeKind

LABELS: Final[dict[NodeKind, LiteralString]] = {
    NodeKind.USER: "User",
    NodeKind.PIN: "Pin",
    NodeKind.BOARD: "Board",
    NodeKind.INTEREST: "Interest",
    NodeKind.ENTITY: "Entity",
}

TYPES: Final[dict[EventKind, LiteralString]] = {
    EventKind.SAVE: "SAVED",
    EventKind.UNSAVE: "UNSAVED",
    EventKind.VIEW: "VIEWED",
    EventKind.CLICK: "CLICKED",
    EventKind.HIDE: "HID",
    EventKind.FOLLOW: "FOLLOWS",
    EventKind.UNFOLLOW: "UNFOLLOWS",
    EventKind.MUTE: "MUTED",
    EventKind.BOOST: "BOOSTED",
    EventKind.CLEAR: "CLEARED",
}

PAIRED: Final[dict[EventKind, LiteralString]] = {EventKind.SAVE: "HOLDS", EventKind.UNSAVE: "DROPPED"}
"""What an event on a board is between the board and the pin."""

EDGE_TYPES: Final[dict[EdgeKind, LiteralString]] = {
    EdgeKind.OWNS: "OWNS",
    EdgeKind.ABOUT: "ABOUT",
    EdgeKind.CHILD_OF: "CHILD_OF",
    EdgeKind.IS: "IS",
    EdgeKind.RELATES: "RELATES",
}

Shape = tuple[EventKind, NodeKind]
"""An event's kind and its target's: what a query must know to name the relationship's type and the label at its end."""

SHAPES: Final[tuple[Shape, ...]] = (
    *((kind, NodeKind.PIN) for kind in TYPES if kind in PIN_EVENTS),
    *((kind, target) for kind in TYPES if kind in FOLLOW_EVENTS for target in sorted(FOLLOWABLE)),
    *((kind, NodeKind.INTEREST) for kind in TYPES if kind in TASTE_EVENTS),
)
