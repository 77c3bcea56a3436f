"""Which release is served, and the swap to the next one while requests are in flight.

A request takes `Releases.current` once and keeps it; a swap replaces that one reference, so that no answer mixes two releases.
The release before stays open for a while, for answers that are still being made. A release that can't be opened is refused: the
old one goes on, and that is said in the log, in `/readyz` and in a metric.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from embeddings.release import CURRENT, current
from graph.errors import CorruptFileError, TastegraphError
from graph.model import TimeMs
from graph.settings import Home
from graph.snapshot import Snapshot
from recommend.serving import Serving

OLD_MAX: Final = 5
"""Releases kept open beside the current one: each holds some hundred files open."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Served:
    """A release that was opened, and what is wrong with it, if anything."""

    serving: Serving
    opened_at: TimeMs
    degraded: str | None = None

    @property
    def name(self) -> str:
        """Names this state of the data: the release, or the snapshot where there is none."""
        release = self.serving.release
        return self.serving.snapshot.version if release is None else release.name

    @classmethod
    def of(cls, serving: Serving, degraded: str | None = None) -> Served:
        """Something that was opened just now."""
        return cls(serving, TimeMs(time.time_ns() // 1_000_000), degraded)


def open_release(home: Home) -> Served:
    """Opens what is published, every byte checked; raises what `Serving.open` raises."""
    return Served.of(Serving.open(home))


def open_first_release(home: Home) -> Served:
    """As `open_release`, for a server that has nothing older to go on with: without its vectors if only those are broken.

    Raises NotFoundError when nothing is published, CorruptFileError when the snapshot can't be used either.
    """
    try:
        return open_release(home)
    except CorruptFileError as error:
        release = current(home)
        snapshot = Snapshot.open(home.snapshots / release.snapshot)
        served = Served.of(Serving.of(snapshot, None, release=release), f"{error}; until then the graph alone answers")
        log.warning("release_degraded", release=release.name, reason=str(error))
        return served


@dataclass(frozen=True, slots=True)
class Refusal:
    """A release that could not be opened."""

    reason: str
    at: TimeMs


class Releases:
    """The release being served by this process. Making one opens what is published, and raises as `open_first_release`."""

    def __init__(self, home: Home, *, keep_old_s: float) -> None:
        self._home = home
        self._keep_old_s = keep_old_s
        # Before opening: what is published meanwhile must differ from what was seen.
        self._seen = _stamp(home)
        self.current = open_first_release(home)
        self.refused: Refusal | None = None
        self._old: list[tuple[float, Served]] = []
        """(when it may be closed, on the monotonic clock; a release that was current)."""

    async def poll(self) -> bool:
        """Swaps if another release was published since the last look, and says so; opening it happens in a thread."""
        self._old = [(until, old) for until, old in self._old if until > time.monotonic()]
        stamp = _stamp(self._home)
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            opened = await asyncio.to_thread(open_release, self._home)
        except (TastegraphError, OSError) as error:
            self.refused = Refusal(str(error), TimeMs(time.time_ns() // 1_000_000))
            log.error("release_refused", serving=self.current.name, reason=str(error))
            return False
        self._swap(opened)
        return True

    def _swap(self, opened: Served) -> None:
        before, self.current, self.refused = self.current, opened, None
        self._old.append((time.monotonic() + self._keep_old_s, before))
        del self._old[:-OLD_MAX]
        log.info("release_swapped", before=before.name, after=opened.name)


def _stamp(home: Home) -> tuple[int, int, int] | None:
    """What changes when CURRENT is replaced: a new file has a new inode, whatever its times say."""
    path: Path = home.releases / CURRENT
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
