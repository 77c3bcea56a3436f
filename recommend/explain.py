"""Reasons: for each source that spoke for an item its share of the score, and a path of edges that exist.

A source that can't show a path of its own kind borrows another's; where bounded search finds none, the reason has no steps and
says so. Paths are public edges, and the edge that ties the asked-about node to a seed. Texts name no user.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from graph.model import NodeKind
from graph.paths import shortest_paths
from graph.schema import Link
from graph.visibility import STRANGER
from recommend.blend import Scored
from recommend.evidence import Commons, Shared, edges_to_fact, link_step, members, savers_of_both, title
from recommend.public import Pairs
from recommend.ranked import Reason, Source, Step
from recommend.retrieve import Retrieved
from recommend.seeds import Seeds
from recommend.serving import Serving
from recommend.spread import FIRST

SHARE_MIN: Final = 0.02
"""A source with less of the score is not worth a line; its share goes to the others."""
PATH_HOPS_MAX: Final = 4
PATH_EDGES_MAX: Final = 50_000
PATH_LINKS: Final = frozenset({Link.SAVED, Link.HOLDS, Link.ABOUT, Link.IS, Link.RELATES})


class Why(NamedTuple):
    """A path, and what it says."""

    steps: tuple[Step, ...]
    text: str


class Explainer:
    """Gives reasons for the items of one answer."""

    def __init__(self, serving: Serving, seeds: Seeds, to: NodeKind, retrieved: Retrieved) -> None:
        self._serving = serving
        self._snapshot = serving.snapshot
        self._seeds = seeds
        self._to = to
        self._near = retrieved.near
        self._found: dict[tuple[str, int], Why | None] = {}
        self._titles: dict[tuple[NodeKind, int], str] = {}
        self._commons: dict[str, Commons] = {}

    def reasons(self, scored: Scored) -> tuple[Reason, ...]:
        """At least one, the largest share first; shares sum to 1."""
        parts = sorted(scored.parts.items(), key=lambda part: -part[1])
        kept = [part for part in parts if part[1] >= SHARE_MIN * scored.score] or parts[:1]
        total = sum(part for _, part in kept)
        return tuple(Reason(source, part / total, *self._why(source, scored.row)) for source, part in kept)

    def _why(self, source: Source, row: int) -> Why:
        finders = self._of_pins(source) if self._to is NodeKind.PIN else self._of_others(source)
        for finder in finders:
            key = (finder.__name__, row)
            if key not in self._found:
                self._found[key] = finder(row)
            why = self._found[key]
            if why is not None:
                return why if source is not Source.GNN else Why(why.steps, f"near in the learned vectors; {why.text}")
        if source is Source.GNN:
            return Why((), "near in the learned vectors; no short path shows it")
        return Why((), "near in the graph; no short path shows it")

    def _of_pins(self, source: Source) -> list[Callable[[int], Why | None]]:
        match source:
            case Source.WALK:
                return [self._on_one_board, self._saved_together, self._path]
            case Source.KNOWLEDGE:
                return [self._in_common, self._path]
            case _:
                return [self._saved_together, self._in_common, self._on_one_board, self._path]

    def _of_others(self, source: Source) -> list[Callable[[int], Why | None]]:
        if source is Source.KNOWLEDGE:
            return [self._taxonomy, self._by_own_pins]
        return [self._by_own_pins, self._by_near_pins, self._taxonomy, self._path]

    def _title(self, kind: NodeKind, row: int) -> str:
        if (kind, row) not in self._titles:
            self._titles[kind, row] = title(self._snapshot, kind, row)
        return self._titles[kind, row]

    def _shared(self, what: str, pairs: Pairs, pin: int) -> Shared | None:
        if what not in self._commons:
            self._commons[what] = Commons(pairs, self._seeds)
        return self._commons[what].shared(pin)

    def _seed(self, place: int) -> int:
        return int(self._seeds.pins.rows[place])

    def _saved_together(self, pin: int) -> Why | None:
        saves = self._serving.public.saves
        found = self._shared("saves", saves, pin)
        if found is None:
            return None
        seed = self._seed(found.seed)
        count, more = savers_of_both(saves, seed, pin)
        people = f"{count:,}{' or more' if more else ''} {'person' if count == 1 and not more else 'people'}"
        steps = (link_step(Link.SAVED, found.middle, seed), link_step(Link.SAVED, found.middle, pin))
        text = f"saved by {people} who also saved {self._title(NodeKind.PIN, seed)}"
        return Why((*self._seeds.tie(found.seed), *steps), text)

    def _on_one_board(self, pin: int) -> Why | None:
        found = self._shared("holds", self._serving.public.holds, pin)
        if found is None:
            return None
        seed = self._seed(found.seed)
        steps = (link_step(Link.HOLDS, found.middle, seed), link_step(Link.HOLDS, found.middle, pin))
        board, other = self._title(NodeKind.BOARD, found.middle), self._title(NodeKind.PIN, seed)
        return Why((*self._seeds.tie(found.seed), *steps), f"on the board “{board}” with {other}")

    def _in_common(self, pin: int) -> Why | None:
        """What two pins show or are about: the rarest fact, else the rarest interest."""
        public = self._serving.public
        found = self._shared("facts", public.facts, pin)
        if found is not None:
            return self._by_fact(found, pin)
        found = self._shared("topics", public.topics, pin)
        if found is None:
            return None
        seed = self._seed(found.seed)
        steps = (link_step(Link.ABOUT, seed, found.middle), link_step(Link.ABOUT, pin, found.middle))
        interest, other = self._title(NodeKind.INTEREST, found.middle), self._title(NodeKind.PIN, seed)
        return Why((*self._seeds.tie(found.seed), *steps), f"about {interest}, like {other}")

    def _by_fact(self, found: Shared, pin: int) -> Why:
        seed, fact = self._seed(found.seed), found.middle
        there, their_edge, _ = edges_to_fact(self._snapshot, seed, fact)
        here, edge, is_tail = edges_to_fact(self._snapshot, pin, fact)
        facts = self._serving.public.facts.into
        others = len(np.intersect1d(facts.neighbours(seed), facts.neighbours(pin), assume_unique=True)) - 1
        text = self._say_fact(fact, self._title(NodeKind.PIN, seed), edge, their_edge, is_tail=is_tail)
        more = f", and {others:,} more in common" if others else ""
        return Why((*self._seeds.tie(found.seed), *there, *reversed(here)), text + more)

    def _say_fact(self, fact: int, like: str, edge: int | None, their_edge: int | None, *, is_tail: bool) -> str:
        name = self._snapshot.nodes[NodeKind.ENTITY].value("name", fact)
        if edge is None and their_edge is None:
            return f"shows {name or 'the same'}, like {like}"
        predicate = self._predicate(edge if edge is not None else their_edge)
        if edge is None or their_edge is None:
            return f"“{predicate}” links it with {like}"
        if name is None:
            return f"{predicate} the same as {like}" if predicate.endswith(" by") else f"same {predicate} as {like}"
        return f"{predicate} {name}, like {like}" if is_tail else f"{name}: {predicate}, like {like}"

    def _predicate(self, edge: int | None) -> str:
        """A predicate for reading: `film.film.directed_by` is “directed by”."""
        if edge is None:
            return "related"
        code = int(self._snapshot.links[Link.RELATES].columns["predicate"][edge])
        return self._snapshot.predicates[code].rpartition(".")[2].replace("_", " ")

    def _pairs(self) -> tuple[Pairs, Link]:
        public = self._serving.public
        by_kind: dict[NodeKind, tuple[Pairs, Link]] = {
            NodeKind.BOARD: (public.holds, Link.HOLDS),
            NodeKind.USER: (public.saves, Link.SAVED),
            NodeKind.INTEREST: (public.topics, Link.ABOUT),
        }
        return by_kind[self._to]

    def _belongs(self, pin: int, row: int) -> tuple[Step, str]:
        """The edge between a pin and an item that is no pin, and a verb for it."""
        _, link = self._pairs()
        name = self._title(NodeKind.PIN, pin)
        if link is Link.ABOUT:
            return link_step(link, pin, row), f"what {name} is about"
        return link_step(link, row, pin), f"{'holds' if link is Link.HOLDS else 'saved'} {name}"

    def _by_own_pins(self, row: int) -> Why | None:
        """The item has seeds itself."""
        pairs, _ = self._pairs()
        rows = self._seeds.pins.rows
        places = np.flatnonzero(np.isin(rows, members(pairs, row)))
        if not len(places):
            return None
        known = rows[places].astype(np.int64)
        degree = np.maximum(pairs.into.indptr[known + 1] - pairs.into.indptr[known], 1)
        place = int(places[np.argmax(self._seeds.pins.weights[places] * degree**-FIRST)])
        step, text = self._belongs(self._seed(place), row)
        more = f", and {len(places) - 1:,} more of these pins" if len(places) > 1 else ""
        return Why((*self._seeds.tie(place), step), text + more)

    def _by_near_pins(self, row: int) -> Why | None:
        """The item has a pin that was saved, or held, together with a seed."""
        pairs, _ = self._pairs()
        places = np.flatnonzero(np.isin(self._near.rows, members(pairs, row)))
        if not len(places):
            return None
        pin = int(self._near.rows[places[np.argmax(self._near.weights[places])]])
        why = (self._on_one_board(pin) if self._to is NodeKind.BOARD else None) or self._saved_together(pin)
        if why is None:
            return None
        step, text = self._belongs(pin, row)
        return Why((*why.steps, step), f"{text}; it is {why.text}")

    def _taxonomy(self, row: int) -> Why | None:
        if self._to is not NodeKind.INTEREST or self._seeds.kind is not NodeKind.INTEREST:
            return None
        tree = self._snapshot.links[Link.CHILD_OF].out
        above = tree.neighbours(row).tolist()
        for asked in self._seeds.asked:
            over, name = tree.neighbours(asked).tolist(), self._title(NodeKind.INTEREST, asked)
            if row in over:
                return Why((link_step(Link.CHILD_OF, asked, row),), f"{name} is part of it")
            if asked in above:
                return Why((link_step(Link.CHILD_OF, row, asked),), f"part of {name}")
            for parent in (parent for parent in over if parent in above):
                steps = (link_step(Link.CHILD_OF, asked, parent), link_step(Link.CHILD_OF, row, parent))
                return Why(steps, f"part of {self._title(NodeKind.INTEREST, parent)}, like {name}")
        return None

    def _path(self, row: int) -> Why | None:
        """The shortest public path from the heaviest seed, where nothing more telling was found."""
        pins = self._seeds.pins
        if not len(pins.rows):
            return None
        place = int(np.argmax(pins.weights))
        seed = self._seed(place)
        paths = shortest_paths(
            self._snapshot, (NodeKind.PIN, seed), (self._to, row),
            max_hops=PATH_HOPS_MAX, visible=self._serving.visible(STRANGER), links=PATH_LINKS, first=1,
            edges_max=PATH_EDGES_MAX,
        )  # fmt: skip
        if not len(paths):
            return None
        steps = tuple(Step(edge.link, edge.source, edge.target) for edge in paths[0].edges)
        return Why((*self._seeds.tie(place), *steps), f"{len(steps)} steps from {self._title(NodeKind.PIN, seed)}")
