"""What becomes of the rows of one write call: which are written, and how each is counted. The same for every store.

Pure functions over identities, versions and digests; a store brings what it holds under the identities it was given.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from graph.ports import EventBatch, Outcome
from graph.rules import wins

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Held:
    """What a store has under an identity: its version, and its digest (None for a bare node)."""

    version: int | None
    digest: bytes | None


_BARE = Held(None, None)


@dataclass(frozen=True, slots=True)
class Settled:
    """Indexes of the rows to write, at most one an identity, and the outcome but for its edges."""

    write: list[int]
    outcome: Outcome


def settle_versions(
    keys: Sequence[K],
    versions: Sequence[int | None],
    digests: Sequence[bytes],
    held: Mapping[K, Held],
) -> Settled:
    """Rows of nodes or plain edges, where the winner is by `rules.wins`.

    Each row is judged by what holds after the call: of a version that does not hold then, it is unchanged; of the same
    version with another payload, it is a conflict, whichever of the two holds.
    """
    if not held and len(set(keys)) == len(keys):
        return _all_new(len(keys))
    distinct = {(key, versions[i], digests[i]): i for i, key in reversed(list(enumerate(keys)))}
    after: dict[K, Held] = {}
    write: dict[K, int] = {}
    for (key, version, digest), i in distinct.items():
        best = after.setdefault(key, held.get(key, _BARE))
        if wins(version, digest, best.version, best.digest):
            after[key] = Held(version, digest)
            write[key] = i
    written = unchanged = conflicts = 0
    for key, version, digest in distinct:
        before, best, row = held.get(key, _BARE), after[key], Held(version, digest)
        if row == before or version != best.version:
            unchanged += 1
        elif row == best and (before.digest is None or before.version != version):
            written += 1
        else:
            conflicts += 1
    return Settled(sorted(write.values()), Outcome(written, unchanged, len(keys) - len(distinct), conflicts))


def settle_events(batch: EventBatch, held: Mapping[str, bytes]) -> Settled:
    """Rows of events, where the smaller payload digest wins; another payload under a known id is a conflict.

    Of repeated rows the one with the earliest place in the log is written: an export up to an offset must not miss it.
    """
    ids, digests, offsets = batch.event_id, batch.digest, batch.log_offset
    if len(set(ids)) == len(ids):  # what a load comes to that is new, and one that was there before
        if not held:
            return _all_new(len(ids))
        if all(held.get(id_) == digest for id_, digest in zip(ids, digests, strict=True)):
            return Settled([], Outcome(unchanged=len(ids)))
    distinct = {(ids[i], digests[i]): i for i in sorted(range(len(ids)), key=offsets.__getitem__, reverse=True)}
    best: dict[str, int] = {}
    for (id_, digest), i in distinct.items():
        if id_ not in best or digest < digests[best[id_]]:
            best[id_] = i
    written = unchanged = conflicts = 0
    for (id_, digest), i in distinct.items():
        before = held.get(id_)
        if before is None:
            written += i == best[id_]
            conflicts += i != best[id_]
        else:
            unchanged += digest == before
            conflicts += digest != before
    write = sorted(i for id_, i in best.items() if id_ not in held or digests[i] < held[id_])
    return Settled(write, Outcome(written, unchanged, len(ids) - len(distinct), conflicts))


def _all_new(rows: int) -> Settled:
    """What a first load comes to, batch by batch: quicker to see than to work out."""
    return Settled(list(range(rows)), Outcome(written=rows))
