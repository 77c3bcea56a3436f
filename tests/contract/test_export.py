"""The export: every node, event and edge once, as columns of the store's own keys; and the snapshot that comes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from graph.errors import ConflictError
from graph.export import export_snapshot
from graph.model import (
    About,
    Board,
    EdgeKind,
    Event,
    EventKind,
    Id,
    Interest,
    Is,
    NodeKind,
    Pin,
    PlainEdge,
    Relates,
    TimeMs,
)
from graph.ports import NULL_TIME, Checkpoint, EventBatch, GraphStore
from graph.snapshot import Snapshot
from tests import graphs
from tests.contract.conftest import OpenStore

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def names(store: GraphStore) -> dict[tuple[NodeKind, int], Id]:
    """Ids by kind and key."""
    return {
        (kind, int(key)): node.id
        for kind in NodeKind
        for run in store.export_nodes(kind)
        for key, node in zip(run.keys, run.nodes, strict=True)
    }


def test_nodes_come_once_hidden_and_bare_ones_too(store: GraphStore) -> None:
    graphs.fill(store)
    store.ensure_nodes(NodeKind.PIN, [Id("bare")])
    for kind in NodeKind:
        runs = list(store.export_nodes(kind))
        found = {
            node.id: (node, bool(hidden)) for run in runs for node, hidden in zip(run.nodes, run.hidden, strict=True)
        }
        expected = {row.node.id: (row.node, row.deleted_at is not None) for row in graphs.NODES[kind]}
        if kind is NodeKind.PIN:
            expected[Id("bare")] = (Pin(Id("bare")), False)
        assert found == expected
        assert sum(len(run.nodes) for run in runs) == len(expected)
        keys = np.concatenate([run.keys for run in runs])
        assert keys.dtype == np.int64
        assert len(set(keys.tolist())) == len(keys)


def test_events_come_once_as_columns(store: GraphStore) -> None:
    graphs.fill(store)
    id_of = names(store)
    found: list[tuple[EventKind, NodeKind, Id, Id, Id | None, TimeMs | None, float]] = []
    for run in store.export_events(-1):
        assert (run.at.dtype, run.weight.dtype) == (np.int64, np.float64)
        for user, target, board, at, weight in zip(run.user, run.target, run.board, run.at, run.weight, strict=True):
            found.append(
                (
                    run.kind,
                    run.target_kind,
                    id_of[NodeKind.USER, int(user)],
                    id_of[run.target_kind, int(target)],
                    None if board == -1 else id_of[NodeKind.BOARD, int(board)],
                    None if at == NULL_TIME else TimeMs(int(at)),
                    float(weight),
                )
            )

    def columns(each: Event) -> tuple[EventKind, NodeKind, Id, Id, Id | None, TimeMs | None, float]:
        return each.kind, each.target_kind, each.user, each.target, each.board, each.at, each.weight or 1.0

    assert sorted(found, key=repr) == sorted(map(columns, graphs.EVENTS), key=repr)


def test_plain_edges_come_once(store: GraphStore) -> None:
    graphs.fill(store)
    id_of = names(store)

    def edge(kind: EdgeKind, source: int, target: int, score: float, predicate: str | None) -> PlainEdge:
        if kind is EdgeKind.ABOUT:
            value = None if np.isnan(score) else round(float(score), 6)
            return About(id_of[NodeKind.PIN, source], id_of[NodeKind.INTEREST, target], value)
        if kind is EdgeKind.IS:
            return Is(id_of[NodeKind.PIN, source], id_of[NodeKind.ENTITY, target])
        assert predicate is not None
        return Relates(id_of[NodeKind.ENTITY, source], predicate, id_of[NodeKind.ENTITY, target])

    for kind, expected in graphs.EDGES.items():
        found: list[PlainEdge] = []
        for run in store.export_edges(kind):
            assert run.score.dtype == np.float32
            predicates = run.predicate if kind is EdgeKind.RELATES else [None] * len(run.source)
            for source, target, score, predicate in zip(run.source, run.target, run.score, predicates, strict=True):
                found.append(edge(kind, int(source), int(target), float(score), predicate))
        assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_an_empty_store_gives_an_empty_snapshot(store: GraphStore, tmp_path: Path) -> None:
    snapshot = Snapshot.open(export_snapshot(store, tmp_path / "snapshots", NOW))
    assert set(snapshot.counts().values()) == {0}


def test_the_snapshot_is_the_same_from_every_store(store: GraphStore, tmp_path: Path) -> None:
    graphs.fill(store)
    snapshot = Snapshot.open(export_snapshot(store, tmp_path / "snapshots", NOW))
    reference = graphs.tiny_snapshot(tmp_path / "reference")
    assert snapshot.version == reference.version
    assert snapshot.content_hash == reference.content_hash
    board = snapshot.nodes[NodeKind.BOARD]
    assert board.node(0) == Board(Id("ada-garden"), Id("ada"), "My garden")
    assert snapshot.nodes[NodeKind.INTEREST].node(0) == Interest(Id("baking"), "Baking", Id("food"))


def test_the_same_content_is_not_written_twice(store: GraphStore, tmp_path: Path) -> None:
    graphs.fill(store)
    first = export_snapshot(store, tmp_path, NOW)
    assert export_snapshot(store, tmp_path, datetime(2024, 6, 2, tzinfo=UTC)) == first


@pytest.mark.parametrize("how", ["running", "interrupted"])
def test_no_snapshot_of_half_a_load(store: GraphStore, tmp_path: Path, how: str) -> None:
    store.begin_load("half", "a folder")
    if how == "interrupted":
        store.release_load("half")
    with pytest.raises(ConflictError, match="half"):
        export_snapshot(store, tmp_path / "snapshots", NOW)
    assert not list(tmp_path.glob("snapshots/*"))


@pytest.mark.parametrize("moment", ["export_events", "export_edges"])
@pytest.mark.parametrize("new_nodes", [False, True])
def test_no_snapshot_of_half_a_load_that_came_meanwhile(
    store: GraphStore,
    open_again: OpenStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    new_nodes: bool,
) -> None:
    """A whole load, begun and finished by another process while the export was between two of its reads."""
    graphs.fill(store)
    read = getattr(store, moment)

    def load_first(*arguments: object) -> object:
        if store.loads_begun() == before:
            other = open_again()
            other.begin_load("quick", "a folder")
            user = Id("new" if new_nodes else "dot")
            other.ensure_nodes(NodeKind.USER, [user], Checkpoint("quick", "users"))
            save = graphs.event(EventKind.SAVE, user, "fern")
            other.write_events(EventBatch.of([save]), Checkpoint("quick", "saves"))
            other.finish_load("quick", "{}")
        return read(*arguments)

    before = store.loads_begun()
    with monkeypatch.context() as patched:
        patched.setattr(store, moment, load_first)
        with pytest.raises(ConflictError, match="ran while"):
            export_snapshot(store, tmp_path / "snapshots", NOW)
    assert not list(tmp_path.glob("snapshots/*"))
    assert store.loads_begun() == before + 1
    assert Snapshot.open(export_snapshot(store, tmp_path / "snapshots", NOW)).counts()["SAVED"] == 11
