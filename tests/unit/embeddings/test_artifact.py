from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from embeddings.artifact import MANIFEST, Artifact, score_scale
from embeddings.index import HnswIndex
from embeddings.writing import Made, manifest, write_contents
from graph.errors import CorruptFileError
from graph.model import NodeKind
from graph.sealed import building, folder_sums, seal
from graph.snapshot import Snapshot
from tests.graphs import tiny_snapshot

DIM = 8


@dataclass(frozen=True, slots=True)
class Sealed:
    path: Path
    snapshot: Snapshot
    made: Made


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """An artifact of random vectors for the tiny graph; the last pin and all entities but one are unknown to it."""
    root = tmp_path_factory.mktemp("artifact")
    snapshot = tiny_snapshot(root)
    rng = np.random.default_rng(1)
    vectors = {
        kind: rng.standard_normal((len(table), DIM)).astype(np.float32) for kind, table in snapshot.nodes.items()
    }
    known = {kind: np.ones(len(table), np.bool_) for kind, table in snapshot.nodes.items()}
    known[NodeKind.PIN][-1] = False
    known[NodeKind.ENTITY][1:] = False
    made = Made(
        vectors,
        known,
        weights={"base.User": vectors[NodeKind.USER]},
        history=[{"phase": "publish", "epoch": 1, "loss": 2.5}],
        evaluation={"protocol": "full", "results": {"model": {"recall@20": np.float64(0.5)}}},
        score_exponent=0.35,
    )
    with building(root / "lightgcn") as folder:
        recalls = write_contents(folder, snapshot, made)
        described = manifest(
            model="lightgcn",
            name="v1",
            snapshot=snapshot,
            made=made,
            dim=DIM,
            settings={"seed": 7},
            threads=1,
            files=folder_sums(folder),
            measured={"index_recall_at_10": recalls},
        )
        seal(folder, root / "lightgcn" / "v1", MANIFEST, described)
    return Sealed(root / "lightgcn" / "v1", snapshot, made)


@pytest.fixture
def copy(sealed: Sealed, tmp_path: Path) -> Path:
    return shutil.copytree(sealed.path, tmp_path / "v1")


def test_what_was_written_is_read_back(sealed: Sealed) -> None:
    artifact = Artifact.open(sealed.path)
    assert (artifact.model, artifact.version, artifact.dim, artifact.score_exponent) == ("lightgcn", "v1", DIM, 0.35)
    assert artifact.snapshot_hash == sealed.snapshot.content_hash
    assert set(artifact.vectors) == set(NodeKind)
    assert {"dgl", "torch", "numpy"} <= set(artifact.manifest["versions"])
    for kind, vectors in artifact.vectors.items():
        rows = vectors.rows_in(sealed.snapshot)
        for row, theirs in enumerate(rows):
            if sealed.made.known[kind][row]:
                np.testing.assert_array_equal(vectors.matrix[theirs], sealed.made.vectors[kind][row])
                assert vectors.ids.id_of(int(theirs)) == sealed.snapshot.nodes[kind].id_of(row)
            else:
                assert theirs == -1, "a node without a vector is as one that came after training"


def test_the_index_ranks_by_the_score_of_the_manifest(sealed: Sealed) -> None:
    artifact = Artifact.open(sealed.path)
    pins = artifact.vectors[NodeKind.PIN].matrix
    index = HnswIndex.read(sealed.path / "index" / "Pin.faiss")
    query = artifact.vectors[NodeKind.USER].matrix[:1]
    _, rows = index.search(query, len(pins))
    norms = np.linalg.norm(pins, axis=1)
    expected = np.argsort(-(pins @ query[0]) * norms ** (artifact.score_exponent - 1))
    assert rows[0].tolist() == expected.tolist()
    assert artifact.manifest["index_recall_at_10"]["Pin"] == 1.0


def test_a_zero_vector_has_no_scale() -> None:
    assert score_scale(np.zeros((1, 3), np.float32), 0.2).tolist() == [0]


@pytest.mark.parametrize(
    "name", ["vectors/Pin.npy", "vectors/User.ids.arrow", "index/Pin.faiss", "weights.safetensors", "evaluation.json"]
)
def test_a_changed_byte_is_found(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[-2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(CorruptFileError, match="checksum") as caught:
        Artifact.open(copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("verify", [True, False])
def test_a_truncated_file_is_found_also_without_reading_everything(copy: Path, verify: bool) -> None:
    path = copy / "vectors" / "Pin.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptFileError, match="bytes"):
        Artifact.open(copy, verify=verify)


def test_a_missing_file_is_found(copy: Path) -> None:
    (copy / "vectors" / "Board.npy").unlink()
    with pytest.raises(CorruptFileError, match=r"lacks vectors/Board\.npy"):
        Artifact.open(copy)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"format": 99, "files": {}}'])
def test_a_broken_manifest_is_refused(copy: Path, text: bytes) -> None:
    (copy / MANIFEST).write_bytes(text)
    with pytest.raises(CorruptFileError):
        Artifact.open(copy)
