"""`make bench-live`: what people do, taken in through the API: events a second that are durable when they are acknowledged.

One server with one worker, which also projects the log into its store meanwhile; the client runs on the same cores. The
reference is SQLite alone, in the same folder and as durable: ready bytes, one transaction a batch. At the end every event
must be in the store once. Other sizes, for development:

    python -m benchmarks.live --batches 50 --singles 2000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks import servers
from benchmarks.figure import machine, report
from embeddings.release import Release, publish
from graph.model import EventKind
from graph.settings import Home
from graph.snapshot import Snapshot
from graph.stores.sqlite.store import SqliteStore
from loaders.synthetic import Sizes
from loaders.synthetic_snapshot import write_synthetic_snapshot

BATCH: Final = 1_000
CATCH_UP_S: Final = 300.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark; prints figures on stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live")
    parser.add_argument("--batches", type=int, default=300, help="calls of 1,000 interactions")
    parser.add_argument("--singles", type=int, default=20_000, help="calls of one interaction")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-live-") as folder:
        home = Home(Path(folder))
        snapshot = Snapshot.open(write_synthetic_snapshot(home.snapshots, Sizes(5_000, 5_000, 5_000, 100_000, 40), 7))
        publish(home, Release("bench", "2024-06-01T00:00:00Z", snapshot.version, {}))
        batches = [_body(number * BATCH, BATCH) for number in range(given.batches)]
        singles = [_body(given.batches * BATCH + number, 1) for number in range(given.singles)]
        with servers.ours(home.path, workers=1) as graphql:
            url = graphql.replace("/graphql", "/v1/interactions")
            asyncio.run(_tell(url, [_body(10**9 + number, 1) for number in range(200)], 16))  # warm
            batched_s, single_s = asyncio.run(_tell(url, batches, 4)), asyncio.run(_tell(url, singles, 32))
            behind_s = _caught_up(home, given.batches * BATCH + given.singles + 200)
        report(
            "live_interactions_per_s",
            given.batches * BATCH / batched_s,
            "interactions/s, durable, in batches of 1,000",
            reference="SQLite alone, ready bytes",
            reference_value=_bare(Path(folder) / "bare-batched.db", batches),
            store_behind_s=round(behind_s, 2),
            **machine(),
        )
        report(
            "live_single_calls_per_s",
            given.singles / single_s,
            "calls/s of one interaction, durable, 32 at once",
            reference="SQLite alone, ready bytes",
            reference_value=_bare(Path(folder) / "bare-single.db", singles[:2_000]),
        )


def _body(first: int, count: int) -> bytes:
    """Views of many users, as lines."""
    lines = [
        {
            "event_id": f"{number:032x}",
            "kind": EventKind.VIEW.value,
            "user_id": f"u{number % 5_000}",
            "pin_id": f"p{number % 4_999}",
            "at": 1_700_000_000_000 + number,
        }
        for number in range(first, first + count)
    ]
    return "\n".join(map(json.dumps, lines)).encode()


async def _tell(url: str, bodies: Sequence[bytes], at_once: int) -> float:
    """Seconds until every body is acknowledged whole."""
    waiting = iter(bodies)

    async def teller(session: aiohttp.ClientSession) -> None:
        for body in waiting:
            async with session.post(url, data=body) as response:
                answer = await response.json()
                if answer.get("accepted") != body.count(b"\n") + 1:
                    raise SystemExit(f"not all was accepted: {answer}")

    async with aiohttp.ClientSession(headers={"content-type": "application/x-ndjson"}) as session:
        began = time.perf_counter()
        await asyncio.gather(*[teller(session) for _ in range(at_once)])
        return time.perf_counter() - began


def _caught_up(home: Home, events: int) -> float:
    """Seconds from now until the store has every event; each must be there once."""
    began = time.perf_counter()
    store = SqliteStore(home.store_db)
    while store.log_offset() + 1 < events:
        if time.perf_counter() - began > CATCH_UP_S:
            raise SystemExit(f"the store has {store.log_offset() + 1:,} of {events:,} events")
        time.sleep(0.1)
    if (found := store.counts().events[EventKind.VIEW]) != events:
        raise SystemExit(f"the store has {found:,} events, {events:,} were told")
    store.close()
    return time.perf_counter() - began


def _bare(path: Path, bodies: Iterable[bytes]) -> float:
    """Lines a second that SQLite makes durable, one transaction a body."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE log (place INTEGER PRIMARY KEY, record BLOB NOT NULL)")
    rows, began = 0, time.perf_counter()
    for body in bodies:
        lines = body.split(b"\n")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO log (record) VALUES (?)", [(line,) for line in lines])
        connection.execute("COMMIT")
        rows += len(lines)
    seconds = time.perf_counter() - began
    connection.close()
    return rows / seconds


if __name__ == "__main__":
    main()
