"""Drives two stores through the same calls and compares every answer: hypothesis makes up the calls."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from graph.errors import TastegraphError
from graph.model import BARE_KINDS, Board, Event, Id, Interest, NodeKind, NodeRow, TimeMs
from graph.ports import NULL_TIME, Checkpoint, EventBatch, GraphStore, LoadState, Outcome
from tests.property.model_store import EventRow, ModelStore
from tests.property.pools import EDGE_ROWS, EVENTS, NODE_ROWS
from tests.property.worlds import NAMES, PLAIN, USERS, names

LOADS = ("monday", "tuesday")
BATCHES = ("a/0", "a/1", "b/0")
kinds = st.sampled_from(list(NodeKind))
offsets = st.sampled_from([-1, -1, -1, 0, 3, 7])


def exported(store: GraphStore, up_to_offset: int) -> Counter[tuple[object, ...]]:
    """A real store's `export_events`, in ids."""
    id_of = {
        (kind, int(key)): node.id
        for kind in NodeKind
        for run in store.export_nodes(kind)
        for key, node in zip(run.keys, run.nodes, strict=True)
    }
    found: Counter[tuple[object, ...]] = Counter()
    for run in store.export_events(up_to_offset):
        for user, target, board, at, weight in zip(run.user, run.target, run.board, run.at, run.weight, strict=True):
            ends = id_of[NodeKind.USER, int(user)], id_of[run.target_kind, int(target)]
            on = None if board == -1 else id_of[NodeKind.BOARD, int(board)]
            time = None if at == NULL_TIME else TimeMs(int(at))
            found[run.kind, run.target_kind, *ends, on, time, float(weight)] += 1
    return found


class Side(Protocol):
    """One of the two that are compared."""

    def call(self, name: str, *arguments: Any) -> Any:
        """The answer, or the type of the error that was raised on purpose."""
        ...

    def reopen(self) -> None: ...


class RealSide:
    """A store of ours."""

    def __init__(self, open_one: Callable[[], GraphStore]) -> None:
        self._open = open_one
        self.store = open_one()

    def call(self, name: str, *arguments: Any) -> Any:
        try:
            if name == "exported":
                return exported(self.store, *arguments)
            if name == "write_events":
                rows: list[EventRow] = arguments[0]
                batch = EventBatch.of([each for each, _ in rows], [offset for _, offset in rows])
                return self.store.write_events(batch, *arguments[1:])
            return getattr(self.store, name)(*arguments)
        except TastegraphError as error:
            return type(error)

    def reopen(self) -> None:
        self.store.close()
        self.store = self._open()


class ModelSide:
    """The dictionaries."""

    def __init__(self) -> None:
        self.store = ModelStore()

    def call(self, name: str, *arguments: Any) -> Any:
        try:
            return getattr(self.store, name)(*arguments)
        except TastegraphError as error:
            return type(error)

    def reopen(self) -> None:
        pass


class StoresMachine(RuleBasedStateMachine):
    """Subclasses say which two sides; whatever one answers, the other must."""

    @abstractmethod
    def make_sides(self) -> tuple[Side, Side]: ...

    @initialize(some=st.sampled_from([True, True, True, False]))
    def begin(self, some: bool) -> None:
        """Most stores begin with a node under every id, so that events and edges have ends."""
        self.one, self.other = self.make_sides()
        self.holding: str | None = None
        self.sent: list[Event] = []
        if some:
            for kind in sorted(BARE_KINDS):
                self.both("ensure_nodes", kind, NAMES[kind])
            self.both(
                "write_nodes",
                NodeKind.BOARD,
                [NodeRow(Board(Id(name), Id(USERS[0]))) for name in NAMES[NodeKind.BOARD]],
            )
            self.both(
                "write_nodes", NodeKind.INTEREST, [NodeRow(Interest(Id(name), "")) for name in NAMES[NodeKind.INTEREST]]
            )

    def both(self, name: str, *arguments: Any) -> Any:
        answer = self.one.call(name, *arguments)
        assert self.other.call(name, *arguments) == answer, (name, arguments)
        return answer

    def checkpoint(self, batch: str | None, load: str) -> Checkpoint | None:
        """A batch of the load that is held; rarely one of a load that is not."""
        if batch is None or (self.holding is None and batch != "stray"):
            return None
        return Checkpoint(load if batch == "stray" else self.holding or load, batch)

    batch = st.sampled_from([None, None, None, *BATCHES, "stray"])
    load = st.sampled_from(LOADS)

    @rule(kind=st.sampled_from(sorted(BARE_KINDS)), data=st.data(), batch=batch, load=load)
    def ensure_nodes(self, kind: NodeKind, data: st.DataObject, batch: str | None, load: str) -> None:
        ids = data.draw(st.lists(names[kind], max_size=4))
        self.both("ensure_nodes", kind, ids, self.checkpoint(batch, load))

    @rule(kind=kinds, data=st.data(), batch=batch, load=load)
    def write_nodes(self, kind: NodeKind, data: st.DataObject, batch: str | None, load: str) -> None:
        rows = data.draw(st.lists(st.sampled_from(NODE_ROWS[kind]), max_size=6))
        rows += data.draw(st.lists(st.sampled_from(rows), max_size=2)) if rows else []
        self.both("write_nodes", kind, rows, self.checkpoint(batch, load))

    @rule(kind=st.sampled_from(PLAIN), data=st.data(), batch=batch, load=load)
    def write_edges(self, kind: Any, data: st.DataObject, batch: str | None, load: str) -> None:
        rows = data.draw(st.lists(st.sampled_from(EDGE_ROWS[kind]), max_size=6))
        self.both("write_edges", kind, rows, self.checkpoint(batch, load))

    @rule(
        happened=st.lists(st.tuples(st.sampled_from(EVENTS), offsets), min_size=1, max_size=12),
        again=st.integers(0, 3),
        log_offset=st.none() | st.integers(0, 9),
        batch=batch,
        load=load,
    )
    def write_events(
        self, happened: list[tuple[Event, int]], again: int, log_offset: int | None, batch: str | None, load: str
    ) -> None:
        self.both("write_events", happened + happened[:again], self.checkpoint(batch, load), log_offset)
        self.sent += [each for each, _ in happened]

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), more=st.lists(st.sampled_from(EVENTS), max_size=3))
    def write_events_again(self, data: st.DataObject, more: list[Event]) -> None:
        """Some of before, which may have come another way, beside some that are new."""
        sent = data.draw(st.lists(st.sampled_from(self.sent), min_size=1, max_size=8))
        offset = data.draw(offsets)
        rows = [(each, offset) for each in sent + more]
        self.both("write_events", rows)
        self.sent += more

    @rule(load=load, how=st.sampled_from(["begin", "begin", "renew", "release", "finish", "stray"]))
    def lead_a_load(self, load: str, how: str) -> None:
        if how == "begin":
            if isinstance(self.both("begin_load", load, "a folder"), LoadState):
                self.holding = load
        elif how == "stray":
            if load != self.holding:
                self.both("release_load", load)
                self.both("renew_load", load)
                self.both("finish_load", load, "{}")
        elif self.holding is not None:
            self.both(f"{how}_load", self.holding, *(["{}"] if how == "finish" else []))
            self.holding = None if how != "renew" else self.holding

    @precondition(lambda self: self.holding is None)
    @rule()
    def reopen(self) -> None:
        self.one.reopen()
        self.other.reopen()

    @rule(user=st.sampled_from(USERS), first=st.sampled_from([0, 1, 3, 100]))
    def read_a_user(self, user: str, first: int) -> None:
        self.both("saves", Id(user), first)
        self.both("events", Id(user), first)

    @rule(kind=kinds, data=st.data())
    def read_nodes(self, kind: NodeKind, data: st.DataObject) -> None:
        for name in (*NAMES[kind], "nobody"):
            self.both("node", kind, Id(name))
        self.both("missing", kind, [Id(name) for name in (*NAMES[kind], "nobody")])

    @rule(up_to=st.sampled_from([-1, 0, 5, 9]))
    def export(self, up_to: int) -> None:
        self.both("exported", up_to)

    @invariant()
    def they_hold_the_same(self) -> None:
        for question in ("counts", "content_hash", "log_offset", "unfinished_loads"):
            self.both(question)


__all__ = ["ModelSide", "Outcome", "RealSide", "Side", "StoresMachine"]
