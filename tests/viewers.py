"""Who asks, for tests that name a viewer by row."""

from __future__ import annotations

from gql.keys import DEVELOPER, Principal, Scope
from graph.model import NodeKind
from graph.snapshot import Snapshot
from graph.visibility import Viewer


def principal_of(viewer: Viewer, snapshot: Snapshot) -> Principal:
    """Somebody who sees a snapshot as a viewer does."""
    if viewer.admin:
        return DEVELOPER
    user = None if viewer.user_row is None else snapshot.nodes[NodeKind.USER].id_of(viewer.user_row)
    return Principal("test", frozenset({Scope.READ, Scope.PERSONAL_READ}), user)
