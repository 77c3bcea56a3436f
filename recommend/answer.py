"""One answer from one question: retrieve, rank, explain; and where nothing is known, what is popular.

The order of degrading, which the answer says: GNN (vectors took part), WALK (the graph alone), POPULAR.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.errors import InvalidInputError
from graph.model import NodeKind
from recommend.blend import rank, weights_of
from recommend.explain import Explainer
from recommend.ranked import Answer, Ranked, Reason, Source
from recommend.retrieve import retrieve
from recommend.seeds import Seeds
from recommend.serving import Serving
from recommend.walk import WalkPlan

FIRST_MAX: Final = 200
"""Items of one answer at most: what a feed's cursor holds."""

_SPOKEN: Final = {
    NodeKind.PIN: ("saved by {} person", "saved by {} people"),
    NodeKind.BOARD: ("{} pin or follower", "{} pins and followers"),
    NodeKind.INTEREST: ("{} pin or follower", "{} pins and followers"),
    NodeKind.USER: ("saved {} pin", "saved {} pins"),
    NodeKind.ENTITY: ("{} pin or relation", "{} pins and relations"),
}


def check_first(first: int) -> None:
    """Raises InvalidInputError when `first` is not 1 to FIRST_MAX."""
    if not 1 <= first <= FIRST_MAX:
        raise InvalidInputError(f"first is {first}; give 1 to {FIRST_MAX}")


def answer(
    serving: Serving,
    seeds: Seeds,
    to: NodeKind,
    *,
    first: int,
    without: NDArray[np.int32],
    own_vector: bool = True,
    lift: Callable[[NDArray[np.int32]], NDArray[np.float32]] | None = None,
) -> Answer:
    """The best `first` nodes of a kind for some seeds; empty where no source knows any."""
    retrieved = retrieve(serving, seeds, to, own_vector=own_vector, plan=WalkPlan())
    weights = weights_of(_blend(serving, seeds, to))
    nodes = len(serving.snapshot.nodes[to])
    if to is NodeKind.BOARD:
        # How many boards are secret must not move anybody's ranking.
        nodes -= int(np.count_nonzero(serving.secrets.secret))
    best = rank(retrieved.found, weights, nodes=nodes, without=without, first=first, lift=lift)
    explainer = Explainer(serving, seeds, to, retrieved)
    items = tuple(Ranked(to, scored.row, scored.score, partial(explainer.reasons, scored)) for scored in best)
    by_vectors = any(Source.GNN in scored.parts for scored in best)
    return Answer(items, "GNN" if by_vectors else "WALK" if items else "POPULAR")


def _blend(serving: Serving, seeds: Seeds, to: NodeKind) -> Mapping[str, float]:
    """The release's blend, which was chosen for what users save next; other questions take the default weights."""
    if serving.release is None or seeds.kind is not NodeKind.USER or to is not NodeKind.PIN:
        return {}
    return serving.release.blend


def popular(serving: Serving, kind: NodeKind) -> Iterator[tuple[int, Reason]]:
    """Nodes of a kind that everyone sees, those that most public edges speak for first, each with its reason."""
    for row in serving.popular[kind].tolist():
        yield row, Reason(Source.POPULAR, 1.0, (), speak(serving, kind, row))


def filled(
    items: Sequence[Ranked],
    floor: Iterable[tuple[int, Reason]],
    kind: NodeKind,
    *,
    first: int,
    without: Collection[int],
) -> tuple[Ranked, ...]:
    """Items, and after them what of a floor is not among them nor to be left out, `first` in all.

    Scores of the floor count down evenly from the last item's (from 1 where there is none): popularity has no scale in common
    with relevance.
    """
    taken = {*without, *(item.row for item in items)}
    room = max(first - len(items), 0)
    rest: dict[int, Reason] = {}
    for row, reason in floor:
        if len(rest) == room:
            break
        if row not in taken and row not in rest:
            rest[row] = reason
    top = items[-1].score if items else 1.0
    scores = (top * (1 - place / (FIRST_MAX + 1)) for place in range(1 if items else 0, FIRST_MAX + 1))
    return (
        *items,
        *(Ranked(kind, row, score, _only(reason)) for (row, reason), score in zip(rest.items(), scores, strict=False)),
    )


def _only(reason: Reason) -> Callable[[], tuple[Reason, ...]]:
    return lambda: (reason,)


def speak(serving: Serving, kind: NodeKind, row: int) -> str:
    """How popular a node is, for a person."""
    count = int(serving.popularity[kind][row])
    one, many = _SPOKEN[kind]
    return (one if count == 1 else many).format(f"{count:,}")
