"""Global ids: unpadded base64url of `Kind:rawId`, unique over all kinds, as Relay wants them.

A global id names a node and grants nothing: whoever decodes one still has to ask whether the viewer may see the node.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from gql.errors import ApiError, Code
from graph.errors import InvalidIdError
from graph.model import Id, NodeKind, check_id

_KINDS = {kind.value: kind for kind in NodeKind}


@dataclass(frozen=True, slots=True)
class GlobalId:
    """What a global id says: a kind of node and its id within that kind."""

    kind: NodeKind
    key: Id


def encode_id(kind: NodeKind, key: str) -> str:
    """The global id of a node."""
    return urlsafe_b64encode(f"{kind.value}:{key}".encode()).rstrip(b"=").decode()


def decode_id(text: str, expected: NodeKind | None = None) -> GlobalId:
    """The node that a global id names; it need not exist.

    Raises ApiError (INVALID_ID) when `text` is not exactly what `encode_id` makes, or is of another kind than expected.
    """
    found = _decode(text)
    if expected is not None and found.kind is not expected:
        raise ApiError(Code.INVALID_ID, f"this is the id of a {found.kind}; give the id of a {expected}")
    return found


def _decode(text: str) -> GlobalId:
    try:
        data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        kind, _, key = data.decode().partition(":")
        found = GlobalId(_KINDS[kind], check_id(key))
    except (ValueError, KeyError, InvalidIdError):
        raise _malformed(text) from None
    # base64 decoders skip what they don't know and ignore spare bits: one node must have one id.
    if encode_id(found.kind, found.key) != text:
        raise _malformed(text)
    return found


def _malformed(text: str) -> ApiError:
    return ApiError(
        Code.INVALID_ID, f"{text[:32]!r} is not a global id; use an `id` that this API gave, or `key` for a raw id"
    )
