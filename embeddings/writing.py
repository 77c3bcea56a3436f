"""Writes the artifact of a training run, into a folder that is still being built; `embeddings.artifact` says what is in it.

The counterpart of `artifact`, apart so that serving never loads what only writing needs. Sealing is the caller's.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray
from safetensors.numpy import save_file

from embeddings.artifact import FORMAT, score_scale
from embeddings.index import HnswIndex, recall_against_exact
from graph.model import NodeKind
from graph.sealed import FileSum
from graph.snapshot import Snapshot

LIBRARIES: Final = ("dgl", "torch", "numpy", "scipy", "implicit", "scikit-learn", "faiss-cpu", "safetensors", "pyarrow")
INDEXED: Final = (NodeKind.USER, NodeKind.PIN, NodeKind.BOARD, NodeKind.INTEREST)
"""Kinds that somebody asks neighbours of."""
INDEX_QUERIES: Final = 200


@dataclass(frozen=True, slots=True)
class Made:
    """What training made, as this module needs it: arrays and plain values, nothing of torch."""

    vectors: Mapping[NodeKind, NDArray[np.float32]]
    """By snapshot row."""
    known: Mapping[NodeKind, NDArray[np.bool_]]
    """Which rows have a vector at all; the others are left out, as if they came after training."""
    weights: Mapping[str, NDArray[np.float32]]
    history: Sequence[Mapping[str, Any]]
    evaluation: Mapping[str, Any]
    score_exponent: float


def write_contents(folder: Path, snapshot: Snapshot, made: Made) -> dict[str, Any]:
    """Writes everything but the report and the manifest; returns the indexes' recall@10 against exact search, by kind."""
    (folder / "vectors").mkdir()
    (folder / "index").mkdir()
    recalls: dict[str, Any] = {}
    for kind in kinds(made):
        matrix = np.ascontiguousarray(made.vectors[kind][made.known[kind]], np.float32)
        np.save(folder / "vectors" / f"{kind}.npy", matrix)
        ids = snapshot.nodes[kind].table.column("id").filter(pa.array(made.known[kind])).combine_chunks()
        _write_ids(folder / "vectors" / f"{kind}.ids.arrow", ids)
        if kind in INDEXED:
            recalls[kind.value] = _write_index(folder / "index" / f"{kind}.faiss", matrix, made.score_exponent)
    save_file(
        {name: np.ascontiguousarray(value) for name, value in made.weights.items()}, folder / "weights.safetensors"
    )
    (folder / "train.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in made.history))
    (folder / "evaluation.json").write_bytes(
        orjson.dumps(made.evaluation, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n"
    )
    return recalls


def kinds(made: Made) -> list[NodeKind]:
    """Kinds of which at least one node has a vector."""
    return [kind for kind in NodeKind if kind in made.vectors and made.known[kind].any()]


def _write_ids(path: Path, ids: pa.Array | pa.ChunkedArray) -> None:
    column = ids.chunk(0) if isinstance(ids, pa.ChunkedArray) else ids
    table = pa.table({"id": column.cast(pa.large_string())})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _write_index(path: Path, matrix: NDArray[np.float32], score_exponent: float) -> float:
    items = matrix * score_scale(matrix, score_exponent)[:, None]
    index = HnswIndex.build(items)
    index.write(path)
    asked = np.random.default_rng(0).permutation(len(matrix))[:INDEX_QUERIES]
    return recall_against_exact(index, items, matrix[asked])


def manifest(
    *,
    model: str,
    name: str,
    snapshot: Snapshot,
    made: Made,
    dim: int,
    settings: Mapping[str, Any],
    threads: int,
    files: Mapping[str, FileSum],
    measured: Mapping[str, Any],
) -> dict[str, Any]:
    """What is sealed as `manifest.json`."""
    return {
        "format": FORMAT,
        "model": model,
        "version": name,
        "snapshot": {"version": snapshot.version, "content_hash": snapshot.content_hash},
        "dim": dim,
        "score_exponent": made.score_exponent,
        "kinds": [kind.value for kind in kinds(made)],
        "erasure_epoch": snapshot.erasure_epoch,
        "versions": {
            "python": platform.python_version(),
            "tastegraph": version("tastegraph"),
            **{library: version(library) for library in LIBRARIES},
        },
        "seed": settings["seed"],
        "threads": threads,
        "settings": dict(settings),
        **measured,
        "files": files,
    }
