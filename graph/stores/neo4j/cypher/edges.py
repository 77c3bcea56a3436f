"""Plain edges: ABOUT, IS and RELATES. A row is [source's place, target's place, version_at, score, predicate]."""

from __future__ import annotations

from typing import Final, LiteralString

from graph.model import EdgeKind, NodeKind
from graph.stores.neo4j.cypher.names import EDGE_TYPES, LABELS

ENDS: Final = {
    EdgeKind.ABOUT: (NodeKind.PIN, NodeKind.INTEREST),
    EdgeKind.IS: (NodeKind.PIN, NodeKind.ENTITY),
    EdgeKind.RELATES: (NodeKind.ENTITY, NodeKind.ENTITY),
}

# index: SOURCE(id); rows: one. Locks the sources.
_LOCK: Final[LiteralString] = "UNWIND $ids AS id MATCH (n:SOURCE {id: id}) REMOVE n.lock RETURN count(n) AS nodes"

# index: none; rows: one, from the store's own counters.
_COUNT: Final[LiteralString] = "RETURN COUNT { ()-[:TYPE]->() } AS edges"

# Nothing is matched when a node is missing: no row, no edge.
_BOTH_ENDS: Final[LiteralString] = """
CALL () { UNWIND $sources AS id MATCH (n:SOURCE {id: id}) RETURN collect(n) AS sources }
CALL () { UNWIND $targets AS id MATCH (n:TARGET {id: id}) RETURN collect(n) AS targets }
WITH sources, targets WHERE size(sources) = size($sources) AND size(targets) = size($targets)
UNWIND range(0, size($rows) - 1) AS i
WITH i, $rows[i] AS r, sources, targets
WITH i, r, sources[r[0]] AS s, targets[r[1]] AS t
"""

# index: SOURCE(id), TARGET(id); rows: one, its list as long as the rows. Of two nodes the one with fewer edges is searched.
_HELD: Final[LiteralString] = (
    _BOTH_ENDS
    + """
MATCH (s)-[e:TYPE]->(t) WHERE coalesce(e.predicate, '') = coalesce(r[4], '')
RETURN collect([i, id(e), e.version_at, e.score]) AS held
"""
)

# index: SOURCE(id), TARGET(id); rows: one.
_CREATE: Final[LiteralString] = (
    _BOTH_ENDS
    + """
CREATE (s)-[:TYPE {version_at: r[2], score: r[3], predicate: r[4]}]->(t)
RETURN count(*) AS edges
"""
)

# index: none, edges by id(); rows: one.
UPDATE: Final[LiteralString] = """
UNWIND $rows AS r
MATCH ()-[e]->() WHERE id(e) = r[0]
SET e.version_at = r[1], e.score = r[2]
RETURN count(*) AS edges
"""


def _per_kind(query: LiteralString) -> dict[EdgeKind, LiteralString]:
    return {
        kind: query.replace("TYPE", EDGE_TYPES[kind])
        .replace("SOURCE", LABELS[source])
        .replace("TARGET", LABELS[target])
        for kind, (source, target) in ENDS.items()
    }


LOCK: Final = _per_kind(_LOCK)
COUNT: Final = _per_kind(_COUNT)
HELD: Final = _per_kind(_HELD)
CREATE: Final = _per_kind(_CREATE)
