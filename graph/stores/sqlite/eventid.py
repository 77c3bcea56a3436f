"""How an event's id is kept: 16 bytes instead of 32 hex digits, which derived ids are, as are UUIDs without dashes.

The index over ids is the largest thing that a load writes to at random; this halves it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

StoredId = bytes | str

_is_hex: Final = re.compile(r"[0-9a-f]{32}").fullmatch


def stored(event_id: str) -> StoredId:
    """An id as it is kept: bytes for exactly those texts that `told` gives back unchanged."""
    return bytes.fromhex(event_id) if _is_hex(event_id) else event_id


def stored_all(event_ids: Sequence[str], digests: Sequence[bytes]) -> list[StoredId]:
    """`stored` of each id; quick where an id was derived and so is its digest."""
    if event_ids == [digest.hex() for digest in digests]:
        return list(digests)
    return [
        digest if event_id == digest.hex() else stored(event_id)
        for event_id, digest in zip(event_ids, digests, strict=True)
    ]


def told(stored_id: StoredId) -> str:
    """The id as the rest of the world knows it."""
    return stored_id.hex() if isinstance(stored_id, bytes) else stored_id


def stored_digest(stored_id: StoredId, digest: bytes) -> bytes | None:
    """A payload digest as it is kept: None where it is the id itself."""
    return None if digest == stored_id else digest


def told_digest(stored_id: StoredId, digest: bytes | None) -> bytes:
    """The payload digest. Only an id kept as bytes can stand for its digest."""
    if digest is not None:
        return digest
    assert isinstance(stored_id, bytes)
    return stored_id
