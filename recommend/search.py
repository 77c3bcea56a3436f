"""Search by title, name and id."""

from __future__ import annotations

from collections.abc import Collection

from graph.model import NodeKind
from graph.visibility import Viewer
from recommend.ranked import Hit, Hits
from recommend.serving import Serving


def search(
    serving: Serving,
    text: str,
    *,
    kinds: Collection[NodeKind] | None,
    first: int,
    after: int = 0,
    viewer: Viewer,
) -> Hits:
    """Hits `after` … `after + first` of a text, best first: titles of pins and boards, names of interests and entities, ids
    of users. Nothing that the viewer may not see is found or counted.
    """
    visible, words = serving.visible(viewer), text.casefold()
    hits: list[Hit] = []
    for kind in NodeKind:
        if kinds is not None and kind not in kinds:
            continue
        table = serving.snapshot.nodes[kind]
        column = {NodeKind.USER: "id", NodeKind.PIN: "title", NodeKind.BOARD: "title"}.get(kind, "name")
        for row, value in enumerate(table.table.column(column).to_pylist()):
            if value and words in value.casefold() and visible.node(kind, row):
                hits.append(Hit(kind, row, float(serving.popularity[kind][row])))
    hits.sort(key=lambda hit: -hit.score)
    return Hits(tuple(hits[after : after + first]), len(hits), len(hits) > after + first)
