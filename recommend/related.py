"""What is related to a node, ranked, with reasons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graph.errors import NotFoundError
from graph.model import NodeKind
from graph.schema import Link
from graph.visibility import Viewer
from recommend.ranked import Answer, Ranked, Reason, Source, Step
from recommend.serving import Serving


def related(serving: Serving, kind: NodeKind, row: int, to: NodeKind, *, first: int, viewer: Viewer) -> Answer:
    """At most `first` nodes of kind `to` that are related to a node: never itself.

    Raises NotFoundError where the viewer sees no such node.
    """
    if not serving.visible(viewer).node(kind, row):
        raise NotFoundError(f"there is no {kind} at row {row}")
    return _popular(serving, to, first, viewer, {row} if kind is to else set())


def related_interests(serving: Serving, rows: Sequence[int], *, first: int, viewer: Viewer) -> Answer:
    """Interests related to several at once: never those themselves. Raises NotFoundError for a row that is none."""
    for row in rows:
        if not serving.visible(viewer).node(NodeKind.INTEREST, row):
            raise NotFoundError(f"there is no Interest at row {row}")
    return _popular(serving, NodeKind.INTEREST, first, viewer, set(rows))


def _popular(serving: Serving, kind: NodeKind, first: int, viewer: Viewer, without: set[int]) -> Answer:
    counts = serving.popularity[kind]
    visible = serving.visible(viewer)
    order = np.lexsort((np.arange(len(counts)), -counts))
    best = [row for row in order.tolist() if row not in without and visible.node(kind, row)][:first]
    items = (
        Ranked(kind, row, float(counts[row]), (Reason(Source.POPULAR, 1.0, _a_save(serving, kind, row), "popular"),))
        for row in best
    )
    return Answer(tuple(items), "POPULAR")


def _a_save(serving: Serving, kind: NodeKind, row: int) -> tuple[Step, ...]:
    savers = serving.public.saves.into.neighbours(row) if kind is NodeKind.PIN else []
    return tuple(Step(Link.SAVED, (NodeKind.USER, int(user)), (NodeKind.PIN, row)) for user in savers[:1])
