"""What is related to a node, ranked, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.adjacency import Side, around
from graph.errors import InvalidInputError
from graph.model import NodeKind
from graph.schema import Link
from graph.visibility import Viewer
from recommend.answer import answer, check_first, filled, popular
from recommend.ranked import Answer
from recommend.seeds import READ_MAX, Seeds, seeds_of
from recommend.serving import Serving

RELATED: Final = (NodeKind.PIN, NodeKind.BOARD, NodeKind.INTEREST, NodeKind.USER)


def related(serving: Serving, kind: NodeKind, row: int, to: NodeKind, *, first: int, viewer: Viewer) -> Answer:
    """At most `first` nodes of kind `to` (pins, boards, interests or users) that are related to a pin, board, interest or user.

    Never the node itself, nor what it has already: a board's own pins, a pin's own boards and interests, a user's saves; nor
    pins that the viewer saved or hid. Where nothing is known of the node, what is popular. Raises NotFoundError where the
    viewer sees no such node, InvalidInputError when `first` is out of bounds or `to` is another kind.
    """
    check_first(first)
    if to not in RELATED:
        raise InvalidInputError(f"nothing of kind {to} is ever related; ask for {', '.join(RELATED)}")
    seeds = seeds_of(serving, kind, [row], viewer)
    own_vector = kind is not NodeKind.USER or serving.visible(viewer).is_self(row)
    return _answer(serving, seeds, to, first=first, viewer=viewer, own_vector=own_vector)


def related_interests(serving: Serving, rows: Sequence[int], *, first: int, viewer: Viewer) -> Answer:
    """Interests related to one or several together: never those themselves. Raises as `related` does."""
    check_first(first)
    seeds = seeds_of(serving, NodeKind.INTEREST, rows, viewer)
    return _answer(serving, seeds, NodeKind.INTEREST, first=first, viewer=viewer, own_vector=True)


def _answer(serving: Serving, seeds: Seeds, to: NodeKind, *, first: int, viewer: Viewer, own_vector: bool) -> Answer:
    without = _without(serving, seeds, to, viewer)
    found = answer(serving, seeds, to, first=first, without=without, own_vector=own_vector)
    if found.items:
        return found
    floor = filled((), popular(serving, to), to, first=first, without=set(without.tolist()))
    return Answer(floor, "POPULAR")


def _without(serving: Serving, seeds: Seeds, to: NodeKind, viewer: Viewer) -> NDArray[np.int32]:
    """What is not an answer: the node itself, what it has already, and pins that the viewer saved or hid."""
    parts = [np.array(seeds.asked if seeds.kind is to else [], np.int32)]
    if seeds.kind is NodeKind.PIN:
        has = {NodeKind.BOARD: serving.public.holds, NodeKind.INTEREST: serving.public.topics}.get(to)
        parts += [has.into.neighbours(pin) for pin in seeds.asked] if has is not None else []
    if to is NodeKind.PIN:
        parts.append(seeds.pins.rows)
        parts.append(pins_of(serving, seeds, viewer))
        if viewer.user_row is not None:
            links = serving.snapshot.links
            parts += [links[link].out.neighbours(viewer.user_row) for link in (Link.SAVED, Link.HID)]
    return np.unique(np.concatenate(parts))


def pins_of(serving: Serving, seeds: Seeds, viewer: Viewer) -> NDArray[np.int32]:
    """All pins that a board holds or a user saved, as the viewer sees them: seeds may be only some."""
    side = {NodeKind.BOARD: Side(Link.HOLDS, outgoing=True), NodeKind.USER: Side(Link.SAVED, outgoing=True)}.get(
        seeds.kind
    )
    if side is None or len(seeds.pins.rows) == 0:
        return seeds.pins.rows
    asked = np.array(seeds.asked, np.int32)
    return around(serving.visible(viewer), side, asked, READ_MAX * len(asked)).other
