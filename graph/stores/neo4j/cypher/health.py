"""What the doctor asks: the schema as it is, ends of edges, and what lies between boards and pins."""

from __future__ import annotations

from typing import Final, LiteralString

from graph.model import EventKind
from graph.stores.neo4j.cypher.names import PAIRED

# index: none; rows: one an index, those of constraints included.
INDEXES: Final[LiteralString] = "SHOW INDEXES YIELD name, state RETURN name, state"

# index: none; rows: one a constraint.
CONSTRAINTS: Final[LiteralString] = "SHOW CONSTRAINTS YIELD name RETURN name"

_TO_PIN: Final[LiteralString] = "COUNT { ()-[:TYPE]->(:Pin) }"
_TO_INTEREST: Final[LiteralString] = "COUNT { ()-[:TYPE]->(:Interest) }"
_TO_ENTITY: Final[LiteralString] = "COUNT { ()-[:TYPE]->(:Entity) }"
_TO_FOLLOWED: Final[LiteralString] = (
    "COUNT { ()-[:TYPE]->(:User) } + COUNT { ()-[:TYPE]->(:Board) } + COUNT { ()-[:TYPE]->(:Interest) }"
)
_ENDS: Final[tuple[tuple[LiteralString, LiteralString, LiteralString], ...]] = (
    ("SAVED", "User", _TO_PIN),
    ("UNSAVED", "User", _TO_PIN),
    ("VIEWED", "User", _TO_PIN),
    ("CLICKED", "User", _TO_PIN),
    ("HID", "User", _TO_PIN),
    ("HOLDS", "Board", _TO_PIN),
    ("DROPPED", "Board", _TO_PIN),
    ("FOLLOWS", "User", _TO_FOLLOWED),
    ("UNFOLLOWS", "User", _TO_FOLLOWED),
    ("MUTED", "User", _TO_INTEREST),
    ("BOOSTED", "User", _TO_INTEREST),
    ("CLEARED", "User", _TO_INTEREST),
    ("OWNS", "User", "COUNT { ()-[:OWNS]->(:Board) }"),
    ("ABOUT", "Pin", _TO_INTEREST),
    ("CHILD_OF", "Interest", _TO_INTEREST),
    ("IS", "Pin", _TO_ENTITY),
    ("RELATES", "Entity", _TO_ENTITY),
)
_OF_TYPE: Final[LiteralString] = """
RETURN 'TYPE' AS type, COUNT { ()-[:TYPE]->() } AS edges, COUNT { (:SOURCE)-[:TYPE]->() } AS sources, TARGETS AS targets
"""
_BOARDS: Final[LiteralString] = """
RETURN 'board without an owner' AS type, COUNT { (:Board) } AS edges, COUNT { ()-[:OWNS]->(:Board) } AS sources,
       COUNT { ()-[:OWNS]->(:Board) } AS targets
"""

# index: none; rows: one a type, from the store's own counters: all edges, those from and those to a node of the right label.
ENDS: Final[LiteralString] = "UNION ALL".join(
    [
        *(
            _OF_TYPE.replace("TARGETS", targets).replace("TYPE", name).replace("SOURCE", source)
            for name, source, targets in _ENDS
        ),
        _BOARDS,
    ]
)

# index: Board(id); rows: one, its list as long as the limit. In the order of the index, from where the last one ended.
_DEGREES: Final[LiteralString] = """
MATCH (n:Board) WHERE n.id > $after
WITH n ORDER BY n.id LIMIT $limit
RETURN collect([n.id, COUNT { (n)-[:PAIRED]->() }]) AS degrees
"""

# index: Board(id); rows: one, its lists as long as the boards have edges.
_HELD: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (b:Board {id: id})-[h:PAIRED]->(p)
RETURN collect(coalesce(h.by, '')) AS user, collect(coalesce(p.id, '')) AS target, collect(b.id) AS board,
       collect(coalesce(h.at, $null)) AS at, collect(coalesce(h.event_id, '')) AS event_id
"""


def _paired(query: LiteralString) -> dict[EventKind, LiteralString]:
    return {kind: query.replace("PAIRED", paired) for kind, paired in PAIRED.items()}


DEGREES: Final = _paired(_DEGREES)
HELD: Final = _paired(_HELD)
