"""Commands that compose the rooms: thin functions that read options, call a run, and print its result."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import orjson
from cyclopts import App, Parameter

from graph.console import emit
from graph.settings import GraphSettings

Json = Annotated[bool, Parameter("--json", negative=())]


def snapshot(*, store: str | None = None, json: Json = False) -> None:
    """Exports what the store holds into an immutable, memory-mapped snapshot.

    Parameters
    ----------
    store
        URL of the store: sqlite:///PATH, bolt://… or neo4j://… (default: TASTEGRAPH_STORE, else SQLite in the home).
    json
        Print the result as one JSON object.
    """
    from pipeline.snapshot import run_snapshot

    emit(run_snapshot(GraphSettings(), store), as_json=json)


def demo(*, port: int | None = None) -> None:
    """Bring a real data set (MovieLens 100K), load it, train on it, and serve it with GraphiQL.

    Steps that are done already are skipped. With DEMO_SERVE=0 in the environment it stops after one real query, whose answer it
    prints as `SELFCHECK {json}`.

    Parameters
    ----------
    port
        Port to serve on (default: 8000).
    """
    from gql.cli import serve
    from pipeline.demo import run_demo, selfcheck

    settings = GraphSettings()
    run_demo(settings)
    if os.environ.get("DEMO_SERVE") == "0":
        sys.stdout.write(f"SELFCHECK {orjson.dumps(selfcheck(settings.home_dir())).decode()}\n")
        return
    serve(port=port)


export = App(name="export", help="Write parts of what is served to files, for other tools.")


@export.command
def ego(
    id: str,
    *,
    out: Path,
    kind: Literal["user", "pin", "board", "interest", "entity"] = "pin",
    hops: int = 2,
    first: int = 1_000,
    format: Literal["graphml", "json"] = "graphml",
    json: Json = False,
) -> None:
    """Write the ego network of a node: who and what is within a few hops, with centrality and communities.

    Parameters
    ----------
    id
        Id of the node in its middle, as it was loaded.
    out
        File to write, whole or not at all.
    kind
        Kind of that node.
    hops
        How far to go: 1 to 3.
    first
        How many nodes at most; what was cut is said in the file.
    format
        graphml (Gephi, yEd, Cytoscape) or json (networkx's node-link form).
    json
        Print the result as one JSON object.
    """
    from pipeline.ego import run_export_ego

    emit(run_export_ego(GraphSettings(), kind, id, out=out, hops=hops, first=first, format=format), as_json=json)
