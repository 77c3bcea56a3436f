"""Runs of the whole graph, in bounded memory: columns in one row, which costs a tenth of a row an edge.

A run is of some users (or sources), and of all their edges of one type; or, for a user with more edges than a run may have,
of those whose `event_key` lies in a range. `SPARSE` goes by the key's index alone: for types that few users have.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, LiteralString

from graph.model import BOARD_EVENTS, FOLLOW_EVENTS, WEIGHTED_EVENTS, EdgeKind, EventKind
from graph.stores.neo4j.cypher.edges import ENDS
from graph.stores.neo4j.cypher.names import EDGE_TYPES, LABELS, SHAPES, TYPES, Shape

# index: SOURCE(id); rows: one, its list as long as the limit. In the order of the index, from where the last one ended.
_DEGREES: Final[LiteralString] = """
MATCH (n:SOURCE) WHERE n.id > $after
WITH n ORDER BY n.id LIMIT $limit
RETURN collect([n.id, COUNT { (n)-[:TYPE]->() }]) AS degrees
"""

# index: Board(id); rows: one, its list as long as the ids.
BOARD_KEYS: Final[LiteralString] = "UNWIND $ids AS id MATCH (n:Board {id: id}) RETURN collect(id(n)) AS keys"


class How(StrEnum):
    """How a run's edges are found."""

    WHOLE = "whole"
    SLICE = "slice"
    SPARSE = "sparse"


_FOUND: Final[dict[How, LiteralString]] = {
    How.WHOLE: """
UNWIND $ids AS id
MATCH (u:User {id: id})-[r:TYPE]->(t:TARGET)
WHERE true""",
    How.SLICE: """
UNWIND $ids AS id
MATCH (u:User {id: id})-[r:TYPE]->(t:TARGET) USING INDEX u:User(id)
WHERE $low <= r.event_key AND r.event_key < $high""",
    How.SPARSE: """
MATCH (u:User)-[r:TYPE]->(t:TARGET) USING INDEX r:TYPE(event_key)
WHERE $low <= r.event_key AND r.event_key < $high""",
}
_KEYS: Final[LiteralString] = """ AND coalesce(r.log_offset, -1) <= $up_to
RETURN collect(id(u)) AS user, collect(id(t)) AS target, collect(coalesce(r.at, $null)) AS at"""
_IDS: Final[LiteralString] = """
RETURN collect(u.id) AS user, collect(t.id) AS target, collect(coalesce(r.at, $null)) AS at,
       collect(coalesce(r.event_id, '')) AS event_id, collect(coalesce(r.group_id, '')) AS group_id"""
_BOARD: Final[LiteralString] = ", collect(coalesce(r.board, '')) AS board"
_WEIGHT: Final[LiteralString] = ", collect(coalesce(r.weight, 1.0)) AS weight"

# index: SOURCE(id); rows: one, its lists as long as the sources have edges.
_EDGE_KEYS: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (s:SOURCE {id: id})-[e:TYPE]->(t:TARGET)
RETURN collect(id(s)) AS source, collect(id(t)) AS target, collect(coalesce(e.score, $nan)) AS score,
       collect(coalesce(e.predicate, '')) AS predicate
"""

# index: SOURCE(id); rows: one, its lists as long as the sources have edges.
_EDGE_IDS: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (s:SOURCE {id: id})-[e:TYPE]->(t:TARGET)
RETURN collect(s.id) AS source, collect(t.id) AS target, collect(coalesce(e.score, $nan)) AS score,
       collect(coalesce(e.predicate, '')) AS predicate
"""


def _shaped(query: LiteralString, shape: Shape) -> LiteralString:
    kind, target = shape
    # Only what is followed may be of several kinds: elsewhere the label is known, and not asked of each node.
    label = query.replace(":TARGET", ":" + LABELS[target]) if kind in FOLLOW_EVENTS else query.replace(":TARGET", "")
    return label.replace("TYPE", TYPES[kind])


def _returning(columns: LiteralString) -> dict[tuple[How, Shape], LiteralString]:
    queries: dict[tuple[How, Shape], LiteralString] = {}
    for how, found in _FOUND.items():
        for shape in SHAPES:
            query = found + columns
            if shape[0] in BOARD_EVENTS:
                query += _BOARD
            if shape[0] in WEIGHTED_EVENTS:
                query += _WEIGHT
            queries[how, shape] = _shaped(query, shape)
    return queries


def _of_edges(query: LiteralString) -> dict[EdgeKind, LiteralString]:
    return {
        kind: query.replace("TYPE", EDGE_TYPES[kind])
        .replace("SOURCE", LABELS[source])
        .replace("TARGET", LABELS[target])
        for kind, (source, target) in ENDS.items()
    }


# index: User(id) or TYPE(event_key); rows: one, its lists as long as the run has edges.
EVENT_KEYS: Final = _returning(_KEYS)

# index: User(id) or TYPE(event_key); rows: one, its lists as long as the run has edges.
EVENT_IDS: Final = _returning(_IDS)

EDGE_KEYS: Final = _of_edges(_EDGE_KEYS)
EDGE_IDS: Final = _of_edges(_EDGE_IDS)
EDGE_DEGREES: Final = _of_edges(_DEGREES)
EVENT_DEGREES: Final[dict[EventKind, LiteralString]] = {
    kind: _DEGREES.replace("SOURCE", "User").replace("TYPE", name) for kind, name in TYPES.items()
}
