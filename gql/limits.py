"""How large a document may be, judged on its syntax before anything that costs more than reading it once.

The order: bytes, tokens (the lexer stops), then one walk over the operation as it would be executed, fragments spread out and
fields of one name merged, with a budget that ends the walk. Nothing here is exponential, whatever the fragments do; cycles of
fragments are ended by the same budget and named by validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from gql.errors import ApiError, Code


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """The most of each that one document may have; `gql.settings.ServeSettings` says what each is for."""

    document_bytes: int
    tokens: int
    depth: int
    fields: int
    aliases: int
    fields_per_name: int


def too_complex(what: str, limit: int) -> ApiError:
    """The error for a document over a limit."""
    return ApiError(Code.DOCUMENT_TOO_COMPLEX, f"the document has more than {limit} {what}; ask in smaller parts")


def check_size(text: str, limits: DocumentLimits) -> None:
    """Raises ApiError (DOCUMENT_TOO_COMPLEX) for too many bytes."""
    if len(text) > limits.document_bytes or len(text.encode(errors="replace")) > limits.document_bytes:
        raise too_complex("bytes", limits.document_bytes)


def check_shape(document: DocumentNode, limits: DocumentLimits) -> None:
    """Raises ApiError (DOCUMENT_TOO_COMPLEX) for an operation that is too deep or too wide."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            _Walk(fragments, limits).descend([operation.selection_set], depth=1)


class _Walk:
    """One walk over one operation, counting as it goes."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], limits: DocumentLimits) -> None:
        self._fragments = fragments
        self._limits = limits
        self._visited = 0
        self._aliases = 0

    def descend(self, sets: Iterable[SelectionSetNode], depth: int) -> None:
        if depth > self._limits.depth:
            raise too_complex("levels of fields", self._limits.depth)
        for nodes in self._merged(sets).values():
            if len(nodes) > self._limits.fields_per_name:
                raise too_complex("fields under one name", self._limits.fields_per_name)
            if below := [node.selection_set for node in nodes if node.selection_set is not None]:
                self.descend(below, depth + 1)

    def _merged(self, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields of one object of the answer by response name, as execution collects them."""
        fields: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        waiting: list[SelectionNode] = [node for selections in sets for node in selections.selections]
        while waiting:
            node = waiting.pop()
            self._count(node)
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name in spread or name not in self._fragments:
                    continue
                spread.add(name)
                node = self._fragments[name]
            waiting.extend(node.selection_set.selections)  # pyright: ignore[reportAttributeAccessIssue] of any fragment
        return fields

    def _count(self, node: SelectionNode) -> None:
        self._visited += 1
        if self._visited > self._limits.fields:
            raise too_complex("fields", self._limits.fields)
        if isinstance(node, FieldNode) and node.alias is not None:
            self._aliases += 1
            if self._aliases > self._limits.aliases:
                raise too_complex("aliases", self._limits.aliases)
