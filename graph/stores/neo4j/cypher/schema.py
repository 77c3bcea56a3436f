"""The schema's own bookkeeping. Its constraints come first: they are what makes the rest safe from two processes at once."""

from __future__ import annotations

from typing import Final, LiteralString

# index: none; rows: none. `IF NOT EXISTS`, so that the one who comes second changes nothing.
BOOTSTRAP: Final[tuple[LiteralString, ...]] = (
    "CREATE CONSTRAINT tastegraph_state IF NOT EXISTS FOR (s:TastegraphState) REQUIRE s.name IS UNIQUE",
    "CREATE CONSTRAINT tastegraph_migration IF NOT EXISTS FOR (m:TastegraphMigration) REQUIRE m.version IS UNIQUE",
)

# index: TastegraphState(name); rows: none. Whoever runs this waits for whoever ran it before to commit. The value is set
# for good: it makes the property key `lock`, without which removing it locks nothing.
LOCK: Final[LiteralString] = "MERGE (s:TastegraphState {name: 'schema'}) SET s.lock = true"

# index: none, a handful of nodes; rows: one a migration.
APPLIED: Final[LiteralString] = "MATCH (m:TastegraphMigration) RETURN m.version AS version"

# index: none; rows: none.
RECORD: Final[LiteralString] = "CREATE (:TastegraphMigration {version: $version, name: $name, applied_at: timestamp()})"

# index: none; rows: none. Ends when every index is filled, or fails after `seconds`.
AWAIT_INDEXES: Final[LiteralString] = "CALL db.awaitIndexes($seconds)"
