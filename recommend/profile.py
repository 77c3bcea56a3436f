"""What a user cares for, inferred from what was saved."""

from __future__ import annotations

from collections import Counter

from graph.errors import NotFoundError
from graph.schema import Link
from graph.visibility import Viewer
from recommend.ranked import UserInterest
from recommend.serving import Serving


def interests_of(serving: Serving, user_row: int, *, first: int, viewer: Viewer) -> tuple[UserInterest, ...]:
    """At most `first` interests of a user, strongest first, each with saved pins as evidence.

    Raises NotFoundError where there is no such user, or the viewer is neither that user nor admin.
    """
    if not serving.visible(viewer).is_self(user_row):
        raise NotFoundError("a profile is private to its user; ask as that user or as admin")
    links = serving.snapshot.links
    saved = dict.fromkeys(links[Link.SAVED].out.neighbours(user_row).tolist())
    about = {pin: links[Link.ABOUT].out.neighbours(pin).tolist() for pin in saved}
    counts = Counter(interest for interests in about.values() for interest in interests)
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:first]
    return tuple(
        UserInterest(row, count / total, tuple(pin for pin, found in about.items() if row in found)[:5])
        for row, count in ranked
    )
