"""Search by title, name and id: prefix and typo-tolerant, ranked by text and popularity."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from graph.errors import InvalidInputError
from graph.model import NodeKind
from graph.visibility import Viewer
from recommend.answer import check_first
from recommend.ranked import Hit, Hits
from recommend.serving import Serving

TEXT_CHARACTERS_MAX: Final = 1_000


def search(
    serving: Serving,
    text: str,
    *,
    kinds: Collection[NodeKind] | None,
    first: int,
    after: int = 0,
    viewer: Viewer,
) -> Hits:
    """Hits `after` … `after + first` of a text, best first, ties by kind and row: titles of pins and boards, names of interests
    and entities, ids of users and of what has no name.

    Nothing that the viewer may not see is found or counted. Only the best 1,000 hits can be paged through; `total` counts
    all. Raises InvalidInputError when the text is too long or `first` out of bounds.
    """
    check_first(first)
    if len(text) > TEXT_CHARACTERS_MAX:
        raise InvalidInputError(f"the text has {len(text)} characters; give at most {TEXT_CHARACTERS_MAX}")
    wanted = tuple(NodeKind) if kinds is None else tuple(kinds)
    found, total = serving.texts.find(text, wanted, viewer.user_row, admin=viewer.admin)
    items = tuple(Hit(hit.kind, hit.row, hit.score) for hit in found[after : after + first])
    return Hits(items, total, more=len(found) > after + first)
