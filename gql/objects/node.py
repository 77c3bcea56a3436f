"""The Node interface of Relay, and what the node types have in common: a value of theirs is a NodeRef, a row of the snapshot.

Nothing is read of a node but what was asked for, and that for all nodes of an answer's place at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import strawberry

from gql.batch import batched
from gql.context import RequestContext
from gql.ids import encode_id
from gql.objects.arguments import EdgeKindsArgument
from graph.adjacency import NodeRef
from graph.model import Id, NodeKind

if TYPE_CHECKING:
    from gql.objects.neighbourhood import Neighbourhood

Nodes = Sequence[NodeRef]
"""Nodes of one kind, at least one."""
NAMED_BY = {NodeKind.PIN: "title", NodeKind.BOARD: "title", NodeKind.INTEREST: "name", NodeKind.ENTITY: "name"}
"""The column that says what to call a node, where its kind has one."""

Hops = Annotated[int, strawberry.argument(description="How far from the node, in edges, 1 to 3.")]
FirstNodes = Annotated[
    int,
    strawberry.argument(
        description="How many nodes at most, 1 to 200, the node itself included. Nearest first; where a level does "
        "not fit, kinds of edges share the room. What was left out is in `cut`."
    ),
]


def rows_of(nodes: Nodes) -> list[int]:
    """The rows of some nodes."""
    return [row for _, row in nodes]


def column(name: str) -> Callable[[RequestContext, Nodes], list[Any]]:
    """Reads one column of the nodes' table."""

    def read(context: RequestContext, nodes: Nodes) -> list[Any]:
        return context.snapshot.nodes[nodes[0][0]].values(name, rows_of(nodes))

    return read


keys: Callable[[RequestContext, Nodes], list[Id]] = column("id")


def _global_ids(context: RequestContext, nodes: Nodes) -> list[strawberry.ID]:
    kind = nodes[0][0]
    return [strawberry.ID(encode_id(kind, key)) for key in keys(context, nodes)]


def _labels(context: RequestContext, nodes: Nodes) -> list[str]:
    name = NAMED_BY.get(nodes[0][0])
    if name is None:
        return [*keys(context, nodes)]
    named = zip(column(name)(context, nodes), keys(context, nodes), strict=True)
    return [title or key for title, key in named]


async def _neighbourhoods(
    context: RequestContext,
    nodes: Nodes,
    hops: Hops = 1,
    first: FirstNodes = 100,
    edge_kinds: EdgeKindsArgument = None,
) -> list[Neighbourhood]:
    from gql.objects.neighbourhood import neighbourhoods

    return await neighbourhoods(context, nodes, hops, first, edge_kinds)


@strawberry.interface(description="Anything in the graph. `node(id:)` finds each by its id.")
class Node:
    """A node of the snapshot. The classes are never made: they say what a schema's type has, and of which kind it is."""

    kind: ClassVar[NodeKind]

    id: strawberry.ID = batched(
        _global_ids,
        description="Global id, unique over all kinds: unpadded base64url of `Kind:key`. Stable while the node is there.",
    )
    key: str = batched(keys, description="The raw id, as it was loaded: 1 to 64 bytes, unique within the kind.")
    label: str = batched(_labels, description="What to call it: its title or name, or its key where it has neither.")
    neighbourhood: Annotated[Neighbourhood, strawberry.lazy("gql.objects.neighbourhood")] = batched(
        _neighbourhoods,
        description="The nodes within some hops, over visible edges walked both ways, with what each is to the others.",
    )

    @staticmethod
    def type_name(value: NodeRef) -> str:
        """The name of the type of a node, for plans."""
        return value[0].value

    @classmethod
    def is_type_of(cls, value: NodeRef, _info: object) -> bool:
        """Whether a node is of this type, for Strawberry."""
        return value[0] is cls.kind
