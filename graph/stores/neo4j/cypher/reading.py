"""Answers: counts, one node, one user's events."""

from __future__ import annotations

from typing import Final, LiteralString

from graph.model import NodeKind
from graph.stores.neo4j.cypher.names import LABELS, SHAPES, TYPES, Shape

# index: none; rows: one, from the store's own counters.
COUNTS: Final[LiteralString] = """
RETURN COUNT { (:User) } AS User, COUNT { (:Pin) } AS Pin, COUNT { (:Board) } AS Board,
       COUNT { (:Interest) } AS Interest, COUNT { (:Entity) } AS Entity,
       COUNT { ()-[:SAVED]->() } AS SAVE, COUNT { ()-[:UNSAVED]->() } AS UNSAVE, COUNT { ()-[:VIEWED]->() } AS VIEW,
       COUNT { ()-[:CLICKED]->() } AS CLICK, COUNT { ()-[:HID]->() } AS HIDE, COUNT { ()-[:FOLLOWS]->() } AS FOLLOW,
       COUNT { ()-[:UNFOLLOWS]->() } AS UNFOLLOW, COUNT { ()-[:MUTED]->() } AS MUTE,
       COUNT { ()-[:BOOSTED]->() } AS BOOST, COUNT { ()-[:CLEARED]->() } AS CLEAR,
       COUNT { ()-[:OWNS]->() } AS OWNS, COUNT { ()-[:ABOUT]->() } AS ABOUT, COUNT { ()-[:CHILD_OF]->() } AS CHILD_OF,
       COUNT { ()-[:IS]->() } AS IS, COUNT { ()-[:RELATES]->() } AS RELATES
"""

# index: none; rows: one, from the store's own counters. Our own bookkeeping is not counted, but loads are.
IS_EMPTY: Final[LiteralString] = """
RETURN 0 = COUNT { () } - COUNT { (:TastegraphState) } - COUNT { (:TastegraphMigration) } AS is_empty
"""

_NODE: Final[dict[NodeKind, LiteralString]] = {
    NodeKind.USER: "[id(n), n.deleted_at, n.id, n.created_at, n.attributes]",
    NodeKind.PIN: "[id(n), n.deleted_at, n.id, n.created_at, n.attributes, n.title, n.description]",
    NodeKind.BOARD: "[id(n), n.deleted_at, n.id, n.title, n.secret, head([(n)<-[:OWNS]-(u:User) | u.id])]",
    NodeKind.INTEREST: "[id(n), n.deleted_at, n.id, n.name, head([(n)-[:CHILD_OF]->(p:Interest) | p.id])]",
    NodeKind.ENTITY: "[id(n), n.deleted_at, n.id, n.name]",
}
"""A node as a list: its id(), when it was hidden, and what `reader.node_of` makes a node of."""

# index: LABEL(id); rows: at most one.
_ONE: Final[LiteralString] = "MATCH (n:LABEL {id: $id}) RETURN NODE AS node"

# index: LABEL(id); rows: one, its list as long as the limit. In the order of the index, from where the last run ended.
_RUN: Final[LiteralString] = """
MATCH (n:LABEL) WHERE n.id > $after
WITH n ORDER BY n.id LIMIT $limit
RETURN collect(NODE) AS nodes
"""


def _labelled(query: LiteralString) -> dict[NodeKind, LiteralString]:
    return {kind: query.replace("LABEL", LABELS[kind]).replace("NODE", node) for kind, node in _NODE.items()}


ONE: Final = _labelled(_ONE)
RUN: Final = _labelled(_RUN)

# index: User(id), Board(id); rows: as many as the user has events of the kind.
_EVENTS: Final[LiteralString] = """
MATCH (u:User {id: $user})-[r:TYPE]->(t:TARGET)
OPTIONAL MATCH (b:Board {id: r.board})
RETURN [id(r), t.id, r.board, r.at, r.weight, r.group_id, r.event_id, r.log_offset] AS edge,
       u.deleted_at IS NULL AND t.deleted_at IS NULL AND b.deleted_at IS NULL AS visible
"""
EVENTS: Final[dict[Shape, LiteralString]] = {
    (kind, target): _EVENTS.replace("TYPE", TYPES[kind]).replace("TARGET", LABELS[target]) for kind, target in SHAPES
}
