"""What a user cares for, inferred from what was saved and told."""

from __future__ import annotations

from typing import Final

import numpy as np

from graph.model import NodeKind
from graph.schema import Link
from graph.visibility import Viewer
from recommend.answer import check_first
from recommend.feed import BOOST, check_private
from recommend.ranked import UserInterest
from recommend.seeds import seeds_of
from recommend.serving import Serving
from recommend.spread import push

EVIDENCE_MAX: Final = 5
FOLLOWED: Final = 0.1
"""What following an interest adds, as a share of all that was saved."""


def interests_of(serving: Serving, user_row: int, *, first: int, viewer: Viewer) -> tuple[UserInterest, ...]:
    """At most `first` interests of a user, strongest first, each with the newest saved pins that show it.

    A user's share of saves about an interest, times the square root of how much that is above everybody's share, so that what
    is common to all does not stand first; a saved pin counts 1, shared out between its interests. Follows add, boosts
    multiply, what is muted is left out. Scores sum to 1 over all of the user's interests. Raises NotFoundError where there is
    no such user, or the viewer is neither that user nor admin.
    """
    check_first(first)
    check_private(serving, user_row, viewer, "a profile")
    links, topics = serving.snapshot.links, serving.public.topics
    count = len(serving.snapshot.nodes[NodeKind.INTEREST])
    pins = seeds_of(serving, NodeKind.USER, [user_row], viewer).pins
    score = np.zeros(count)
    mine = push(topics.into, pins, 1.0, count)
    score[mine.rows] = mine.weights / max(mine.weights.sum(), 1e-12)
    score[mine.rows] *= np.sqrt(score[mine.rows] / np.maximum(serving.interest_share[mine.rows], 1e-12))
    score[links[Link.FOLLOWS_INTEREST].out.neighbours(user_row)] += FOLLOWED
    boosted = links[Link.BOOSTED].out.neighbours(user_row)
    score[boosted] = np.maximum(score[boosted], FOLLOWED) * BOOST
    score[links[Link.MUTED].out.neighbours(user_row)] = 0
    best = np.lexsort((np.arange(count), -score))[:first]
    total = max(score.sum(), 1e-12)
    saved = list(dict.fromkeys(links[Link.SAVED].out.neighbours(user_row).tolist()))
    return tuple(
        UserInterest(row, float(score[row] / total), _evidence(serving, saved, row))
        for row in best.tolist()
        if score[row] > 0
    )


def _evidence(serving: Serving, saved: list[int], interest: int) -> tuple[int, ...]:
    about = serving.public.topics.into
    return tuple([pin for pin in saved if interest in about.neighbours(pin)][:EVIDENCE_MAX])
