"""What is being served: versions, counts, and whether anything is worse than it should be."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import strawberry

from gql.objects.kinds import AnswerSource, Kind
from gql.release import Served
from graph.model import NodeKind, TimeMs
from graph.visibility import Visibility


@strawberry.type(description="What an answer was made from. All of an answer is made from one release.")
class Versions:
    """The versions behind one answer."""

    release: str | None = strawberry.field(
        description="Name of the release, `YYYYMMDDThhmmssZ-` and 6 hex digits; null where a snapshot is served without one."
    )
    snapshot: str = strawberry.field(
        description="Version of the snapshot, `YYYYMMDDThhmmssZ-` and the first 12 hex digits of its content hash."
    )
    model: str | None = strawberry.field(
        description="`MODEL/VERSION` of the learnt vectors; null where there are none."
    )

    @classmethod
    def of(cls, served: Served) -> Versions:
        """The versions of a release."""
        serving = served.serving
        artifact = serving.artifact
        return cls(
            release=None if serving.release is None else serving.release.name,
            snapshot=serving.snapshot.version,
            model=None if artifact is None else f"{artifact.model}/{artifact.version}",
        )


@strawberry.type(description="How many nodes of a kind there are.")
class NodeCount:
    """One line of the counts."""

    kind: Kind = strawberry.field(description="The kind.")
    count: int = strawberry.field(description="Nodes of that kind in the snapshot that the viewer may see.")


@strawberry.type(description="Learnt vectors that are being served.")
class Model:
    """The artifact."""

    name: str = strawberry.field(description="What was trained.")
    version: str = strawberry.field(description="Which training run of it.")
    dim: int = strawberry.field(description="Numbers in a vector.")
    kinds: list[Kind] = strawberry.field(description="Kinds of nodes that have vectors.")
    snapshot: str = strawberry.field(description="Version of the snapshot that it was trained on.")


@strawberry.type(description="This service: what it serves, since when, and from what its answers are made.")
class Service:
    """`Query.service`."""

    version: str = strawberry.field(description="Version of tastegraph.")
    mode: str = strawberry.field(
        description="`development`: any document is answered, with introspection and GraphiQL. There is no other mode yet."
    )
    versions: Versions = strawberry.field(description="What answers are made from now.")
    published_at: str | None = strawberry.field(
        description="When the release was published, ISO 8601; null where a snapshot is served without a release."
    )
    opened_at: TimeMs = strawberry.field(description="When this process opened the release.")
    as_of: TimeMs = strawberry.field(
        description="When the snapshot was exported: what happened later is not in any answer."
    )
    content_hash: str = strawberry.field(description="Hash of all that the snapshot holds, hex.")
    counts: list[NodeCount] = strawberry.field(description="Nodes of the snapshot by kind.")
    model: Model | None = strawberry.field(description="The learnt vectors; null where the graph alone answers.")
    source: AnswerSource = strawberry.field(description="The best that answers can be made from now.")
    degraded: str | None = strawberry.field(
        description="What is worse than it should be, one line; null where all of the release is served."
    )

    @classmethod
    def of(cls, served: Served, visible: Visibility) -> Service:
        """The service while it serves a release, as a viewer may see it."""
        serving = served.serving
        snapshot, artifact, release = serving.snapshot, serving.artifact, serving.release
        model = None
        if artifact is not None:
            model = Model(
                name=artifact.model,
                version=artifact.version,
                dim=artifact.dim,
                kinds=[Kind(kind) for kind in artifact.vectors],
                snapshot=artifact.snapshot_version,
            )
        return cls(
            version=version("tastegraph"),
            mode="development",
            versions=Versions.of(served),
            published_at=None if release is None else release.published_at,
            opened_at=served.opened_at,
            as_of=snapshot.created_at,
            content_hash=snapshot.content_hash,
            counts=[NodeCount(kind=Kind(kind), count=_count(visible, kind)) for kind in NodeKind],
            model=model,
            source=AnswerSource("WALK" if artifact is None else "GNN"),
            degraded=served.degraded,
        )


def _count(visible: Visibility, kind: NodeKind) -> int:
    total = len(visible.snapshot.nodes[kind])
    if kind is not NodeKind.BOARD:
        return total
    return int(visible.boards(np.arange(total, dtype=np.int32)).sum())
