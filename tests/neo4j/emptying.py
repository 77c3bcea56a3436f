"""A Neo4j database back to nothing: what tests need between them, and nobody else should do.

Everything in the database is destroyed. Whether that may be is asked in `tests/conftest.py`, before this is called.
"""

from __future__ import annotations

from neo4j import Driver, Session

from tests.neo4j.server import DATABASE

# Constraints own their indexes; the two token lookup indexes are every database's.
_CONSTRAINTS = "SHOW CONSTRAINTS YIELD name"
_INDEXES = (
    "SHOW INDEXES YIELD name, type, owningConstraint WHERE type <> 'LOOKUP' AND owningConstraint IS NULL RETURN name"
)
_DROP_CONSTRAINT = "DROP CONSTRAINT $name IF EXISTS"
_DROP_INDEX = "DROP INDEX $name IF EXISTS"

# Counts of everything come from the store's own counters, at any size.
_COUNT_NODES = "MATCH (n) RETURN count(n) AS nodes"

# Relationships first: a hub's edges would all be in one transaction if its node went first.
_DELETE_RELATIONSHIPS = "MATCH ()-[r]->() CALL (r) { DELETE r } IN TRANSACTIONS OF 50000 ROWS"
_DELETE_NODES = "MATCH (n) CALL (n) { DELETE n } IN TRANSACTIONS OF 50000 ROWS"


def is_empty(driver: Driver) -> bool:
    """True if the database holds no node (so no relationship), no constraint and no index of anyone's making."""
    with driver.session(database=DATABASE) as session:
        return not (_node_count(session) or _names(session, constraints=True) or _names(session, constraints=False))


def empty(driver: Driver) -> None:
    """Deletes every constraint, index, relationship and node of the database."""
    with driver.session(database=DATABASE) as session:
        for name in _names(session, constraints=True):
            session.run(_DROP_CONSTRAINT, name=name).consume()
        for name in _names(session, constraints=False):
            session.run(_DROP_INDEX, name=name).consume()
    clear(driver)


def clear(driver: Driver) -> None:
    """Deletes every relationship and node, and leaves the schema: a change of it makes the server compile each query anew."""
    with driver.session(database=DATABASE) as session:
        if _node_count(session):
            session.run(_DELETE_RELATIONSHIPS).consume()
            session.run(_DELETE_NODES).consume()


def _names(session: Session, *, constraints: bool) -> list[str]:
    return session.run(_CONSTRAINTS if constraints else _INDEXES).value("name")


def _node_count(session: Session) -> int:
    return session.run(_COUNT_NODES).single(strict=True)["nodes"]
