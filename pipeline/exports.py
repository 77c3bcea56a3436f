"""Exports of a release for other teams: vectors and profiles as Parquet, with the lineage of what they were made from.

A folder is written whole or not at all, and never over what is there. Files hold data of users, so that only their owner may
read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from embeddings.artifact import Artifact
from graph.errors import ConflictError, NotFoundError, TransientError
from graph.model import NodeKind
from graph.sealed import building, folder_sums, seal
from graph.settings import GraphSettings
from graph.visibility import ADMIN
from recommend.profile import interests_of
from recommend.serving import Serving

SCHEMA_VERSION: Final = 1
"""Of the tables below; a column is added within a version, and changed or removed only in the next."""
LINEAGE: Final = "lineage.json"
ROWS_A_GROUP: Final = 10_000
INTERESTS_MAX: Final = 20
"""Interests of a profile at most, the strongest."""
PROFILES: Final = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("interest_id", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("evidence", pa.list_(pa.string()), nullable=False),
    ]
)
"""A row a user and interest, strongest first; scores of a user sum to at most 1; evidence: ids of saved pins."""


@dataclass(frozen=True, slots=True)
class Table:
    """One file to write: `NAME.parquet`, its schema, and its rows in batches."""

    name: str
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


def run_export_embeddings(settings: GraphSettings, out: Path) -> dict[str, Any]:
    """Writes the vectors of every kind: id, vector (dim float32). Scores are u·v·‖v‖^(score_exponent − 1), see the lineage.

    Raises NotFoundError when nothing, or nothing with vectors, is published; ConflictError when `out` is there.
    """
    serving = Serving.open(settings.home_dir())
    artifact = serving.artifact
    if artifact is None:
        raise NotFoundError("the current release has no vectors; run `tastegraph train`")
    return _write(out, "embeddings", serving, [_vectors(artifact, kind) for kind in artifact.vectors])


def run_export_profiles(settings: GraphSettings, out: Path) -> dict[str, Any]:
    """Writes what every user cares for, as `User.interests` answers it.

    Raises NotFoundError when nothing is published, ConflictError when `out` is there.
    """
    serving = Serving.open(settings.home_dir())
    return _write(out, "profiles", serving, [Table("profiles", PROFILES, _profiles(serving))])


def _write(out: Path, what: str, serving: Serving, tables: list[Table]) -> dict[str, Any]:
    if out.exists():
        raise ConflictError(f"{out} is there already; give another --out, or remove it")
    try:
        with building(out.parent) as folder:
            rows = {table.name: _parquet(folder, table) for table in tables}
            lineage = _lineage(what, serving)
            seal(folder, out, LINEAGE, {**lineage, "rows": rows, "files": folder_sums(folder)})
    except OSError as error:
        raise TransientError(f"{out} can't be written ({error}); check permissions and free space") from error
    return {"out": str(out), "rows": rows, **{name: lineage[name] for name in ("release", "snapshot", "artifact")}}


def _parquet(folder: Path, table: Table) -> int:
    path = folder / f"{table.name}.parquet"
    rows = 0
    with parquet.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for batch in table.batches:
            writer.write_batch(batch, row_group_size=ROWS_A_GROUP)
            rows += batch.num_rows
    path.chmod(0o600)
    return rows


def _lineage(what: str, serving: Serving) -> Mapping[str, Any]:
    """Where the tables come from: release, snapshot with its content, artifact with its settings."""
    artifact, release = serving.artifact, serving.release
    return {
        "format": SCHEMA_VERSION,
        "tables": what,
        "release": None if release is None else release.name,
        "published_at": None if release is None else release.published_at,
        "snapshot": serving.snapshot.version,
        "content_hash": serving.snapshot.content_hash,
        "log_offset": serving.snapshot.log_offset,
        "artifact": None if artifact is None else f"{artifact.model}/{artifact.version}",
        "trained_on": None if artifact is None else artifact.snapshot_version,
        "score_exponent": None if artifact is None else artifact.score_exponent,
        "model_settings": None if artifact is None else artifact.manifest.get("settings"),
    }


def _vectors(artifact: Artifact, kind: NodeKind) -> Table:
    vectors = artifact.vectors[kind]
    schema = pa.schema(
        [pa.field("id", pa.string(), nullable=False), pa.field("vector", pa.list_(pa.float32(), artifact.dim))]
    )

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(vectors.ids), ROWS_A_GROUP):
            stop = min(start + ROWS_A_GROUP, len(vectors.ids))
            ids = [vectors.ids.id_of(row) for row in range(start, stop)]
            values = pa.array(np.ascontiguousarray(vectors.matrix[start:stop]).reshape(-1))
            columns = [pa.array(ids, pa.string()), pa.FixedSizeListArray.from_arrays(values, artifact.dim)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return Table(kind.value.lower(), schema, batches())


def _profiles(serving: Serving) -> Iterator[pa.RecordBatch]:
    users, pins = serving.snapshot.nodes[NodeKind.USER], serving.snapshot.nodes[NodeKind.PIN]
    interests = serving.snapshot.nodes[NodeKind.INTEREST]
    rows: list[Mapping[str, Any]] = []
    for user in range(len(users)):
        found = interests_of(serving, user, first=INTERESTS_MAX, viewer=ADMIN)
        rows += [
            {
                "user_id": users.id_of(user),
                "rank": rank,
                "interest_id": interests.id_of(interest.row),
                "name": interests.value("name", interest.row),
                "score": interest.score,
                "evidence": [pins.id_of(pin) for pin in interest.evidence],
            }
            for rank, interest in enumerate(found, start=1)
        ]
        if len(rows) >= ROWS_A_GROUP or user == len(users) - 1:
            yield pa.RecordBatch.from_pylist(rows, schema=PROFILES)
            rows = []
