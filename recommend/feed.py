"""A user's personal feed."""

from __future__ import annotations

from graph.errors import NotFoundError
from graph.model import NodeKind
from graph.schema import Link
from graph.visibility import Viewer
from recommend.ranked import Answer
from recommend.related import related
from recommend.serving import Serving


def feed(serving: Serving, user_row: int, *, first: int, viewer: Viewer) -> Answer:
    """At most `first` pins for a user: none that the user has saved or hidden, nor of an interest the user muted.

    Raises NotFoundError where there is no such user, or the viewer is neither that user nor admin.
    """
    if not serving.visible(viewer).is_self(user_row):
        raise NotFoundError("a feed is private to its user; ask as that user or as admin")
    links = serving.snapshot.links
    seen = {*links[Link.SAVED].out.neighbours(user_row).tolist(), *links[Link.HID].out.neighbours(user_row).tolist()}
    answer = related(serving, NodeKind.USER, user_row, NodeKind.PIN, first=first + len(seen), viewer=viewer)
    return Answer(tuple(item for item in answer.items if item.row not in seen)[:first], answer.source)
