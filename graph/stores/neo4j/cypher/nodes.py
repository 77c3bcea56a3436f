"""Nodes: which there are, which version of each, and writing them with the edges that they carry (OWNS, CHILD_OF)."""

from __future__ import annotations

from typing import Final, LiteralString

from graph.model import NodeKind
from graph.stores.neo4j.cypher.names import LABELS


def _labelled(query: LiteralString) -> dict[NodeKind, LiteralString]:
    return {kind: query.replace("LABEL", label) for kind, label in LABELS.items()}


# index: LABEL(id); rows: one, its list as long as the ids.
_MISSING: Final[LiteralString] = """
UNWIND $ids AS id
OPTIONAL MATCH (n:LABEL {id: id})
WITH id, n WHERE n IS NULL
RETURN collect(id) AS ids
"""
MISSING: Final = _labelled(_MISSING)

# index: none; rows: one, from the store's own counters.
_COUNT: Final[LiteralString] = "RETURN COUNT { (:LABEL) } AS nodes"
COUNT: Final = _labelled(_COUNT)

# index: none; rows: one.
_CREATE_BARE: Final[LiteralString] = "UNWIND $ids AS id CREATE (n:LABEL {id: id}) RETURN count(n) AS nodes"
CREATE_BARE: Final = _labelled(_CREATE_BARE)

# index: LABEL(id); rows: one, its list as long as the ids. Locks the nodes.
_HELD: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (n:LABEL {id: id})
REMOVE n.lock
RETURN collect([id, n.version_at, n.digest]) AS held
"""
HELD: Final = _labelled(_HELD)

# index: none; rows: one.
CREATE: Final[dict[NodeKind, LiteralString]] = {
    NodeKind.USER: """
UNWIND $rows AS r
CREATE (n:User {id: r[0], version_at: r[1], deleted_at: r[2], digest: r[3], created_at: r[4], attributes: r[5]})
RETURN count(n) AS nodes
""",
    NodeKind.PIN: """
UNWIND $rows AS r
CREATE (n:Pin {id: r[0], version_at: r[1], deleted_at: r[2], digest: r[3], created_at: r[4], attributes: r[5],
               title: r[6], description: r[7]})
RETURN count(n) AS nodes
""",
    NodeKind.INTEREST: """
UNWIND $rows AS r
CREATE (n:Interest {id: r[0], version_at: r[1], deleted_at: r[2], digest: r[3], name: r[4]})
RETURN count(n) AS nodes
""",
    NodeKind.ENTITY: """
UNWIND $rows AS r
CREATE (n:Entity {id: r[0], version_at: r[1], deleted_at: r[2], digest: r[3], name: r[4]})
RETURN count(n) AS nodes
""",
}

# index: User(id); rows: one. A row ends with the owner; where there is none, nothing is made.
CREATE_OWNED: Final[LiteralString] = """
UNWIND $rows AS r
MATCH (u:User {id: r[6]})
CREATE (n:Board {id: r[0], version_at: r[1], deleted_at: r[2], digest: r[3], title: r[4], secret: r[5]})
CREATE (u)-[:OWNS]->(n)
RETURN count(n) AS nodes
"""

# index: LABEL(id); rows: one. What a row lacks is removed.
UPDATE: Final[dict[NodeKind, LiteralString]] = {
    NodeKind.USER: """
UNWIND $rows AS r
MATCH (n:User {id: r[0]})
SET n.version_at = r[1], n.deleted_at = r[2], n.digest = r[3], n.created_at = r[4], n.attributes = r[5]
RETURN count(n) AS nodes
""",
    NodeKind.PIN: """
UNWIND $rows AS r
MATCH (n:Pin {id: r[0]})
SET n.version_at = r[1], n.deleted_at = r[2], n.digest = r[3], n.created_at = r[4], n.attributes = r[5],
    n.title = r[6], n.description = r[7]
RETURN count(n) AS nodes
""",
    NodeKind.BOARD: """
UNWIND $rows AS r
MATCH (n:Board {id: r[0]})
SET n.version_at = r[1], n.deleted_at = r[2], n.digest = r[3], n.title = r[4], n.secret = r[5]
RETURN count(n) AS nodes
""",
    NodeKind.INTEREST: """
UNWIND $rows AS r
MATCH (n:Interest {id: r[0]})
SET n.version_at = r[1], n.deleted_at = r[2], n.digest = r[3], n.name = r[4]
RETURN count(n) AS nodes
""",
    NodeKind.ENTITY: """
UNWIND $rows AS r
MATCH (n:Entity {id: r[0]})
SET n.version_at = r[1], n.deleted_at = r[2], n.digest = r[3], n.name = r[4]
RETURN count(n) AS nodes
""",
}

# index: Board(id); rows: none. A board has one owner.
DISOWN: Final[LiteralString] = "UNWIND $ids AS id MATCH (:Board {id: id})<-[o:OWNS]-(:User) DELETE o"

# index: Board(id), User(id); rows: one.
OWN: Final[LiteralString] = """
UNWIND $rows AS r
MATCH (b:Board {id: r[0]})
MATCH (u:User {id: r[1]})
CREATE (u)-[:OWNS]->(b)
RETURN count(*) AS edges
"""

# index: Interest(id); rows: none. An interest has at most one parent.
ORPHAN: Final[LiteralString] = "UNWIND $ids AS id MATCH (:Interest {id: id})-[c:CHILD_OF]->(:Interest) DELETE c"

# index: Interest(id); rows: one.
ADOPT: Final[LiteralString] = """
UNWIND $rows AS r
MATCH (child:Interest {id: r[0]})
MATCH (parent:Interest {id: r[1]})
CREATE (child)-[:CHILD_OF]->(parent)
RETURN count(*) AS edges
"""
