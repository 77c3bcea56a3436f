"""Commands that compose the rooms: thin functions that read options, call a run, and print its result."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

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
