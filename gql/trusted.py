"""Trusted documents: in production a server answers only operations that its own clients were built with, by their hash.

A manifest is made from the clients' `*.graphql` files when they are built. Requests name a document as Apollo's persisted
queries do, in `extensions.persistedQuery`; nothing is ever added to the manifest while serving.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    Source,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)
from strawberry.schema.schema import Schema

from gql.errors import Code, HttpError
from graph.errors import CorruptFileError, InvalidInputError, NotFoundError
from graph.sealed import write_atomically

FORMAT: Final = 1
Definition = TypeVar("Definition", OperationDefinitionNode, FragmentDefinitionNode)


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """Documents by the SHA-256 (hex) of their text."""

    by_hash: Mapping[str, str]

    @classmethod
    def open(cls, manifest: Path) -> TrustedDocuments:
        """Reads a manifest. Raises NotFoundError when it is not there, CorruptFileError when it is none of ours."""
        try:
            found = orjson.loads(manifest.read_bytes())
            documents = {hash_: entry["document"] for hash_, entry in found["documents"].items()}
            if found["format"] != FORMAT or any(hash_of(text) != hash_ for hash_, text in documents.items()):
                raise ValueError("its hashes are not those of its documents")
        except FileNotFoundError:
            raise NotFoundError(f"there is no manifest {manifest}; make it with `tastegraph documents build`") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptFileError(
                f"{manifest} is no manifest of documents ({error}); make it with `tastegraph documents build`"
            ) from None
        return cls(documents)


@dataclass(frozen=True, slots=True)
class Trust:
    """Which documents are answered. `only`: those of the manifest and no others (production)."""

    documents: TrustedDocuments
    only: bool

    def text(self, query: str | None, extensions: Mapping[str, Any] | None) -> str | None:
        """The document that a request names, by its text or by its hash; None where it names none.

        Raises HttpError for one that is not answered, unknown, or not the one that its hash says.
        """
        hash_ = _named(extensions)
        if hash_ is None:
            if self.only and query is not None and hash_of(query) not in self.documents.by_hash:
                raise _untrusted()
            return query
        if (known := self.documents.by_hash.get(hash_)) is not None:
            return known
        if query is None:
            # Clients of this protocol look for this message, and for status 200.
            raise HttpError(200, Code.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        if self.only:
            raise _untrusted()
        if hash_of(query) != hash_:
            raise HttpError(400, Code.BAD_REQUEST, "`sha256Hash` is not that of `query`; send the document's own")
        return query


OPEN: Final = Trust(TrustedDocuments({}), only=False)
"""Any document is answered: development."""


def _untrusted() -> HttpError:
    return HttpError(
        403, Code.DOCUMENT_NOT_TRUSTED, "only documents that were built into this server's manifest are answered"
    )


def _named(extensions: Mapping[str, Any] | None) -> str | None:
    named = (extensions or {}).get("persistedQuery")
    if named is None:
        return None
    hash_ = named.get("sha256Hash") if isinstance(named, Mapping) and named.get("version") == 1 else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(hash_, str):
        raise HttpError(400, Code.BAD_REQUEST, "`persistedQuery` is not {version: 1, sha256Hash: …}")
    return hash_.lower()


def hash_of(text: str) -> str:
    """SHA-256 (hex) of a document's text."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def build(schema: Schema, folder: Path, manifest: Path) -> dict[str, str]:
    """Makes a manifest of all `*.graphql` below a folder, one document an operation; returns hashes by operation's name.

    Fragments may be in any of the files. Raises InvalidInputError, with file and line, for what does not fit the schema, an
    operation without a name, and a name that is used twice.
    """
    files = sorted(folder.rglob("*.graphql"))
    if not files:
        raise InvalidInputError(
            f"there are no *.graphql files in {folder}; name the folder that a client's documents are in"
        )
    operations, fragments = _definitions(files)
    documents = {name: print_ast(_whole(operation, fragments)) for name, operation in operations.items()}
    for name, text in documents.items():
        if errors := validate(schema._schema, parse(text)):  # pyright: ignore[reportPrivateUsage] Strawberry has no other way
            raise InvalidInputError(f"{_place(operations[name])}: {name} does not fit the schema: {errors[0].message}")
    entries = {hash_of(text): {"name": name, "document": text} for name, text in documents.items()}
    data = orjson.dumps({"format": FORMAT, "documents": entries}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    write_atomically(manifest, data + b"\n")
    return {entry["name"]: hash_ for hash_, entry in entries.items()}


def _definitions(
    files: Iterable[Path],
) -> tuple[dict[str, OperationDefinitionNode], dict[str, FragmentDefinitionNode]]:
    operations: dict[str, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDefinitionNode] = {}
    for file in files:
        for node in _parsed(file).definitions:
            if isinstance(node, OperationDefinitionNode):
                if node.name is None:
                    raise InvalidInputError(f"{_place(node)}: an operation has no name; name it, so that metrics can")
                _add(operations, node.name.value, node)
            elif isinstance(node, FragmentDefinitionNode):
                _add(fragments, node.name.value, node)
    return operations, fragments


def _parsed(file: Path) -> DocumentNode:
    try:
        return parse(Source(file.read_text("utf-8"), str(file)))
    except GraphQLError as error:
        line = error.locations[0].line if error.locations else 1
        raise InvalidInputError(f"{file}:{line}: {error.message}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file} can't be read: {error}") from None


def _add(known: dict[str, Definition], name: str, node: Definition) -> None:
    if name in known:
        raise InvalidInputError(f"{_place(node)}: there is a {name} already, at {_place(known[name])}; rename one")
    known[name] = node


def _place(node: OperationDefinitionNode | FragmentDefinitionNode) -> str:
    return "?" if node.loc is None else f"{node.loc.source.name}:{node.loc.start_token.line}"


def _whole(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> DocumentNode:
    """An operation with the fragments that it needs, sorted by name."""
    needed: dict[str, FragmentDefinitionNode] = {}
    waiting: list[OperationDefinitionNode | FragmentDefinitionNode] = [operation]
    while waiting:
        for name in _spread_in(waiting.pop()):
            if name in fragments and name not in needed:
                needed[name] = fragments[name]
                waiting.append(fragments[name])
    return DocumentNode(definitions=(operation, *(needed[name] for name in sorted(needed))))


class _Spreads(Visitor):
    """Names of the fragments that are spread."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.names.append(node.name.value)


def _spread_in(node: OperationDefinitionNode | FragmentDefinitionNode) -> Sequence[str]:
    found = _Spreads()
    visit(node, found)
    return found.names
