"""Loads: who holds the store, which batches are done, where the projector is.

The lease is one node, written when it is taken, renewed and given back, never by a batch: writers of different batches share
no node. Its times are the server's.
"""

from __future__ import annotations

from typing import Final, LiteralString

# index: TastegraphState(name); rows: one. Makes whoever asks next wait.
LOCK_LEASE: Final[LiteralString] = """
MERGE (l:TastegraphState {name: 'lease'})
SET l.lock = true
RETURN l.load_id AS load_id, l.holder AS holder, l.pid AS pid, l.host AS host, timestamp() - l.renewed_at AS age_ms
"""

# index: TastegraphState(name); rows: at most one.
LEASE: Final[LiteralString] = """
MATCH (l:TastegraphState {name: 'lease'})
RETURN l.load_id AS load_id, l.holder AS holder, l.pid AS pid, l.host AS host, timestamp() - l.renewed_at AS age_ms
"""

# index: TastegraphState(name), TastegraphLoad(load_id); rows: none. Loads are numbered, so that the oldest is known.
TAKE_LEASE: Final[LiteralString] = """
MATCH (l:TastegraphState {name: 'lease'})
SET l.load_id = $load_id, l.holder = $holder, l.pid = $pid, l.host = $host, l.renewed_at = timestamp(),
    l.loads = coalesce(l.loads, 0) + 1, l.fresh = $fresh
MERGE (load:TastegraphLoad {load_id: $load_id})
ON CREATE SET load.source = $source, load.number = l.loads, load.began_at = timestamp()
"""

# index: TastegraphState(name); rows: one.
RENEW_LEASE: Final[LiteralString] = """
MATCH (l:TastegraphState {name: 'lease'}) WHERE l.load_id = $load_id AND l.holder = $holder
SET l.renewed_at = timestamp()
RETURN count(*) AS held
"""

# index: TastegraphState(name); rows: none.
GIVE_BACK_LEASE: Final[LiteralString] = """
MATCH (l:TastegraphState {name: 'lease'}) WHERE l.load_id = $load_id AND l.holder = $holder
REMOVE l.load_id, l.holder, l.pid, l.host, l.renewed_at, l.fresh
"""

# index: TastegraphState(name); rows: none. Whoever writes events under no load waits here for a load that begins, and the
# other way round: so a load that began on a store without events knows whether there are others than its own.
BESIDE_LOADS: Final[LiteralString] = "MERGE (l:TastegraphState {name: 'lease'}) SET l.fresh = false"

# index: TastegraphState(name); rows: one.
IS_FRESH: Final[LiteralString] = """
OPTIONAL MATCH (l:TastegraphState {name: 'lease'}) RETURN coalesce(l.fresh, false) AS fresh
"""

# index: none; rows: one, from the store's own counters.
NO_EVENTS: Final[LiteralString] = """
RETURN 0 = COUNT { ()-[:SAVED]->() } + COUNT { ()-[:UNSAVED]->() } + COUNT { ()-[:VIEWED]->() }
         + COUNT { ()-[:CLICKED]->() } + COUNT { ()-[:HID]->() } + COUNT { ()-[:FOLLOWS]->() }
         + COUNT { ()-[:UNFOLLOWS]->() } + COUNT { ()-[:MUTED]->() } + COUNT { ()-[:BOOSTED]->() }
         + COUNT { ()-[:CLEARED]->() } AS none
"""

# index: TastegraphLoad(load_id); rows: one.
BEGUN_BEFORE: Final[LiteralString] = """
OPTIONAL MATCH (load:TastegraphLoad {load_id: $load_id}) RETURN load IS NOT NULL AS begun
"""

# index: TastegraphLoad(load_id); rows: none.
FINISH: Final[LiteralString] = """
MATCH (load:TastegraphLoad {load_id: $load_id}) SET load.finished_at = timestamp(), load.summary = $summary
"""

# index: TastegraphLoad(load_id); rows: one.
FINISHED: Final[LiteralString] = """
MATCH (load:TastegraphLoad {load_id: $load_id}) RETURN load.finished_at IS NOT NULL AS finished
"""

# index: TastegraphState(name), TastegraphLoad(load_id); rows: one.
FINISHED_SO: Final[LiteralString] = """
OPTIONAL MATCH (load:TastegraphLoad {load_id: $load_id}) WHERE load.finished_at IS NOT NULL AND load.summary = $summary
OPTIONAL MATCH (l:TastegraphState {name: 'lease'}) WHERE l.load_id = $load_id
RETURN load IS NOT NULL AND l IS NULL AS finished
"""

# index: TastegraphLoad(load_id); rows: one.
ABANDON: Final[LiteralString] = """
MATCH (load:TastegraphLoad {load_id: $load_id}) WHERE load.finished_at IS NULL OR load.summary = $summary
SET load.finished_at = timestamp(), load.summary = $summary
RETURN count(*) AS loads
"""

# index: none, loads are few; rows: a hundred.
ENDED: Final[LiteralString] = """
MATCH (load:TastegraphLoad) WHERE load.finished_at IS NOT NULL
RETURN load.summary AS summary ORDER BY load.finished_at DESC, load.number DESC LIMIT 100
"""

# index: none, loads are few; rows: one.
BEGUN: Final[LiteralString] = """
MATCH (load:TastegraphLoad) RETURN count(load) AS loads
"""

# index: none, loads are few; rows: one a load.
UNFINISHED: Final[LiteralString] = """
MATCH (load:TastegraphLoad) WHERE load.finished_at IS NULL RETURN load.load_id AS load_id ORDER BY load.number
"""

# index: TastegraphBatch(load_id, batch); rows: one, its list as long as the load's batches.
BATCHES: Final[LiteralString] = """
MATCH (b:TastegraphBatch) WHERE b.load_id = $load_id AND b.batch IS NOT NULL
RETURN collect([b.batch, b.written, b.unchanged, b.duplicates, b.conflicts, b.edges_written]) AS batches
"""

# index: TastegraphState(name), TastegraphBatch(load_id, batch); rows: one.
BATCH: Final[LiteralString] = """
OPTIONAL MATCH (l:TastegraphState {name: 'lease'}) WHERE l.load_id = $load_id AND l.holder = $holder
OPTIONAL MATCH (b:TastegraphBatch {load_id: $load_id, batch: $batch})
RETURN l IS NOT NULL AS held,
       CASE WHEN b IS NOT NULL THEN [b.written, b.unchanged, b.duplicates, b.conflicts, b.edges_written] END AS outcome
"""

# index: TastegraphState(name); rows: one. Asks for the lease once more, at the end of what may have taken long.
RECORD_BATCH: Final[LiteralString] = """
MATCH (l:TastegraphState {name: 'lease'}) WHERE l.load_id = $load_id AND l.holder = $holder
CREATE (:TastegraphBatch {load_id: $load_id, batch: $batch, written: $written, unchanged: $unchanged,
                          duplicates: $duplicates, conflicts: $conflicts, edges_written: $edges_written})
RETURN count(*) AS held
"""

# index: TastegraphState(name); rows: none.
PROJECT: Final[LiteralString] = "MERGE (s:TastegraphState {name: 'projection'}) SET s.log_offset = $log_offset"

# index: TastegraphState(name); rows: at most one.
PROJECTED: Final[LiteralString] = "MATCH (s:TastegraphState {name: 'projection'}) RETURN s.log_offset AS log_offset"
