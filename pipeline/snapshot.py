"""The snapshot run: from a store to a folder of arrays, and how long it took."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from graph.errors import NotFoundError
from graph.export import export_snapshot
from graph.settings import GraphSettings
from graph.snapshot import Snapshot
from graph.stores import open_store


def run_snapshot(settings: GraphSettings, store_url: str | None = None) -> dict[str, Any]:
    """Exports a snapshot into the home and reads it back, checksums included.

    Raises NotFoundError when the store holds nothing, ConflictError while a load is running.
    """
    began = time.perf_counter()
    store = open_store(store_url, settings)
    try:
        store.migrate()
        if not any(store.counts().nodes.values()):
            raise NotFoundError(f"{store.url} holds nothing yet; run `tastegraph load DIR` first")
        path = export_snapshot(store, settings.home_dir().snapshots)
    finally:
        store.close()
    snapshot = Snapshot.open(path)
    seconds = time.perf_counter() - began
    edges = sum(len(table) for table in snapshot.links.values())
    return {
        "snapshot": snapshot.version,
        "path": str(path),
        "content_hash": snapshot.content_hash,
        "nodes": sum(len(table) for table in snapshot.nodes.values()),
        "edges": edges,
        "bytes": sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file()),
        "seconds": round(seconds, 3),
        "edges_per_s": round(edges / seconds),
    }
