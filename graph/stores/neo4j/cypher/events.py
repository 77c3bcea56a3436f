"""Events: finding those that are there, and writing all edges of each."""

from __future__ import annotations

from typing import Final, LiteralString

from graph.model import EventKind
from graph.stores.neo4j.cypher.names import LABELS, PAIRED, SHAPES, TYPES, Shape

# index: User(id); rows: one. Locks the users: what they have done already does not change before the commit.
LOCK_USERS: Final[LiteralString] = "UNWIND $ids AS id MATCH (n:User {id: id}) REMOVE n.lock RETURN count(n) AS nodes"

# index: TastegraphState(name); rows: one, from the store's own counters.
COUNTS: Final[LiteralString] = """
OPTIONAL MATCH (hex:TastegraphState {name: 'given_hex_ids'})
OPTIONAL MATCH (l:TastegraphState {name: 'lease'})
RETURN hex IS NOT NULL AS given_hex_ids, coalesce(l.fresh, false) AS fresh,
       COUNT { ()-[:SAVED]->() } AS SAVE, COUNT { ()-[:UNSAVED]->() } AS UNSAVE, COUNT { ()-[:VIEWED]->() } AS VIEW,
       COUNT { ()-[:CLICKED]->() } AS CLICK, COUNT { ()-[:HID]->() } AS HIDE, COUNT { ()-[:FOLLOWS]->() } AS FOLLOW,
       COUNT { ()-[:UNFOLLOWS]->() } AS UNFOLLOW, COUNT { ()-[:MUTED]->() } AS MUTE,
       COUNT { ()-[:BOOSTED]->() } AS BOOST, COUNT { ()-[:CLEARED]->() } AS CLEAR
"""

# index: User(id); rows: one, its lists as long as each user's limit allows; users with more edges are only named.
_OF_USERS: Final[LiteralString] = """
UNWIND $users AS row
MATCH (u:User {id: row[0]})
WITH u, row, COUNT { (u)-[:TYPE]->() } AS degree WHERE degree > 0
RETURN collect(CASE WHEN degree > row[1] THEN row[0] END) AS too_many,
       collect(CASE WHEN degree <= row[1] THEN [row[0], COLLECT {
           MATCH (u)-[r:TYPE]->(t:TARGET)
           RETURN [id(r), t.id, r.board, r.at, r.weight, r.group_id, r.event_id, r.log_offset]
       }] END) AS held
"""

# index: TYPE(event_key); rows: as many as have one of the keys.
_OF_KEYS: Final[LiteralString] = """
MATCH (u:User)-[r:TYPE]->(t) USING INDEX r:TYPE(event_key) WHERE r.event_key IN $KIND
RETURN 'KIND' AS kind, u.id AS user, labels(t)[0] AS target_kind,
       [id(r), t.id, r.board, r.at, r.weight, r.group_id, r.event_id, r.log_offset] AS edge
"""

# Nothing is matched when a node is missing: no row, no edge.
_ENDS: Final[LiteralString] = """
CALL () { UNWIND $users AS id MATCH (n:User {id: id}) RETURN collect(n) AS users }
CALL () { UNWIND $targets AS id MATCH (n:TARGET {id: id}) RETURN collect(n) AS targets }
CALL () { UNWIND $boards AS id MATCH (n:Board {id: id}) RETURN collect(n) AS boards }
WITH users, targets, boards
WHERE size(users) = size($users) AND size(targets) = size($targets) AND size(boards) = size($boards)
UNWIND $rows AS r
"""

# index: User(id), TARGET(id), Board(id); rows: one. A row is [user's place, target's place, event_key, at, weight,
# event_id, group_id, log_offset]; it may end early.
_CREATE: Final[LiteralString] = (
    _ENDS
    + """
WITH users[r[0]] AS u, targets[r[1]] AS t, r
CREATE (u)-[:TYPE {event_key: r[2], at: r[3], weight: r[4], event_id: r[5], group_id: r[6], log_offset: r[7]}]->(t)
RETURN count(*) AS events
"""
)

# index: User(id), TARGET(id), Board(id); rows: one. A row is the same with the board's place for the weight. Both edges are of
# one statement, as they are of one transaction.
_CREATE_ON_BOARD: Final[LiteralString] = (
    _ENDS
    + """
WITH users[r[0]] AS u, targets[r[1]] AS t, boards[r[4]] AS b, r
CREATE (u)-[:TYPE {event_key: r[2], at: r[3], board: $boards[r[4]], event_id: r[5], group_id: r[6], log_offset: r[7]}]->(t)
CREATE (b)-[:PAIRED {at: r[3], by: $users[r[0]], event_id: r[5]}]->(t)
RETURN count(*) AS events
"""
)

# index: none, edges by id(); rows: one.
DELETE: Final[LiteralString] = """
UNWIND $ids AS i
MATCH ()-[r]->() WHERE id(r) = i
DELETE r
RETURN count(*) AS edges
"""

# index: Board(id), Pin(id); rows: one. Of two nodes the one with fewer edges is searched; through a list, since the planner
# would rather search all of a pin's edges when the database has few of the type.
_DELETE_PAIRED: Final[LiteralString] = """
UNWIND $rows AS r
MATCH (b:Board {id: r[0]})
MATCH (p:Pin {id: r[1]})
WITH [b, p] AS ends, r
WITH ends[0] AS b, ends[1] AS p, r
MATCH (b)-[h:PAIRED]->(p)
WHERE h.by = r[2] AND coalesce(h.at, '') = coalesce(r[3], '') AND coalesce(h.event_id, '') = coalesce(r[4], '')
DELETE h
RETURN count(*) AS edges
"""

# index: none, edges by id(); rows: none.
SET_OFFSET: Final[LiteralString] = """
UNWIND $rows AS r
MATCH ()-[e]->() WHERE id(e) = r[0]
SET e.log_offset = r[1]
"""

# index: TastegraphState(name); rows: none.
REMEMBER_HEX_IDS: Final[LiteralString] = "MERGE (:TastegraphState {name: 'given_hex_ids'})"


def _shaped(query: LiteralString) -> dict[Shape, LiteralString]:
    return {
        (kind, target): query.replace("TYPE", TYPES[kind]).replace("TARGET", LABELS[target]) for kind, target in SHAPES
    }


def _on_board(query: LiteralString) -> dict[EventKind, LiteralString]:
    return {
        kind: query.replace("TYPE", TYPES[kind]).replace("TARGET", "Pin").replace("PAIRED", paired)
        for kind, paired in PAIRED.items()
    }


_KINDS: Final[tuple[LiteralString, ...]] = (
    "SAVE",
    "UNSAVE",
    "VIEW",
    "CLICK",
    "HIDE",
    "FOLLOW",
    "UNFOLLOW",
    "MUTE",
    "BOOST",
    "CLEAR",
)

OF_USERS: Final = _shaped(_OF_USERS)
OF_KEYS: Final[LiteralString] = "UNION ALL".join(
    [_OF_KEYS.replace("KIND", kind).replace("TYPE", TYPES[EventKind(kind)]) for kind in _KINDS]
)
CREATE: Final = _shaped(_CREATE)
CREATE_ON_BOARD: Final = _on_board(_CREATE_ON_BOARD)
DELETE_PAIRED: Final = _on_board(_DELETE_PAIRED)
