"""The Node interface of Relay, and how a row of the snapshot becomes the object of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import strawberry

from gql.context import Info
from gql.ids import encode_id
from gql.objects.arguments import EdgeKindsArgument
from graph.model import NodeKind
from graph.snapshot import Snapshot

if TYPE_CHECKING:
    from gql.objects.neighbourhood import Neighbourhood

_TYPES: dict[NodeKind, type[Node]] = {}


@strawberry.interface(description="Anything in the graph. `node(id:)` finds each by its id.")
class Node:
    """A node of one snapshot; what subclasses hold was copied out of its tables, by row."""

    kind: ClassVar[NodeKind]

    row: strawberry.Private[int]
    id: strawberry.ID = strawberry.field(
        description="Global id, unique over all kinds: unpadded base64url of `Kind:key`. Stable while the node is there."
    )
    key: str = strawberry.field(description="The raw id, as it was loaded: 1 to 64 bytes, unique within the kind.")
    label: str = strawberry.field(description="What to call it: its title or name, or its key where it has neither.")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _TYPES[cls.kind] = cls

    @classmethod
    def at(cls, snapshot: Snapshot, row: int) -> Node:
        """The node at a row of its kind's table. Raises IndexError for a row that is not there."""
        raise NotImplementedError

    @strawberry.field(
        description="The nodes within some hops, over visible edges walked both ways, with what each is to the others."
    )
    async def neighbourhood(
        self,
        info: Info,
        hops: Annotated[int, strawberry.argument(description="How far from the node, in edges, 1 to 3.")] = 1,
        first: Annotated[
            int,
            strawberry.argument(
                description="How many nodes at most, 1 to 200, the node itself included. Nearest first; where a level does "
                "not fit, kinds of edges share the room. What was left out is in `cut`."
            ),
        ] = 100,
        edge_kinds: EdgeKindsArgument = None,
    ) -> Annotated[Neighbourhood, strawberry.lazy("gql.objects.neighbourhood")]:
        from gql.objects.neighbourhood import neighbourhood_of

        return await neighbourhood_of(info, (self.kind, self.row), hops, first, edge_kinds)


def node_at(snapshot: Snapshot, kind: NodeKind, row: int) -> Node:
    """The node of a kind at a row."""
    return _TYPES[kind].at(snapshot, row)


def identity_of(snapshot: Snapshot, kind: NodeKind, row: int, name: str | None = None) -> dict[str, Any]:
    """The fields that every node has; `name` is its title or name."""
    key = snapshot.nodes[kind].id_of(row)
    return {"row": row, "id": strawberry.ID(encode_id(kind, key)), "key": key, "label": name or key}
