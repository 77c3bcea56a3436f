"""Loads into Neo4j and exports from it, each beside what a plain script does, on one real server in one run.

    python -m benchmarks.load_neo4j [--saves N]

All data are saves with a board, so that every interaction is two edges; users, pins and boards with their owners are loaded
by both sides. A tenth of the data is loaded by both before anything is measured: the server is warm.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, LiteralString

import polars as pl
from neo4j import Driver, GraphDatabase
from pydantic import SecretStr

from benchmarks.figure import machine, report
from benchmarks.loading import load
from graph.export import export_snapshot
from graph.settings import GraphSettings
from graph.stores import open_store
from graph.stores.neo4j import offline
from loaders.load import bulk_load
from loaders.synthetic import Sizes, write_synthetic
from tests.jvm.maven import java
from tests.neo4j.emptying import empty
from tests.neo4j.jars import jar_folder
from tests.neo4j.server import STEADY_STATE, Neo4jServer

SAVES = 1_000_000
PLAIN_ROWS = 1_000
ROUNDS = 3
"""Exports, each beside the plain way; medians are reported."""
TABLES = ("users", "pins", "boards", "interactions")
PLAIN: dict[str, LiteralString] = {
    "users": "UNWIND $rows AS r MERGE (n:User {id: r.id}) SET n.created_at = r.created_at, n.country = r.country",
    "pins": "UNWIND $rows AS r MERGE (n:Pin {id: r.id}) SET n.title = r.title, n.created_at = r.created_at",
    "boards": """
UNWIND $rows AS r
MATCH (u:User {id: r.owner_id})
MERGE (b:Board {id: r.id}) SET b.title = r.title
MERGE (u)-[:OWNS]->(b)
""",
    "interactions": """
UNWIND $rows AS r
MATCH (u:User {id: r.user_id})
MATCH (p:Pin {id: r.pin_id})
MATCH (b:Board {id: r.board_id})
MERGE (u)-[:SAVED {at: r.at, board: r.board_id}]->(p)
MERGE (b)-[:HOLDS {at: r.at, by: r.user_id}]->(p)
""",
}
"""What a plain loader sends, a table at a time."""
STREAM: LiteralString = "MATCH (u:User)-[s:SAVED]->(p:Pin) RETURN id(u), id(p), s.at"
ADMIN = "org.neo4j.server.startup.Neo4jAdminCommand"


def write_saves(folder: Path, saves: int) -> Path:
    """A folder with so many saves on boards."""
    nodes = max(saves // 20, 100)
    write_synthetic(folder, Sizes(nodes, 2 * nodes, 3 * nodes, 4 * saves, interests=40), seed=7)
    for file in folder.iterdir():
        if file.stem not in TABLES:
            file.unlink()
    rows = pl.scan_csv(folder / "interactions.csv")
    wanted = rows.filter((pl.col("kind") == "SAVE") & pl.col("board_id").is_not_null()).head(saves).collect()
    if wanted.height < saves:
        raise SystemExit(f"only {wanted.height} saves on boards were drawn of {saves}")
    wanted.write_csv(folder / "interactions.csv")
    return folder


def plain_load(driver: Driver, folder: Path) -> tuple[int, float]:
    """Edges and seconds of a loader of 30 lines: one session, 1,000 rows a transaction, MERGE."""
    edges, began = 0, time.perf_counter()
    with driver.session() as session:
        for label in ("User", "Pin", "Board"):
            session.run(f"CREATE CONSTRAINT FOR (n:{label}) REQUIRE n.id IS UNIQUE").consume()  # pyright: ignore[reportArgumentType]
        for table in TABLES:
            with (folder / f"{table}.csv").open(newline="") as file:
                reader = csv.DictReader(file)
                while rows := list(islice(reader, PLAIN_ROWS)):
                    session.execute_write(lambda tx, rows=rows, table=table: tx.run(PLAIN[table], rows=rows).consume())
                    edges += len(rows) * {"boards": 1, "interactions": 2}.get(table, 0)
    return edges, time.perf_counter() - began


def our_load(folder: Path, home: Path, server: Neo4jServer) -> tuple[dict[str, Any], float]:
    """The command's summary, and the CPU seconds of its process."""
    username, password = server.auth
    loaded = load(folder, home, "--store", server.uri, NEO4J_USERNAME=username, NEO4J_PASSWORD=password)
    return loaded.summary, loaded.cpu_s


def server_cpu_s(server: Neo4jServer) -> float:
    """CPU seconds of the server so far."""
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bolt(server: Neo4jServer, settings: GraphSettings, driver: Driver, place: Path, saves: int) -> None:
    """Ours beside the plain loader; leaves ours in the database."""
    small, folder = write_saves(place / "small", saves // 10), write_saves(place / "data", saves)
    plain_load(driver, small)
    empty(driver)
    our_load(small, place / "home-small", server)
    streamed(driver)
    exported(settings)
    empty(driver)
    before, own_before = server_cpu_s(server), time.process_time()
    edges, seconds = plain_load(driver, folder)
    plain_cpu_s, plain_client_cpu_s = server_cpu_s(server) - before, time.process_time() - own_before
    empty(driver)
    before = server_cpu_s(server)
    summary, cpu_s = our_load(folder, place / "home", server)
    assert summary["edges_written"] == edges, "both must load the same"
    report(
        "load_bolt_edges_per_s",
        edges / summary["seconds"],
        "edges/s",
        reference="UNWIND … MERGE, one session, 1,000 rows a batch",
        reference_value=edges / seconds,
        edges=edges,
        seconds=round(summary["seconds"], 1),
        reference_seconds=round(seconds, 1),
        client_cpu_s=round(cpu_s, 1),
        server_cpu_s=round(server_cpu_s(server) - before, 1),
        reference_client_cpu_s=round(plain_client_cpu_s, 1),
        reference_server_cpu_s=round(plain_cpu_s, 1),
        load_average=os.getloadavg()[0],
        **machine(),
    )


def streamed(driver: Driver) -> tuple[int, float]:
    """Edges and seconds of a row an edge."""
    began = time.perf_counter()
    with driver.session() as session:
        edges = sum(1 for _ in session.run(STREAM))
    return edges, time.perf_counter() - began


def exported(settings: GraphSettings) -> tuple[int, float]:
    """Edges and seconds of the events of a snapshot."""
    with closing(open_store(settings.store, settings)) as store:
        began = time.perf_counter()
        edges = sum(len(run.user) for run in store.export_events(-1))
        return edges, time.perf_counter() - began


def export(settings: GraphSettings, driver: Driver, place: Path) -> None:
    """The events of a snapshot beside a row an edge through the plain driver, and the whole snapshot."""
    rounds = [(*streamed(driver), *exported(settings)) for _ in range(ROUNDS)]
    edges, events = rounds[0][0], rounds[0][2]
    assert events == edges
    stream_s, export_s = (median(each[column] for each in rounds) for column in (1, 3))
    with closing(open_store(settings.store, settings)) as store:
        began = time.perf_counter()
        export_snapshot(store, place / "snapshots")
        snapshot_s = time.perf_counter() - began
    report(
        "export_neo4j_edges_per_s",
        events / export_s,
        "edges/s",
        reference="a row an edge through the plain driver",
        reference_value=edges / stream_s,
        edges=events,
        whole_snapshot_s=round(snapshot_s, 2),
        load_average=os.getloadavg()[0],
    )


def bulk(server: Neo4jServer, settings: GraphSettings, place: Path) -> None:
    """`--bulk` up to the end of the import, beside the importer alone on the same CSV files."""
    kept, moments = place / "csv", dict[str, float]()
    import_all, stop = offline.Offline.import_all, offline.Offline.stop

    def obey(request: str) -> None:
        server.start() if "start" in request else server.stop()

    def noted_stop(self: offline.Offline) -> None:
        moments["stop"] = time.perf_counter()
        stop(self)

    def noted(self: offline.Offline, nodes: Any, relationships: Any, log: Path, *, multiline: bool) -> None:
        began = time.perf_counter()
        import_all(self, nodes, relationships, log, multiline=multiline)
        moments["import_s"] = time.perf_counter() - began
        shutil.copytree(log.parent, kept)
        again = [[(name, kept / path.name) for name, path in files] for files in (nodes, relationships)]
        self._overwrite = True
        began = time.perf_counter()
        import_all(self, *again, kept / log.name, multiline=multiline)
        moments["bare_s"] = time.perf_counter() - began

    offline.say, offline.Offline.import_all, offline.Offline.stop = obey, noted, noted_stop
    began = time.perf_counter()
    summary = bulk_load(place / "data", settings.store)
    whole_s = time.perf_counter() - began - moments["bare_s"]
    csv_s = moments["stop"] - began
    report(
        "load_bulk_seconds",
        csv_s + moments["import_s"],
        "s",
        reference="neo4j-admin database import full, given the CSV files",
        reference_value=moments["bare_s"],
        csv_s=round(csv_s, 2),
        edges=summary.edges_written,
        whole_s=round(whole_s, 1),
        load_average=os.getloadavg()[0],
    )


@contextmanager
def environment(server: Neo4jServer, place: Path) -> Iterator[GraphSettings]:
    """What commands in this process find."""
    os.environ |= {
        "TASTEGRAPH_HOME": str(place / "home-bulk"),
        "TASTEGRAPH_NEO4J_ADMIN": f"{java()} -cp {jar_folder()}/* {ADMIN}",
        "NEO4J_USERNAME": server.auth[0],
        "NEO4J_PASSWORD": server.auth[1],
        "NEO4J_HOME": str(server.home),
        "NEO4J_CONF": str(server.home / "conf"),
    }
    yield GraphSettings().model_copy(update={"store": server.uri, "neo4j_password": SecretStr(server.auth[1])})


def main(arguments: Sequence[str] = ()) -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load_neo4j")
    parser.add_argument("--saves", type=int, default=SAVES)
    saves = parser.parse_args(arguments).saves
    with (
        tempfile.TemporaryDirectory(prefix="tastegraph-bench-") as folder,
        Neo4jServer(heap_mb=2048, pagecache_mb=1024, jvm=STEADY_STATE) as server,
        environment(server, Path(folder)) as settings,
    ):
        place = Path(folder)
        with GraphDatabase.driver(server.uri, auth=server.auth) as driver:
            bolt(server, settings, driver, place, saves)
            export(settings, driver, place)
            empty(driver)
        bulk(server, settings, place)


if __name__ == "__main__":
    main(sys.argv[1:])
