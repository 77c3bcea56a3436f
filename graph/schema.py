"""The edge kinds of a snapshot: which kinds of nodes each joins, and which columns it carries.

A snapshot holds what *holds now*, not events: `graph.rules.holds` folded, both ends visible. These names are also the edge
kinds that neighbourhoods and walks speak of.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import DTypeLike

from graph.model import NodeKind


class Link(StrEnum):
    """A kind of edge in a snapshot."""

    SAVED = "SAVED"
    HOLDS = "HOLDS"
    VIEWED = "VIEWED"
    CLICKED = "CLICKED"
    HID = "HID"
    FOLLOWS_USER = "FOLLOWS_USER"
    FOLLOWS_BOARD = "FOLLOWS_BOARD"
    FOLLOWS_INTEREST = "FOLLOWS_INTEREST"
    MUTED = "MUTED"
    BOOSTED = "BOOSTED"
    OWNS = "OWNS"
    ABOUT = "ABOUT"
    CHILD_OF = "CHILD_OF"
    IS = "IS"
    RELATES = "RELATES"


@dataclass(frozen=True, slots=True)
class LinkType:
    """Source and target kind of a link, and its columns by name and dtype, one value an edge in outgoing order."""

    source: NodeKind
    target: NodeKind
    columns: dict[str, DTypeLike]


_AT: Final[dict[str, DTypeLike]] = {"at": np.int64}

LINKS: Final[dict[Link, LinkType]] = {
    Link.SAVED: LinkType(NodeKind.USER, NodeKind.PIN, {**_AT, "board": np.int32}),
    Link.HOLDS: LinkType(NodeKind.BOARD, NodeKind.PIN, {**_AT, "by": np.int32}),
    Link.VIEWED: LinkType(NodeKind.USER, NodeKind.PIN, {**_AT, "weight": np.float32}),
    Link.CLICKED: LinkType(NodeKind.USER, NodeKind.PIN, {**_AT, "weight": np.float32}),
    Link.HID: LinkType(NodeKind.USER, NodeKind.PIN, _AT),
    Link.FOLLOWS_USER: LinkType(NodeKind.USER, NodeKind.USER, _AT),
    Link.FOLLOWS_BOARD: LinkType(NodeKind.USER, NodeKind.BOARD, _AT),
    Link.FOLLOWS_INTEREST: LinkType(NodeKind.USER, NodeKind.INTEREST, _AT),
    Link.MUTED: LinkType(NodeKind.USER, NodeKind.INTEREST, _AT),
    Link.BOOSTED: LinkType(NodeKind.USER, NodeKind.INTEREST, _AT),
    Link.OWNS: LinkType(NodeKind.USER, NodeKind.BOARD, {}),
    Link.ABOUT: LinkType(NodeKind.PIN, NodeKind.INTEREST, {"score": np.float32}),
    Link.CHILD_OF: LinkType(NodeKind.INTEREST, NodeKind.INTEREST, {}),
    Link.IS: LinkType(NodeKind.PIN, NodeKind.ENTITY, {}),
    Link.RELATES: LinkType(NodeKind.ENTITY, NodeKind.ENTITY, {"predicate": np.int32}),
}
"""SAVED.board and HOLDS.by are rows of boards and users (-1: none); RELATES.predicate indexes `Snapshot.predicates`; at is in
milliseconds, `graph.ports.NULL_TIME` for none; score is NaN where the source gave none."""

FOLLOWS: Final[dict[NodeKind, Link]] = {
    NodeKind.USER: Link.FOLLOWS_USER,
    NodeKind.BOARD: Link.FOLLOWS_BOARD,
    NodeKind.INTEREST: Link.FOLLOWS_INTEREST,
}
