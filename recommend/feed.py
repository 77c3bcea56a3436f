"""A user's personal feed: pins from what was saved, and from the interests that were followed where nothing was."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.errors import NotFoundError
from graph.model import NodeKind
from graph.schema import Link
from graph.visibility import Viewer
from recommend.answer import answer, check_first, filled, popular, speak
from recommend.evidence import link_step, title
from recommend.ranked import Answer, Reason, Source
from recommend.seeds import seeds_of
from recommend.serving import Serving

BOOST: Final = 1.5
"""Factor on the score of a pin about an interest that the user boosted."""
TOPIC_PINS_MAX: Final = 100_000
"""Pins of an interest that are looked at for its most popular ones."""


def feed(serving: Serving, user_row: int, *, first: int, viewer: Viewer) -> Answer:
    """At most `first` pins for a user, with reasons: none that the user saved or hid, none about an interest the user muted.

    Raises NotFoundError where there is no such user, or the viewer is neither that user nor admin; InvalidInputError when
    `first` is out of bounds.
    """
    check_first(first)
    check_private(serving, user_row, viewer, "a feed")
    seeds = seeds_of(serving, NodeKind.USER, [user_row], viewer)
    taste = _Taste(serving, user_row)
    found = answer(serving, seeds, NodeKind.PIN, first=first, without=taste.without, lift=taste.lift)
    floor = chain(taste.popular(), popular(serving, NodeKind.PIN))
    items = filled(found.items, floor, NodeKind.PIN, first=first, without=set(taste.without.tolist()))
    return Answer(items, found.source)


def check_private(serving: Serving, user_row: int, viewer: Viewer, what: str) -> None:
    """Raises NotFoundError where there is no such user, or the viewer may not see what is private to that user."""
    visible = serving.visible(viewer)
    if not visible.node(NodeKind.USER, user_row):
        raise NotFoundError(f"there is no User at row {user_row}")
    if not visible.is_self(user_row):
        raise NotFoundError(f"{what} is private to its user; ask as that user or as admin")


class _Taste:
    """What a user said: muted, boosted and followed interests, hidden and saved pins."""

    def __init__(self, serving: Serving, user_row: int) -> None:
        links = serving.snapshot.links
        self._serving = serving
        self._user_row = user_row
        self._muted = links[Link.MUTED].out.neighbours(user_row)
        self._boosted = links[Link.BOOSTED].out.neighbours(user_row)
        self._topics = serving.public.topics
        seen = [links[link].out.neighbours(user_row) for link in (Link.SAVED, Link.HID)]
        self.without = np.unique(np.concatenate([*seen, *(self._topics.out.neighbours(row) for row in self._muted)]))

    def lift(self, pins: NDArray[np.int32]) -> NDArray[np.float32]:
        """(pins,): the factor of boosted interests."""
        factor = np.ones(len(pins), np.float32)
        for row in self._boosted:
            factor[np.isin(pins, self._topics.out.neighbours(row))] = BOOST
        return factor

    def popular(self) -> Iterator[tuple[int, Reason]]:
        """The most saved pins of the interests that the user boosted or follows, boosted first."""
        followed = self._serving.snapshot.links[Link.FOLLOWS_INTEREST].out.neighbours(self._user_row)
        savers = self._serving.popularity[NodeKind.PIN]
        for link, interests in ((Link.BOOSTED, self._boosted), (Link.FOLLOWS_INTEREST, followed)):
            for interest in interests.tolist():
                name = title(self._serving.snapshot, NodeKind.INTEREST, interest)
                pins = self._topics.out.neighbours(interest)[:TOPIC_PINS_MAX]
                for pin in pins[np.lexsort((pins, -savers[pins]))].tolist():
                    steps = (link_step(link, self._user_row, interest), link_step(Link.ABOUT, pin, interest))
                    text = f"about {name}, which you follow; {speak(self._serving, NodeKind.PIN, pin)}"
                    yield pin, Reason(Source.POPULAR, 1.0, steps, text)
