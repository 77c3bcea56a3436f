"""What becomes of the rows of one write call: which are written, and how each is counted. The same for every store.

Pure functions over identities, versions and digests; a store brings what it holds under the identities it was given.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from graph.ports import Outcome
from graph.rules import wins

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Held:
    """What a store has under an identity: its version, and its digest (None for a bare node)."""

    version: int | None
    digest: bytes | None


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

    A row that its version decides is written or unchanged; one that only its digest decides is a conflict, whichever wins.
    """
    distinct = {(key, versions[i], digests[i]): i for i, key in reversed(list(enumerate(keys)))}
    best: dict[K, int] = {}
    for (key, version, digest), i in distinct.items():
        rival = best.get(key)
        if rival is None or wins(version, digest, versions[rival], digests[rival]):
            best[key] = i
    none = Held(None, None)
    beats = {
        key: wins(versions[i], digests[i], held.get(key, none).version, held.get(key, none).digest)
        for key, i in best.items()
    }
    written = unchanged = conflicts = 0
    for (key, version, digest), i in distinct.items():
        before, winner = held.get(key, none), best[key]
        if before.digest is not None and version == before.version:
            unchanged += digest == before.digest
            conflicts += digest != before.digest
        elif not beats[key] or version != versions[winner]:
            unchanged += 1
        elif i == winner:
            written += 1
        else:
            conflicts += 1
    write = sorted(i for key, i in best.items() if beats[key])
    return Settled(write, Outcome(written, unchanged, len(keys) - len(distinct), conflicts))


def settle_events(ids: Sequence[str], digests: Sequence[bytes], held: Mapping[str, bytes]) -> Settled:
    """Rows of events, where the smaller payload digest wins; another payload under a known id is a conflict."""
    if len(held) == len(ids) and all(held.get(id_) == digest for id_, digest in zip(ids, digests, strict=True)):
        return Settled([], Outcome(unchanged=len(ids)))  # what loading a folder again comes to
    distinct = {(id_, digests[i]): i for i, id_ in reversed(list(enumerate(ids)))}
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
