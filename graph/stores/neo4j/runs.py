"""How the whole graph is read: in runs of a bounded number of edges, the next ones fetched while the last one is used.

Each run is a transaction of its own, found again by where the last one ended, so that nothing depends on one that stays open
for minutes. What is written meanwhile may be in a later run: an export asks for no more than was there when it began.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, LiteralString, NamedTuple, TypeVar

from graph.ahead import ahead
from graph.model import EdgeKind, EventKind, NodeKind
from graph.ports import NULL_TIME
from graph.stores.neo4j.cypher import export as cypher
from graph.stores.neo4j.cypher import health, reading
from graph.stores.neo4j.cypher.export import How
from graph.stores.neo4j.cypher.names import SHAPES, Shape
from graph.stores.neo4j.driver import Database, scalar

T = TypeVar("T")

RUN_EDGES: Final = 50_000
"""Edges of one run; a source of plain edges that has more comes whole."""
_AT_ONCE: Final = 2
"""Runs that are asked for at once; one more may wait to be used."""
_NODES: Final = 2_000
"""Nodes of one run: each may have 24 KiB of text."""
_DEGREES: Final = 10_000
_KEYS_END: Final = 2**32
"""Event keys are below."""
_SPARSE: Final = 10
"""Fewer events than a tenth of the users: these are found by their keys, not by asking every user."""


class Run(NamedTuple):
    """Some edges of one type: how they are found, and the query's parameters."""

    how: How
    ids: Sequence[str] = ()
    low: int = 0
    high: int = _KEYS_END


def node_runs(database: Database, kind: NodeKind) -> Iterator[list[list[Any]]]:
    """Nodes of one kind, as lists that `reader.node_of` reads."""
    return ahead(_keyset(database, reading.RUN[kind], _NODES, _id_of_node))


def event_columns(
    database: Database,
    queries: dict[tuple[How, Shape], LiteralString],
    shapes: Sequence[Shape] = SHAPES,
    **parameters: Any,
) -> Iterator[tuple[Shape, dict[str, list[Any]]]]:
    """Columns of all events of some shapes, a run of one shape at a time, none of them empty."""

    def calls() -> Iterator[Callable[[], tuple[Shape, dict[str, list[Any]]]]]:
        counts = database.read(lambda tx: tx.run(reading.COUNTS).single(strict=True).data())
        for shape in shapes:
            for how, ids, low, high in _event_runs(database, shape, counts):
                known = {"ids": ids, "low": low, "high": high, "null": NULL_TIME, **parameters}
                yield partial(of_shape, shape, queries[how, shape], known)

    def of_shape(shape: Shape, query: LiteralString, known: dict[str, Any]) -> tuple[Shape, dict[str, list[Any]]]:
        return shape, _columns(database, query, known)

    return (item for item in _at_once(calls()) if item[1]["user"])


def edge_columns(
    database: Database, queries: dict[EdgeKind, LiteralString], kind: EdgeKind
) -> Iterator[dict[str, list[Any]]]:
    """Columns of the plain edges of one kind, a run at a time, none of them empty."""

    def calls() -> Iterator[Callable[[], dict[str, list[Any]]]]:
        for degrees in _degrees(database, cypher.EDGE_DEGREES[kind]):
            for ids in _packed(degrees):
                yield partial(_columns, database, queries[kind], {"ids": ids, "nan": float("nan")})

    return _at_once(calls())


def held_columns(database: Database, kind: EventKind) -> Iterator[dict[str, list[Any]]]:
    """Columns of what events of one kind are between boards and pins, a run at a time; a board that has more comes whole."""

    def calls() -> Iterator[Callable[[], dict[str, list[Any]]]]:
        for degrees in _degrees(database, health.DEGREES[kind]):
            for ids in _packed(degrees):
                yield partial(_columns, database, health.HELD[kind], {"ids": ids, "null": NULL_TIME})

    return _at_once(calls())


def _event_runs(database: Database, shape: Shape, counts: dict[str, int]) -> Iterator[Run]:
    events = counts[shape[0].value]
    if events * _SPARSE < counts[NodeKind.USER.value]:
        yield from (Run(How.SPARSE, (), low, high) for low, high in _slices(events))
        return
    for degrees in _degrees(database, cypher.EVENT_DEGREES[shape[0]]) if events else ():
        yield from (Run(How.WHOLE, ids) for ids in _packed([each for each in degrees if each[1] <= RUN_EDGES]))
        for id_, degree in degrees:
            if degree > RUN_EDGES:
                yield from (Run(How.SLICE, (id_,), low, high) for low, high in _slices(degree))


def _degrees(database: Database, query: LiteralString) -> Iterator[list[tuple[str, int]]]:
    """Sources with their numbers of edges, those without any left out."""
    for degrees in _keyset(database, query, _DEGREES, _id_of_degree):
        yield [(id_, degree) for id_, degree in degrees if degree]


def _keyset(
    database: Database, query: LiteralString, limit: int, id_of: Callable[[list[Any]], str]
) -> Iterator[list[list[Any]]]:
    """Rows in the order of their ids in the index, `limit` at a time."""
    after = ""
    while True:
        rows: list[list[Any]] = database.read(partial(scalar, query=query, after=after, limit=limit))
        if rows:
            yield rows
        if len(rows) < limit:
            return
        after = id_of(rows[-1])


def _id_of_node(row: list[Any]) -> str:
    return row[2]


def _id_of_degree(row: list[Any]) -> str:
    return row[0]


def _packed(degrees: Sequence[tuple[str, int]]) -> Iterator[list[str]]:
    """Sources that have at most RUN_EDGES edges together, or one that has more."""
    ids: list[str] = []
    edges = 0
    for id_, degree in degrees:
        if ids and edges + degree > RUN_EDGES:
            yield ids
            ids, edges = [], 0
        ids.append(id_)
        edges += degree
    if ids:
        yield ids


def _slices(edges: int) -> Iterator[tuple[int, int]]:
    """Ranges of keys, in each about RUN_EDGES of so many edges: keys are spread evenly."""
    slices = -(-edges // RUN_EDGES)
    for place in range(slices):
        yield place * _KEYS_END // slices, (place + 1) * _KEYS_END // slices


def _columns(database: Database, query: LiteralString, parameters: dict[str, Any]) -> dict[str, list[Any]]:
    return database.read(lambda tx: dict(tx.run(query, parameters).single(strict=True).items()))


def _at_once(calls: Iterator[Callable[[], T]]) -> Iterator[T]:
    """What calls return, in their order, some of them made while the ones before are used."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="neo4j-run") as pool:
        coming: deque[Future[T]] = deque()
        for call in calls:
            coming.append(pool.submit(call))
            if len(coming) > _AT_ONCE:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
