"""Exports an ego network from what is served, for people's own tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from embeddings.release import current
from graph.ego import EgoFormat, ego, export_ego
from graph.errors import NotFoundError
from graph.export import latest_snapshot
from graph.model import NodeKind
from graph.settings import GraphSettings, Home
from graph.snapshot import Snapshot
from graph.visibility import ADMIN


def run_export_ego(
    settings: GraphSettings, kind: str, id: str, *, out: Path, hops: int, first: int, format: EgoFormat
) -> dict[str, Any]:
    """Writes the ego network of a node; returns counts and the snapshot that it is of.

    Who runs commands on a home may read all of it, so nothing is hidden but the attributes of users.
    """
    snapshot = _served_snapshot(settings.home_dir())
    graph = ego(snapshot, NodeKind(kind.capitalize()), id, hops=hops, first=first, viewer=ADMIN)
    return {**export_ego(graph, out, format), "snapshot": snapshot.version}


def _served_snapshot(home: Home) -> Snapshot:
    """The snapshot of the current release, or the newest one where nothing is published yet."""
    try:
        return Snapshot.open(home.snapshots / current(home).snapshot)
    except NotFoundError:
        return Snapshot.open(latest_snapshot(home.snapshots))
