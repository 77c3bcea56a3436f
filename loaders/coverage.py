"""Which ranges of logs an unfinished load reads, so that a later one that reads them too can stand for it.

A log grows. A load of it that was killed is hardly ever run again over the very same records, and would count as interrupted
for ever, which no snapshot is exported over. Rows are idempotent: once a load has read all that the killed one had read, the
store is as if both had ended. Nothing here is needed for loads of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from graph.ports import GraphStore
from graph.sealed import write_atomically


class LogRange(NamedTuple):
    """Offsets from `start` up to, not including, `end`. log: names the partition, its topic and its cluster."""

    log: str
    start: int
    end: int


def covers(wider: Iterable[LogRange], narrower: Iterable[LogRange]) -> bool:
    """Whether all records of the second are among those of the first; empty ranges have none."""
    read = {span.log: span for span in wider}
    return all(
        span.log in read and read[span.log].start <= span.start and span.end <= read[span.log].end
        for span in narrower
        if span.start < span.end
    )


def remember(path: Path, ranges: Sequence[LogRange]) -> None:
    """Keeps what a load reads; call it before the load begins in the store. `path` is named LOAD_ID-STORE.ranges."""
    if ranges:
        write_atomically(path, orjson.dumps([list(span) for span in ranges]), mode=0o600)


def settle(path: Path, ranges: Sequence[LogRange], store: GraphStore) -> None:
    """Finishes the interrupted loads whose records have all been loaded now, and forgets their ranges.

    path: of this load, which has finished; those of others on the same store are beside it.
    """
    load_id, _, place = path.stem.partition("-")
    unfinished = store.unfinished_loads() if ranges else []
    for other in path.parent.glob(f"*-{place}.ranges") if ranges else ():
        other_id = other.stem.partition("-")[0]
        interrupted = [name for name in unfinished if name.partition(".")[0] == other_id]
        if interrupted and not covers(ranges, [LogRange(*span) for span in orjson.loads(other.read_bytes())]):
            continue
        for name in interrupted:
            store.begin_load(name, "")
            store.finish_load(name, orjson.dumps({"superseded_by": load_id}).decode())
        other.unlink(missing_ok=True)
