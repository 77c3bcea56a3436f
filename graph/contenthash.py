"""The hash of a store's content: a sum over its records, so that neither order nor batching matters.

Each record (a node, a plain edge, an event) is hashed by BLAKE2b-128, read as two 64-bit lanes, and the lanes are summed
modulo 2**64. It tells honest mistakes apart; it does not resist an adversary who chooses records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np


class ContentHash:
    """Adds records up. Two stores that were fed the same records, in any order and in any batches, end equal."""

    def __init__(self) -> None:
        self._lanes = np.zeros(2, dtype=np.uint64)

    def add(self, digests: Iterable[bytes]) -> None:
        """Adds records by their 16-byte digests."""
        joined = b"".join(digests)
        if joined:
            self._lanes += np.frombuffer(joined, dtype="<u8").reshape(-1, 2).sum(axis=0, dtype=np.uint64)

    def add_event(self, event_ids: Iterable[str], digests: Iterable[bytes]) -> None:
        """Adds events: the id counts as well as the payload. A derived id repeats its digest and is not hashed again."""
        self.add(
            digest if event_id == digest.hex() else hashlib.blake2b(digest + event_id.encode(), digest_size=16).digest()
            for event_id, digest in zip(event_ids, digests, strict=True)
        )

    def hexdigest(self) -> str:
        """32 hex digits."""
        return self._lanes.tobytes().hex()
