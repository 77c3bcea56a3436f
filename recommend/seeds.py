"""What a question starts from: weighted pins, and how the asked-about node is tied to each of them.

A pin is its own seed; a board has the pins it holds, a user those saved, an interest those about it. Only what the viewer may
see: the same question asked by a stranger and by the owner may start from different pins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.adjacency import Side, around
from graph.errors import NotFoundError
from graph.model import NodeKind
from graph.schema import Link
from graph.visibility import Viewer
from recommend.ranked import Step
from recommend.serving import Serving
from recommend.spread import Weighted

SEEDS_MAX: Final = 500
"""Pins that a question starts from at most: the newest, or for an interest the most saved."""
READ_MAX: Final = 20_000
"""Edges of a node that are looked at to choose them."""

_TIES: Final = {
    NodeKind.USER: Side(Link.SAVED, outgoing=True),
    NodeKind.BOARD: Side(Link.HOLDS, outgoing=True),
    NodeKind.INTEREST: Side(Link.ABOUT, outgoing=False),
}


@dataclass(frozen=True, slots=True)
class Seeds:
    """The pins that one or several nodes of a kind stand for."""

    kind: NodeKind
    asked: tuple[int, ...]
    """Rows of the nodes asked about."""
    pins: Weighted
    by: NDArray[np.int32]
    """(pins,): for each pin the node asked about that it is tied to."""

    def tie(self, place: int) -> tuple[Step, ...]:
        """The edge between the node asked about and the pin at a place; none where they are the same."""
        if self.kind is NodeKind.PIN:
            return ()
        side = _TIES[self.kind]
        here, pin = (self.kind, int(self.by[place])), (NodeKind.PIN, int(self.pins.rows[place]))
        return (Step(side.link, here, pin) if side.outgoing else Step(side.link, pin, here),)


def seeds_of(serving: Serving, kind: NodeKind, rows: Sequence[int], viewer: Viewer) -> Seeds:
    """The seeds of some nodes. Raises NotFoundError for a node that the viewer does not see, or of a kind without pins."""
    visible = serving.visible(viewer)
    for row in rows:
        if not visible.node(kind, row):
            raise NotFoundError(f"there is no {kind} at row {row}")
    if kind is NodeKind.PIN:
        pins = np.unique(np.array(rows, np.int32))
        return Seeds(kind, tuple(rows), Weighted(pins, np.ones(len(pins), np.float32)), pins)
    if kind not in _TIES:
        raise NotFoundError(f"nothing is related to a node of kind {kind}")
    asked = np.unique(np.array(rows, np.int32))
    found = around(visible, _TIES[kind], asked, READ_MAX * len(asked))
    pins, first, count = np.unique(found.other, return_index=True, return_counts=True)
    by = asked[found.place[first]]
    # A pin that is about all of several interests says more of their company than one about any of them.
    weights = (count if kind is NodeKind.INTEREST else np.ones(len(pins))).astype(np.float32)
    keep = _chosen(serving, kind, pins, weights, first)
    return Seeds(kind, tuple(asked.tolist()), Weighted(pins[keep], weights[keep]), by[keep])


def _chosen(
    serving: Serving, kind: NodeKind, pins: NDArray[np.int32], weights: NDArray[np.float32], first: NDArray[np.int64]
) -> NDArray[np.int64]:
    if len(pins) <= SEEDS_MAX:
        return np.arange(len(pins))
    if kind is NodeKind.INTEREST:
        order = np.lexsort((pins, -serving.popularity[NodeKind.PIN][pins], -weights))
    else:
        order = np.argsort(first, kind="stable")
    return np.sort(order[:SEEDS_MAX])
