"""Opening a release: what is missing, broken, made meanwhile by another process, or cannot be written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embeddings.artifact import Artifact
from graph.errors import CorruptFileError, NotFoundError
from graph.model import NodeKind
from graph.settings import Home
from graph.visibility import STRANGER
from recommend.derived import MANIFEST
from recommend.related import RELATED, related
from recommend.search import search
from recommend.serving import Serving
from tests.crowds import Crowd, artifact_of, published_home

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home in which a snapshot and an artifact are published. Its snapshot has secrets, so that much must be derived."""
    return published_home(tmp_path)


def answers(serving: Serving) -> list[object]:
    pins = [related(serving, NodeKind.PIN, row, to, first=9, viewer=STRANGER) for row in range(9) for to in RELATED]
    return [*pins, search(serving, "board", kinds=None, first=9, viewer=STRANGER)]


def test_a_release_is_opened_and_what_is_derived_is_kept(home: Home) -> None:
    first = Serving.open(home)
    index = home.indexes / first.snapshot.version / MANIFEST
    made = index.stat().st_mtime_ns
    second = Serving.open(home)
    assert index.stat().st_mtime_ns == made
    assert first.release is not None
    assert first.release.name == "20240601T000000Z-000000"
    assert answers(first) == answers(second)
    in_memory = Serving.of(first.snapshot, first.artifact, release=first.release)
    assert answers(in_memory) == answers(first)


@pytest.mark.parametrize(
    "name", ["index.json", "graph/facts.out.indices.npy", "counts/Pin.npy", "text/public/meta.json"]
)
@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
def test_a_damaged_index_is_made_again(home: Home, name: str, damage: str) -> None:
    before = answers(Serving.open(home))
    (folder,) = (path for path in home.indexes.iterdir() if path.is_dir())
    path = folder / name
    data = path.read_bytes()
    match damage:
        case "gone":
            path.unlink()
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case _:
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert answers(Serving.open(home)) == before
    assert answers(Serving.open(home, verify=False)) == before


def test_two_processes_open_a_new_release_at_once(home: Home) -> None:
    code = (
        "import sys, pathlib; from graph.settings import Home; from recommend.serving import Serving;"
        "print(len(Serving.open(Home(pathlib.Path(sys.argv[1]))).popular))"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(home.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [run.communicate(timeout=120)[0].strip() for run in runs] == [str(len(NodeKind))] * 2
    assert [path.name for path in home.indexes.iterdir() if path.is_dir()] == [Serving.open(home).snapshot.version]


def test_indexes_that_cannot_be_written_are_kept_in_memory(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A read-only volume; as root file modes would not stop us, so the refusal is injected where the folder is made."""
    expected = answers(Serving.open(home))
    shutil.rmtree(home.indexes)
    make = Path.mkdir

    def refuse(path: Path, *args: int, **options: bool) -> None:
        if path.is_relative_to(home.indexes):
            raise PermissionError(13, "Permission denied", str(path))
        make(path, *args, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert answers(Serving.open(home)) == expected
    assert "indexes can't be written" in capsys.readouterr().err
    assert not home.indexes.exists()


def test_nothing_published_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="run `tastegraph train`, or `tastegraph demo`"):
        Serving.open(Home(tmp_path))


@pytest.mark.parametrize("part", ["snapshots", "artifacts"])
def test_a_truncated_part_is_refused(home: Home, part: str) -> None:
    path = max((home.path / part).rglob("*.npy"), key=lambda path: path.stat().st_size)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CorruptFileError, match="bytes"):
        Serving.open(home)


def test_a_snapshot_is_served_without_an_artifact(home: Home) -> None:
    serving = Serving.open(home)
    alone = Serving.of(serving.snapshot)
    assert alone.vectors == {}
    sources = {related(alone, NodeKind.PIN, row, NodeKind.PIN, first=5, viewer=STRANGER).source for row in range(10)}
    assert sources <= {"WALK", "POPULAR"}


def test_an_artifact_of_other_nodes_is_mapped_by_id(home: Home, tmp_path: Path) -> None:
    serving = Serving.open(home)
    other = artifact_of(Crowd.of(9, size=14).snapshot(tmp_path), tmp_path, seed=3)
    assert isinstance(other, Artifact)
    mixed = Serving.of(serving.snapshot, other)
    for row in range(10):
        for item in related(mixed, NodeKind.PIN, row, NodeKind.PIN, first=50, viewer=STRANGER).items:
            assert 0 <= item.row < 10
