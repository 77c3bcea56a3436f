"""One release, opened: everything that an answer is made from, memory-mapped and immutable.

A server holds one of these, opens the next beside it, and swaps. Never imports torch or dgl.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from embeddings.artifact import Artifact, score_scale
from embeddings.release import Release, current
from graph.console import say
from graph.model import NodeKind
from graph.settings import Home
from graph.snapshot import Snapshot
from graph.visibility import Secrets, Viewer, Visibility
from recommend.derived import Derived
from recommend.public import Popularity, PublicGraph
from recommend.textindex import TextIndex

POPULAR_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class KindVectors:
    """Vectors of one kind, and the maps between their rows and the snapshot's.

    Scores are u·v·‖v‖^(exponent − 1): `scale` is that power of the norms, kept apart so that the matrix stays mapped.
    """

    matrix: NDArray[np.float32]
    """(artifact rows, dim) float32."""
    scale: NDArray[np.float32]
    """(artifact rows,) float32."""
    unit: NDArray[np.float32]
    """(artifact rows,) float32: 1 / ‖v‖, the scale of a cosine."""
    rows: NDArray[np.int32]
    """(snapshot rows,): the artifact's row; -1 for a node that came after training."""
    snapshot_rows: NDArray[np.int32]
    """(artifact rows,): the snapshot's row; -1 for a node that is gone."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served. Safe to share between threads."""

    release: Release | None
    snapshot: Snapshot
    artifact: Artifact | None
    secrets: Secrets
    public: PublicGraph
    popularity: Popularity
    popular: Mapping[NodeKind, NDArray[np.int32]]
    """By kind, rows of the most popular nodes that everyone sees, most first, ties by row: POPULAR_MAX at most."""
    interest_share: NDArray[np.float64]
    """(interests,): each one's part of all public saves."""
    texts: TextIndex
    vectors: Mapping[NodeKind, KindVectors]
    """Empty without an artifact: answers then come from the graph alone."""

    @classmethod
    def open(cls, home: Home, *, verify: bool = True) -> Serving:
        """Opens what `releases/CURRENT` names.

        Raises NotFoundError when nothing is published, CorruptFileError when a part of it is not what was written.
        """
        release = current(home)
        snapshot = Snapshot.open(home.snapshots / release.snapshot, verify=verify)
        artifact = None
        for model, version in sorted(release.artifacts.items()):
            artifact = Artifact.open(home.artifacts / model / version, verify=verify)
            break
        secrets = Secrets.of(snapshot)
        try:
            derived = Derived.open(home, snapshot, secrets, verify=verify)
        except PermissionError as error:
            say(f"indexes can't be written to {home.indexes} ({error.strerror}); they are kept in memory")
            derived = Derived.of(snapshot, secrets)
        return cls._made(snapshot, artifact, release, secrets, derived)

    @classmethod
    def of(cls, snapshot: Snapshot, artifact: Artifact | None = None, *, release: Release | None = None) -> Serving:
        """Serves an open snapshot, with vectors or without; what is derived from it is made in memory."""
        secrets = Secrets.of(snapshot)
        return cls._made(snapshot, artifact, release, secrets, Derived.of(snapshot, secrets))

    @classmethod
    def _made(
        cls, snapshot: Snapshot, artifact: Artifact | None, release: Release | None, secrets: Secrets, derived: Derived
    ) -> Serving:
        vectors = {} if artifact is None else {kind: _kind(snapshot, artifact, kind) for kind in artifact.vectors}
        return cls(
            release=release,
            snapshot=snapshot,
            artifact=artifact,
            secrets=secrets,
            public=derived.public,
            popularity=derived.popularity,
            popular={kind: _most(counts, kind, secrets) for kind, counts in derived.popularity.items()},
            interest_share=derived.interest_share,
            texts=derived.texts,
            vectors=vectors,
        )

    def visible(self, viewer: Viewer) -> Visibility:
        """What a viewer may see of the snapshot."""
        return Visibility(self.snapshot, self.secrets, viewer)


def _most(counts: NDArray[np.float32], kind: NodeKind, secrets: Secrets) -> NDArray[np.int32]:
    rows = np.flatnonzero(~secrets.secret) if kind is NodeKind.BOARD else np.arange(len(counts))
    if len(rows) > POPULAR_MAX:
        least = np.partition(counts[rows], len(rows) - POPULAR_MAX)[len(rows) - POPULAR_MAX]
        rows = rows[counts[rows] >= least]
    return rows[np.lexsort((rows, -counts[rows]))][:POPULAR_MAX].astype(np.int32)


def _kind(snapshot: Snapshot, artifact: Artifact, kind: NodeKind) -> KindVectors:
    vectors = artifact.vectors[kind]
    rows = vectors.rows_in(snapshot)
    back = np.full(len(vectors.matrix), -1, np.int32)
    known = np.flatnonzero(rows >= 0)
    back[rows[known]] = known
    scale = score_scale(vectors.matrix, artifact.score_exponent)
    return KindVectors(vectors.matrix, scale, score_scale(vectors.matrix, 0.0), rows, back)
