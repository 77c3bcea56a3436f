-- Nodes of all kinds. `key` is ours and never leaves the store but for an export; identity is (kind, id).
-- A bare node, one that was only mentioned, has no digest.
CREATE TABLE node (
    key         INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('User', 'Pin', 'Board', 'Interest', 'Entity')),
    id          TEXT NOT NULL,
    created_at  INTEGER,
    title       TEXT,
    description TEXT,
    name        TEXT,
    attributes  TEXT,
    owner_key   INTEGER REFERENCES node (key),  -- of a board
    secret      INTEGER,                        -- of a board
    parent_key  INTEGER REFERENCES node (key),  -- of an interest
    version_at  INTEGER,
    deleted_at  INTEGER,
    digest      BLOB,
    UNIQUE (kind, id)
) STRICT;

-- What people did. The event id is the identity: a BLOB where its text is 32 lower-case hex digits, as in ids that were
-- derived, else TEXT. `digest` tells one payload from another under the same id; NULL where it is the id.
-- A table with row ids: events are appended as they arrive, and only the two small indexes are written all over.
-- The keys are not declared as references: each was just looked up in the same transaction, and checking all three again
-- would take a third of a load's time.
CREATE TABLE event (
    key        INTEGER PRIMARY KEY,
    event_id   ANY NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    user_key   INTEGER NOT NULL,
    target_key INTEGER NOT NULL,
    board_key  INTEGER,
    at         INTEGER,
    weight     REAL,
    group_id   TEXT,
    digest     BLOB,
    log_offset INTEGER NOT NULL DEFAULT -1      -- -1: it came with a load, not through the event log
) STRICT;
CREATE INDEX event_of_user ON event (user_key);

-- Edges without a history of their own.
CREATE TABLE about (
    pin_key      INTEGER NOT NULL REFERENCES node (key),
    interest_key INTEGER NOT NULL REFERENCES node (key),
    score        REAL,
    version_at   INTEGER,
    digest       BLOB NOT NULL,
    PRIMARY KEY (pin_key, interest_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE depicts (                          -- IS: a pin shows this thing
    pin_key    INTEGER NOT NULL REFERENCES node (key),
    entity_key INTEGER NOT NULL REFERENCES node (key),
    version_at INTEGER,
    digest     BLOB NOT NULL,
    PRIMARY KEY (pin_key, entity_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE relates (
    head_key   INTEGER NOT NULL REFERENCES node (key),
    predicate  TEXT NOT NULL,
    tail_key   INTEGER NOT NULL REFERENCES node (key),
    version_at INTEGER,
    digest     BLOB NOT NULL,
    PRIMARY KEY (head_key, predicate, tail_key)
) STRICT, WITHOUT ROWID;

-- Loads, their finished batches with what each amounted to, and who holds the store for loading now.
CREATE TABLE load (
    load_id     TEXT PRIMARY KEY,
    source      TEXT NOT NULL,
    began_at    INTEGER NOT NULL,
    finished_at INTEGER,
    summary     TEXT
) STRICT;

CREATE TABLE load_batch (
    load_id       TEXT NOT NULL REFERENCES load (load_id),
    batch         TEXT NOT NULL,
    written       INTEGER NOT NULL,
    unchanged     INTEGER NOT NULL,
    duplicates    INTEGER NOT NULL,
    conflicts     INTEGER NOT NULL,
    edges_written INTEGER NOT NULL,
    PRIMARY KEY (load_id, batch)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    load_id    TEXT NOT NULL REFERENCES load (load_id),
    holder     TEXT NOT NULL,                   -- one opened store; another in the same process is somebody else
    pid        INTEGER NOT NULL,
    host       TEXT NOT NULL,
    renewed_at INTEGER NOT NULL
) STRICT;

-- The projector's position in the event log.
CREATE TABLE projection (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    log_offset INTEGER NOT NULL
) STRICT;
INSERT INTO projection (only, log_offset) VALUES (1, -1);
