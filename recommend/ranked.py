"""Answers: ranked nodes, each with its score and its reasons. Types only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from graph.model import NodeKind
from graph.schema import Link


class Source(StrEnum):
    """Which source of candidates spoke for an item."""

    GNN = "GNN"
    """Vectors of the artifact."""
    FILTER = "FILTER"
    """The normalised 2-hop filter over saves."""
    WALK = "WALK"
    """Random walks over pins, boards and users."""
    KNOWLEDGE = "KNOWLEDGE"
    """Shared interests and entities."""
    POPULAR = "POPULAR"
    """What many have saved: the floor."""


@dataclass(frozen=True, slots=True)
class Step:
    """One edge that the snapshot holds and the viewer may see, in its stored direction."""

    link: Link
    source: tuple[NodeKind, int]
    target: tuple[NodeKind, int]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is in the answer: a source, its share of the score (0 to 1), and the path that shows it.

    `steps` lead from the node asked about to the item, each sharing a node with the next. They are empty where nothing in the
    graph was found to show it, and `text` then says so: popularity, or vectors alone.
    """

    source: Source
    share: float
    steps: tuple[Step, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """One item of an answer. Why it is here is found when somebody wants to know: that takes longer than ranking it."""

    kind: NodeKind
    row: int
    score: float
    why: Callable[[], tuple[Reason, ...]] = field(compare=False, repr=False)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """At least one, the largest share first; shares sum to 1. Found on each call: work for a thread."""
        return self.why()


@dataclass(frozen=True, slots=True)
class Answer:
    """Items, best first, and how far the answer degraded: "GNN" (vectors took part), "WALK" (the graph alone), "POPULAR"."""

    items: tuple[Ranked, ...]
    source: str


@dataclass(frozen=True, slots=True)
class UserInterest:
    """An interest of a user, inferred: score (0 to 1, of all that the user cares for), and the saved pins that show it."""

    row: int
    score: float
    evidence: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A node that a text found."""

    kind: NodeKind
    row: int
    score: float


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits, best first; `total` counts all visible ones up to a limit; `more` says whether there are any after these."""

    items: tuple[Hit, ...]
    total: int
    more: bool
