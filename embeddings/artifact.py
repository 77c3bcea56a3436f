"""The artifact of a training run, and how it is opened: `artifacts/MODEL/VERSION/` (format 1). No pickle anywhere.

    manifest.json          format, model, version, snapshot and its hash, library versions, seed, settings, metrics, sums
    vectors/KIND.npy       float32 (nodes, dim), memory-mapped
    vectors/KIND.ids.arrow the artifact's own ids, in the order of the vectors
    index/KIND.faiss       nearest-neighbour index of the kind, where there is one
    weights.safetensors    what training continues from
    evaluation.json        the report's numbers: {"protocol", "results": {METHOD: {METRIC: value}}, …}
    train.jsonl            one line an epoch
    report/                index.html and PNG plots

Reading only; `pipeline` seals what `embeddings.train` made. Imports neither torch nor dgl: serving opens artifacts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from graph.errors import CorruptFileError
from graph.model import NodeKind
from graph.sealed import check_files, read_manifest
from graph.snapshot import NodeTable, Snapshot, map_array

FORMAT = 1
MANIFEST = "manifest.json"
WHAT = "artifact"


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of one node kind, by the artifact's own rows."""

    ids: NodeTable
    matrix: NDArray[np.float32]
    """(nodes, dim) float32."""

    def rows_in(self, snapshot: Snapshot) -> NDArray[np.int32]:
        """(nodes of the snapshot,) int32: the artifact's row of each snapshot row, -1 for a node that came after training.

        Both id columns are sorted by bytes, so that this is one merge.
        """
        theirs = snapshot.nodes[self.ids.kind]
        rows = np.full(len(theirs), -1, np.int32)
        mine = self.ids.table.column("id")
        find = compute.index_in  # pyright: ignore[reportAttributeAccessIssue] made at run time by pyarrow
        place = find(theirs.table.column("id"), value_set=mine)
        found = place.combine_chunks() if isinstance(place, pa.ChunkedArray) else place
        # By DLPack, as `to_numpy` and `fill_null` import pandas where there is one: a third of a server's start.
        known = np.from_dlpack(compute.indices_nonzero(found.is_valid()))  # pyright: ignore[reportAttributeAccessIssue]
        rows[known.astype(np.int64)] = np.from_dlpack(found.drop_null())
        return rows


@dataclass(frozen=True, slots=True)
class Artifact:
    """An open artifact. Immutable, safe to share between threads."""

    path: Path
    model: str
    version: str
    snapshot_version: str
    snapshot_hash: str
    dim: int
    score_exponent: float
    """Scores are u·v·‖v‖^(exponent − 1): 1 is the dot product, 0 the cosine against items."""
    erasure_epoch: int
    manifest: Mapping[str, Any]
    vectors: Mapping[NodeKind, Vectors]

    @classmethod
    def open(cls, path: Path, *, verify: bool = True) -> Artifact:
        """Maps an artifact. `verify` reads every byte and compares checksums; else only sizes are compared.

        Raises CorruptFileError when anything is missing, truncated, changed or of another format.
        """
        manifest = read_manifest(path, MANIFEST, WHAT, FORMAT)
        check_files(path, manifest["files"], WHAT, contents=verify)
        try:
            vectors = {NodeKind(kind): _vectors(path, NodeKind(kind)) for kind in manifest["kinds"]}
            return cls(
                path=path,
                model=manifest["model"],
                version=manifest["version"],
                snapshot_version=manifest["snapshot"]["version"],
                snapshot_hash=manifest["snapshot"]["content_hash"],
                dim=manifest["dim"],
                score_exponent=manifest["score_exponent"],
                erasure_epoch=manifest["erasure_epoch"],
                manifest=manifest,
                vectors=vectors,
            )
        except (KeyError, TypeError, ValueError, OSError, pa.ArrowException) as error:
            raise CorruptFileError(f"{WHAT} {path} can't be opened ({error}); train again") from error


def score_scale(matrix: NDArray[np.float32], score_exponent: float) -> NDArray[np.float32]:
    """(n,) float32, ‖v‖^(exponent − 1): what item vectors are multiplied with so that an inner product is the score."""
    norms = np.linalg.norm(matrix, axis=1)
    return np.power(norms, score_exponent - 1, out=np.zeros_like(norms), where=norms > 0)


def _vectors(path: Path, kind: NodeKind) -> Vectors:
    table = pa.ipc.open_file(pa.memory_map(str(path / "vectors" / f"{kind}.ids.arrow"))).read_all()
    matrix = map_array(path / "vectors" / f"{kind}.npy")
    if matrix.ndim != 2 or matrix.dtype != np.float32 or len(matrix) != table.num_rows:
        raise ValueError(f"vectors of {kind} are {matrix.dtype} {matrix.shape}, with {table.num_rows} ids")
    return Vectors(NodeTable(kind, table), matrix)
