"""From a store to a snapshot: reads everything once, folds events into what holds, and writes CSR arrays both ways.

Memory: about 40 bytes an event while folding. The same content gives the same files, byte for byte, from either store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph.errors import ConflictError, CorruptFileError, InvalidInputError, NotFoundError, TransientError
from graph.fold import EventColumns, Latest, RivalFold, fold_rivals, fold_saves, summed
from graph.model import Board, EdgeKind, Entity, EventKind, Interest, Node, NodeKind, Pin, User
from graph.ports import SnapshotSource
from graph.schema import FOLLOWS, LINKS, Link
from graph.sealed import building, folder_sums, seal, sums_hash
from graph.snapshot import FORMAT, MANIFEST, Snapshot

ROWS_MAX = 2**31 - 1
"""Nodes of one kind, and edges of one link, that a snapshot can hold: rows are int32."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """From a store's keys to snapshot rows; -1 for a hidden node."""

    keys: NDArray[np.int64]
    rows: NDArray[np.int32]

    def of(self, keys: NDArray[np.int64]) -> NDArray[np.int32]:
        if not len(keys):
            return np.empty(0, np.int32)
        place = np.searchsorted(self.keys, keys)
        if not len(self.keys) or place.max() >= len(self.keys) or not np.array_equal(self.keys[place], keys):
            raise NotFoundError("the store has an edge whose end is no node; run `tastegraph doctor`")
        return self.rows[place]


def export_snapshot(store: SnapshotSource, snapshots: Path, now: datetime | None = None) -> Path:
    """Writes a snapshot of what the store holds, and returns its folder.

    A snapshot with the same content, offset and epoch that is there already is returned instead. Raises ConflictError while
    a load is running or was interrupted, and when one ran meanwhile: a snapshot never holds half of one; TransientError when
    the folder can't be written.
    """
    try:
        return _export(store, snapshots, now)
    except OSError as error:
        raise TransientError(
            f"no snapshot could be written to {snapshots} ({error}); check its permissions and the disk's free space"
        ) from error


def _export(store: SnapshotSource, snapshots: Path, now: datetime | None) -> Path:
    begun = store.loads_begun()
    _check_no_load(store, begun)
    offset = store.log_offset()
    with building(snapshots) as folder:
        try:
            counts = _write_data(store, folder, offset)
        except NotFoundError:  # an edge to a node of a load that came after the nodes were read
            _check_no_load(store, begun)
            raise
        _check_no_load(store, begun)
        files = folder_sums(folder)
        content_hash = sums_hash(files)
        if (known := _same(snapshots, content_hash, offset)) is not None:
            return known
        moment = now or datetime.now(UTC)
        version = f"{moment:%Y%m%dT%H%M%SZ}-{content_hash[:12]}"
        manifest = {
            "format": FORMAT,
            "version": version,
            "content_hash": content_hash,
            "created_at": int(moment.timestamp() * 1000),
            "log_offset": offset,
            "erasure_epoch": 0,
            "counts": counts,
            "files": files,
        }
        seal(folder, snapshots / version, MANIFEST, manifest)
    return snapshots / version


def _check_no_load(store: SnapshotSource, begun: int) -> None:
    """Raises ConflictError when a load is not done, or one has begun since there were `begun`."""
    if unfinished := store.unfinished_loads():
        raise ConflictError(
            f"load {unfinished[0]} is running or was interrupted; wait for it, run the same `tastegraph load` again, or give"
            f" it up with `tastegraph doctor --abandon {unfinished[0]}`"
        )
    if store.loads_begun() != begun:
        raise ConflictError(
            "a load ran while the snapshot was made, which may hold half of it; make the snapshot again"
        )


def _write_data(store: SnapshotSource, folder: Path, offset: int) -> dict[str, int]:
    """All files but the manifest; returns the numbers of nodes."""
    rows, visible = _write_nodes(store, folder)
    _write_events(store, folder, rows, offset)
    _write_owned(folder, visible, rows)
    _write_plain_edges(store, folder, rows)
    return {kind.value: len(nodes) for kind, nodes in visible.items()}


def latest_snapshot(snapshots: Path) -> Path:
    """The newest snapshot in a folder. Raises NotFoundError when there is none."""
    names = sorted(p.name for p in snapshots.glob("[0-9]*-*") if (p / MANIFEST).is_file())
    if not names:
        raise NotFoundError(f"there is no snapshot in {snapshots}; run `tastegraph snapshot`")
    return snapshots / names[-1]


def _same(snapshots: Path, content_hash: str, offset: int) -> Path | None:
    for path in sorted(snapshots.glob(f"[0-9]*-{content_hash[:12]}")):
        try:
            found = Snapshot.open(path)
        except CorruptFileError:
            continue  # a new one takes its place
        if found.content_hash == content_hash and found.log_offset == offset:
            return path
    return None


def _write_table(path: Path, columns: dict[str, pa.Array]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _strings(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.large_string())


def _write_nodes(store: SnapshotSource, folder: Path) -> tuple[dict[NodeKind, _Rows], dict[NodeKind, list[Node]]]:
    """Node tables of all kinds, and the map from the store's keys to rows."""
    rows: dict[NodeKind, _Rows] = {}
    visible: dict[NodeKind, list[Node]] = {}
    for kind in NodeKind:
        runs = list(store.export_nodes(kind))
        nodes = list(chain.from_iterable(run.nodes for run in runs))
        keys = np.concatenate([run.keys for run in runs]) if runs else np.empty(0, np.int64)
        hidden = np.concatenate([run.hidden for run in runs]) if runs else np.empty(0, np.bool_)
        if len(nodes) > ROWS_MAX:
            raise InvalidInputError(f"{len(nodes)} nodes of kind {kind}; a snapshot holds at most {ROWS_MAX}")
        shown = [i for i in sorted(range(len(nodes)), key=lambda i: nodes[i].id) if not hidden[i]]
        place = np.full(len(nodes), -1, np.int32)
        place[shown] = np.arange(len(shown), dtype=np.int32)
        order = np.argsort(keys, kind="stable")
        rows[kind] = _Rows(keys[order], place[order])
        visible[kind] = [nodes[i] for i in shown]
    users = {node.id for node in visible[NodeKind.USER]}
    interests = _levels(cast("list[Interest]", visible[NodeKind.INTEREST]))
    for kind, nodes in visible.items():
        _write_table(folder / "nodes" / f"{kind}.arrow", _node_columns(kind, nodes, users, interests))
    return rows, visible


def _levels(interests: list[Interest]) -> dict[str, int]:
    """Depth of each interest below its top, 0 for a top; a cycle counts from where it closes."""
    parent = {i.id: i.parent for i in interests}
    levels: dict[str, int] = {}
    for interest in interests:
        path: list[str] = []
        at: str | None = interest.id
        while at is not None and at in parent and at not in levels and at not in path:
            path.append(at)
            at = parent[at]
        level = levels[at] + 1 if at in levels else 0
        for step in reversed(path):
            levels[step] = level
            level += 1
    return levels


def _node_columns(kind: NodeKind, nodes: list[Node], users: set[Any], levels: dict[str, int]) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {"id": _strings([n.id for n in nodes])}
    if kind is NodeKind.USER:
        found = cast("list[User]", nodes)
        columns["created_at"] = pa.array([n.created_at for n in found], pa.int64())
        columns["attributes"] = _strings([n.attributes for n in found])
    elif kind is NodeKind.PIN:
        found = cast("list[Pin]", nodes)
        columns["title"] = _strings([n.title for n in found])
        columns["description"] = _strings([n.description for n in found])
        columns["created_at"] = pa.array([n.created_at for n in found], pa.int64())
        columns["attributes"] = _strings([n.attributes for n in found])
    elif kind is NodeKind.BOARD:
        found = cast("list[Board]", nodes)
        columns["owner"] = _strings([n.owner if n.owner in users else None for n in found])
        columns["title"] = _strings([n.title for n in found])
        columns["secret"] = pa.array([n.secret for n in found], pa.bool_())
    elif kind is NodeKind.INTEREST:
        found = cast("list[Interest]", nodes)
        columns["name"] = _strings([n.name for n in found])
        columns["parent"] = _strings([n.parent if n.parent in levels else None for n in found])
        columns["level"] = pa.array([levels[n.id] for n in found], pa.int32())
    else:
        columns["name"] = _strings([n.name for n in cast("list[Entity]", nodes)])
    return columns


def _write_events(store: SnapshotSource, folder: Path, rows: dict[NodeKind, _Rows], offset: int) -> None:
    """All links that come from events, and what was retracted."""
    parts: dict[tuple[EventKind, NodeKind], list[EventColumns]] = {}
    boards = rows[NodeKind.BOARD]
    for run in store.export_events(offset):
        user = rows[NodeKind.USER].of(run.user)
        target = rows[run.target_kind].of(run.target)
        on_board = run.board >= 0
        board = np.full(len(user), -1, np.int32)
        board[on_board] = boards.of(run.board[on_board])
        seen = (user >= 0) & (target >= 0) & ((board >= 0) | ~on_board)
        columns = EventColumns(user[seen], target[seen], board[seen], run.at[seen], run.weight[seen])
        parts.setdefault((run.kind, run.target_kind), []).append(columns)

    def of(kind: EventKind, target: NodeKind = NodeKind.PIN) -> EventColumns:
        found = parts.pop((kind, target), None)
        return _joined(found) if found else EventColumns.empty()

    saves = fold_saves(of(EventKind.SAVE), of(EventKind.UNSAVE), of(EventKind.HIDE))
    _write_latest(folder, rows, Link.SAVED, saves.saved, {"board": saves.saved.board})
    on_board = saves.saved.take(saves.saved.board >= 0)
    _write_link(folder, rows, Link.HOLDS, on_board.board, on_board.target, {"at": on_board.at, "by": on_board.user})
    _write_latest(folder, rows, Link.HID, saves.hidden, {})
    ended = saves.ended
    _write_table(
        folder / "retracted" / "saved.arrow",
        {
            "user": pa.array(ended.user),
            "pin": pa.array(ended.target),
            "board": pa.array(ended.board),
            "unsave_at": pa.array(ended.at),
            "save_at": pa.array(saves.ended_save_at, mask=~saves.ended_saved),
        },
    )
    for kind, link in ((EventKind.VIEW, Link.VIEWED), (EventKind.CLICK, Link.CLICKED)):
        pairs, weight = summed(of(kind))
        _write_latest(folder, rows, link, pairs, {"weight": weight})
    follows: list[tuple[NodeKind, RivalFold]] = []
    for target, link in FOLLOWS.items():
        fold = fold_rivals([of(EventKind.FOLLOW, target), of(EventKind.UNFOLLOW, target)], holding=1)
        _write_latest(folder, rows, link, fold.holding[0], {})
        follows.append((target, fold))
    _write_retracted_follows(folder, follows)
    interest = NodeKind.INTEREST
    tastes = fold_rivals([of(kind, interest) for kind in (EventKind.MUTE, EventKind.BOOST, EventKind.CLEAR)], holding=2)
    _write_latest(folder, rows, Link.MUTED, tastes.holding[0], {})
    _write_latest(folder, rows, Link.BOOSTED, tastes.holding[1], {})
    _write_table(
        folder / "retracted" / "tastes.arrow",
        {
            "user": pa.array(tastes.none.user),
            "interest": pa.array(tastes.none.target),
            **{
                f"{name}_at": pa.array(at, mask=~found)
                for name, found, at in zip(("mute", "boost", "clear"), tastes.none_found, tastes.none_at, strict=True)
            },
        },
    )


def _write_retracted_follows(folder: Path, folds: list[tuple[NodeKind, RivalFold]]) -> None:
    tables = [
        pa.table(
            {
                "user": pa.array(fold.none.user),
                "target_kind": _strings([kind.value] * len(fold.none.user)),
                "target": pa.array(fold.none.target),
                "follow_at": pa.array(fold.none_at[0], mask=~fold.none_found[0]),
                "unfollow_at": pa.array(fold.none_at[1], mask=~fold.none_found[1]),
            }
        )
        for kind, fold in folds
    ]
    table = pa.concat_tables(tables).combine_chunks()
    _write_table(
        folder / "retracted" / "follows.arrow",
        {name: table.column(name).combine_chunks() for name in table.column_names},
    )


def _joined(parts: list[EventColumns]) -> EventColumns:
    return EventColumns(
        np.concatenate([p.user for p in parts]),
        np.concatenate([p.target for p in parts]),
        np.concatenate([p.board for p in parts]),
        np.concatenate([p.at for p in parts]),
        np.concatenate([p.weight for p in parts]),
    )


def _write_latest(
    folder: Path, rows: dict[NodeKind, _Rows], link: Link, held: Latest, columns: dict[str, NDArray[Any]]
) -> None:
    _write_link(folder, rows, link, held.user, held.target, {"at": held.at, **columns})


def _write_owned(folder: Path, visible: dict[NodeKind, list[Node]], rows: dict[NodeKind, _Rows]) -> None:
    """OWNS and CHILD_OF, which the nodes carry."""
    user_row = {node.id: row for row, node in enumerate(visible[NodeKind.USER])}
    boards = cast("list[Board]", visible[NodeKind.BOARD])
    owned = [(user_row[board.owner], row) for row, board in enumerate(boards) if board.owner in user_row]
    _write_link(folder, rows, Link.OWNS, *_pairs(owned), {})
    interests = cast("list[Interest]", visible[NodeKind.INTEREST])
    interest_row = {node.id: row for row, node in enumerate(interests)}
    children = [
        (row, interest_row[i.parent])
        for row, i in enumerate(interests)
        if i.parent is not None and i.parent in interest_row
    ]
    _write_link(folder, rows, Link.CHILD_OF, *_pairs(children), {})


def _pairs(pairs: list[tuple[int, int]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    both = np.array(pairs, np.int32).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _write_plain_edges(store: SnapshotSource, folder: Path, rows: dict[NodeKind, _Rows]) -> None:
    for kind in (EdgeKind.ABOUT, EdgeKind.IS, EdgeKind.RELATES):
        link = Link(kind.value)
        runs = list(store.export_edges(kind))
        source = np.concatenate([rows[LINKS[link].source].of(run.source) for run in runs] or [np.empty(0, np.int32)])
        target = np.concatenate([rows[LINKS[link].target].of(run.target) for run in runs] or [np.empty(0, np.int32)])
        seen = (source >= 0) & (target >= 0)
        columns: dict[str, NDArray[Any]] = {}
        if kind is EdgeKind.ABOUT:
            score = np.concatenate([run.score for run in runs] or [np.empty(0, np.float32)])
            columns["score"] = score[seen]
        elif kind is EdgeKind.RELATES:
            names = np.array(list(chain.from_iterable(run.predicate for run in runs)), dtype=object)[seen]
            known = sorted(set(names.tolist()))
            code = {name: place for place, name in enumerate(known)}
            columns["predicate"] = np.array([code[name] for name in names], np.int32)
            _write_table(folder / "edges" / link / "predicates.arrow", {"predicate": _strings(known)})
        _write_link(folder, rows, link, source[seen], target[seen], columns)


def _write_link(
    folder: Path,
    rows: dict[NodeKind, _Rows],
    link: Link,
    source: NDArray[np.int32],
    target: NDArray[np.int32],
    columns: dict[str, NDArray[Any]],
) -> None:
    """The CSR arrays of one link, both ways: newest first within a node where there is a time."""
    if len(source) > ROWS_MAX:
        raise InvalidInputError(f"{len(source)} edges of {link}; a snapshot holds at most {ROWS_MAX}")
    kinds = LINKS[link]
    sources, targets = (int((rows[kind].rows >= 0).sum()) for kind in (kinds.source, kinds.target))
    age = ~columns["at"] if "at" in columns else np.zeros(len(source), np.int8)
    rest = columns.get("board", columns.get("predicate", np.zeros(len(source), np.int8)))
    order = np.lexsort((rest, target, age, source))
    source, target, age, rest = source[order], target[order], age[order], rest[order]
    back = np.lexsort((rest, source, age, target)).astype(np.int32)
    path = folder / "edges" / link
    path.mkdir(parents=True, exist_ok=True)
    np.save(path / "out.indptr.npy", _indptr(source, sources))
    np.save(path / "out.indices.npy", target.astype(np.int32))
    np.save(path / "in.indptr.npy", _indptr(target, targets))
    np.save(path / "in.indices.npy", source[back].astype(np.int32))
    np.save(path / "in.edge.npy", back)
    for name, dtype in kinds.columns.items():
        np.save(path / f"{name}.npy", columns[name][order].astype(dtype))


def _indptr(rows: NDArray[np.int32], nodes: int) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(rows, minlength=nodes), dtype=np.int64)])
