# ruff: noqa: F821 - the names are for Strawberry to look up
"""The node types by name, for fields that lead to a node.

Users have saves, saves have pins, pins have boards, boards have owners: the types' modules can't import each other, so that
Strawberry resolves these references when the schema is made. To Python, a node is no more than where it is in the snapshot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from graph.adjacency import NodeRef

if TYPE_CHECKING:
    AnyRef = UserRef = PinRef = BoardRef = InterestRef = EntityRef = NodeRef
else:
    AnyRef = Annotated["Node", strawberry.lazy("gql.objects.node")]
    UserRef = Annotated["User", strawberry.lazy("gql.objects.user")]
    PinRef = Annotated["Pin", strawberry.lazy("gql.objects.pin")]
    BoardRef = Annotated["Board", strawberry.lazy("gql.objects.board")]
    InterestRef = Annotated["Interest", strawberry.lazy("gql.objects.interest")]
    EntityRef = Annotated["Entity", strawberry.lazy("gql.objects.entity")]
