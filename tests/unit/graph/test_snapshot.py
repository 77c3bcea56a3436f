"""Opening a snapshot: right when it is whole, one clear refusal when any file of it is not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import CorruptFileError, NotFoundError, TransientError
from graph.export import export_snapshot, latest_snapshot
from graph.model import Board, Entity, Id, Interest, NodeKind, Pin, User
from graph.schema import LINKS, Link
from graph.snapshot import MANIFEST, NodeTable, Snapshot
from tests import graphs


def _layout() -> list[str]:
    """Every file of a snapshot, as its format says."""
    files = [MANIFEST, *(f"nodes/{kind}.arrow" for kind in NodeKind), "edges/RELATES/predicates.arrow"]
    files += [f"retracted/{name}.arrow" for name in ("saved", "follows", "tastes")]
    arrays = ("out.indptr", "out.indices", "in.indptr", "in.indices", "in.edge")
    for link, kinds in LINKS.items():
        files += [f"edges/{link}/{name}.npy" for name in (*arrays, *kinds.columns)]
    return files


FILES = _layout()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return graphs.tiny_snapshot(tmp_path_factory.mktemp("original")).path


@pytest.fixture(scope="module")
def damaged(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that tests damage and mend again, one file at a time."""
    return Path(shutil.copytree(original, tmp_path_factory.mktemp("damaged") / original.name))


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / original.name))


def test_holds_just_the_files_of_its_format(original: Path) -> None:
    assert sorted(p.relative_to(original).as_posix() for p in original.rglob("*") if p.is_file()) == sorted(FILES)


def test_says_what_the_store_held(original: Path) -> None:
    snapshot = Snapshot.open(original)
    assert snapshot.path == original
    assert snapshot.version == original.name
    assert snapshot.version.endswith(snapshot.content_hash[:12])
    assert (snapshot.log_offset, snapshot.erasure_epoch) == (-1, 0)
    assert snapshot.created_at == 1717200000000
    counts = snapshot.counts()
    assert {kind: counts[kind] for kind in NodeKind} == {"User": 4, "Pin": 7, "Board": 5, "Interest": 5, "Entity": 5}
    assert counts[Link.SAVED] == 10
    assert snapshot.predicates == ("grows_near", "kind_of")


def test_nodes_are_read_whole(original: Path) -> None:
    nodes = Snapshot.open(original).nodes
    users, pins, boards = nodes[NodeKind.USER], nodes[NodeKind.PIN], nodes[NodeKind.BOARD]
    assert users.node(0) == User(Id("ada"), graphs.day(-30), '{"country":"TR"}')
    row = pins.row_of("rose")
    assert row is not None
    rose = Pin(Id("rose"), "Climbing rose", "Roses at a south wall", graphs.day(-38), '{"colour":"red"}')
    assert pins.node(row) == rose
    assert pins.row_of("spam") is None
    assert boards.node(1) == Board(Id("ada-wedding"), Id("ada"), "Wedding", secret=True)
    row = boards.row_of("eve-junk")
    assert row is not None
    assert boards.node(row) == Board(Id("eve-junk"), Id(""), "Junk")
    interests = nodes[NodeKind.INTEREST]
    assert interests.node(0) == Interest(Id("baking"), "Baking", Id("food"))
    assert [interests.value("level", place) for place in range(5)] == [1, 0, 1, 0, 0]
    assert nodes[NodeKind.ENTITY].node(4) == Entity(Id("unnamed"))


def test_arrays_are_read_only(original: Path) -> None:
    table = Snapshot.open(original).links[Link.SAVED]
    with pytest.raises(ValueError, match="read-only"):
        table.out.indices[0] = 1


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x01
    path.write_bytes(data)


def _longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def _zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: list[Callable[[Path], None]] = [_truncate, _half, _empty, _flip, _longer, _zero, _folder, Path.unlink]


@pytest.mark.parametrize("file", FILES)
def test_any_damage_to_any_file_is_told_in_one_line(damaged: Path, file: str) -> None:
    whole = (damaged / file).read_bytes()
    for damage in DAMAGE:
        damage(damaged / file)
        with pytest.raises(CorruptFileError) as raised:
            Snapshot.open(damaged)
        assert "\n" not in str(raised.value), damage
        assert str(raised.value).endswith("make it again"), damage
        if damage in (_truncate, Path.unlink) and file != MANIFEST:
            with pytest.raises(CorruptFileError):
                Snapshot.open(damaged, verify=False)
        if (damaged / file).is_dir():
            (damaged / file).rmdir()
        (damaged / file).write_bytes(whole)


@pytest.mark.parametrize("file", ["nodes/User.arrow", "edges/SAVED/out.indptr.npy"])
def test_without_reading_contents_a_broken_header_is_still_found(copy: Path, file: str) -> None:
    _zero(copy / file)
    with pytest.raises(CorruptFileError):
        Snapshot.open(copy, verify=False)


@pytest.mark.parametrize("format", [0, 2, "1", None])
def test_another_format_is_refused(copy: Path, format: object) -> None:
    manifest = orjson.loads((copy / MANIFEST).read_bytes())
    (copy / MANIFEST).write_bytes(orjson.dumps({**manifest, "format": format}))
    with pytest.raises(CorruptFileError, match="format"):
        Snapshot.open(copy)


def test_a_damaged_snapshot_does_not_stop_the_next(tmp_path: Path) -> None:
    store = graphs.tiny_store(tmp_path / "store.db")
    snapshots = tmp_path / "snapshots"
    first = export_snapshot(store, snapshots, datetime(2024, 1, 1, tzinfo=UTC))
    _flip(first / "edges/SAVED/at.npy")
    second = export_snapshot(store, snapshots, datetime(2024, 1, 2, tzinfo=UTC))
    store.close()
    assert second != first
    assert Snapshot.open(latest_snapshot(snapshots)).path == second


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    store = graphs.tiny_store(tmp_path / "store.db")
    store.close()
    snapshots = tmp_path / "snapshots"
    kept = export_snapshot(store, snapshots, datetime(2024, 1, 1, tzinfo=UTC))
    store.ensure_nodes(NodeKind.PIN, [Id(f"{number:060}") for number in range(1_000)])
    store.close()
    code = """
        import resource, sys
        from pathlib import Path
        from graph.errors import TastegraphError
        from graph.export import export_snapshot
        from graph.stores.sqlite.store import SqliteStore
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        try:
            export_snapshot(SqliteStore(Path(sys.argv[1])), Path(sys.argv[2]))
        except TastegraphError as error:
            print(type(error).__name__, error.exit_code, error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "store.db"), str(snapshots)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.stdout.startswith("TransientError 4"), said
    assert said.stdout.count("\n") == 1
    assert list(snapshots.iterdir()) == [kept]
    assert Snapshot.open(latest_snapshot(snapshots)).path == kept


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    store = graphs.tiny_store(tmp_path / "store.db")
    (tmp_path / "snapshots").touch()
    with pytest.raises(TransientError, match="snapshots"):
        export_snapshot(store, tmp_path / "snapshots")
    store.close()


def test_no_snapshot_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="tastegraph snapshot"):
        latest_snapshot(tmp_path)
    (tmp_path / "20240101T000000Z-0123456789ab").mkdir()
    with pytest.raises(NotFoundError):
        latest_snapshot(tmp_path / "nowhere")


def table_of(ids: set[str], chunks: int = 1) -> NodeTable:
    column = pa.array(sorted(ids, key=str.encode), pa.large_string())
    size = max(1, -(-len(column) // chunks))
    parts = [column[start : start + size] for start in range(0, len(column), size)] or [column]
    return NodeTable(NodeKind.ENTITY, pa.table({"id": pa.chunked_array(parts)}))


texts = st.text(max_size=6) | st.sampled_from(["", "a", "aa", "ab", "\uffff", "😀", "é", "e\u0301"])


@settings(max_examples=200, deadline=None)
@given(st.sets(texts.filter(lambda text: text.isprintable()), max_size=30), texts, st.integers(1, 4))
def test_rows_and_ids_lead_to_each_other(ids: set[str], other: str, chunks: int) -> None:
    ids = {id_ for id_ in ids if id_.encode(errors="replace").decode() == id_}
    table = table_of(ids, chunks)
    assert len(table) == len(ids)
    assert [table.id_of(row) for row in range(len(table))] == sorted(ids, key=str.encode)
    for row in range(len(table)):
        assert table.row_of(table.id_of(row)) == row
    assert (table.row_of(other) is None) == (other not in ids)
    for row in (-1, len(table)):
        with pytest.raises(IndexError):
            table.id_of(row)


def test_an_id_that_is_no_utf8_is_nobody() -> None:
    assert table_of({"a", "b"}).row_of("\ud800") is None


def test_degrees_and_neighbours_agree(original: Path) -> None:
    saved = Snapshot.open(original).links[Link.SAVED]
    for csr in (saved.out, saved.into):
        rows = range(len(csr.indptr) - 1)
        assert csr.degrees().tolist() == [csr.degree(row) for row in rows] == [len(csr.neighbours(row)) for row in rows]
    assert np.bincount(saved.sources(), minlength=len(saved.out.indptr) - 1).tolist() == saved.out.degrees().tolist()
