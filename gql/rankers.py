"""The recommender, imported by the thread that first needs it.

Its compiled walks take a second to import, which is as long as all the rest of a start: the server listens first, and warms up
beside the first requests. What is asked for meanwhile waits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib import import_module

from graph.model import NodeKind
from graph.visibility import Viewer
from recommend.ranked import Answer, Hits, UserInterest
from recommend.serving import Serving


def warm_up() -> None:
    """Imports all of it."""
    for module in ("recommend.feed", "recommend.profile", "recommend.related", "recommend.search"):
        import_module(module)


def related(serving: Serving, kind: NodeKind, row: int, to: NodeKind, *, first: int, viewer: Viewer) -> Answer:
    """`recommend.related.related`."""
    from recommend.related import related as rank

    return rank(serving, kind, row, to, first=first, viewer=viewer)


def related_interests(serving: Serving, rows: Sequence[int], *, first: int, viewer: Viewer) -> Answer:
    """`recommend.related.related_interests`."""
    from recommend.related import related_interests as rank

    return rank(serving, rows, first=first, viewer=viewer)


def feed(serving: Serving, user_row: int, *, first: int, viewer: Viewer) -> Answer:
    """`recommend.feed.feed`."""
    from recommend.feed import feed as rank

    return rank(serving, user_row, first=first, viewer=viewer)


def interests_of(serving: Serving, user_row: int, *, first: int, viewer: Viewer) -> tuple[UserInterest, ...]:
    """`recommend.profile.interests_of`."""
    from recommend.profile import interests_of as infer

    return infer(serving, user_row, first=first, viewer=viewer)


def search(
    serving: Serving, text: str, *, kinds: Collection[NodeKind] | None, first: int, after: int, viewer: Viewer
) -> Hits:
    """`recommend.search.search`."""
    from recommend.search import search as find

    return find(serving, text, kinds=kinds, first=first, after=after, viewer=viewer)
