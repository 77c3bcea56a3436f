"""What every store is asked in the same way: its counts, how its loads went, and whether it is as the last one left it.

Says what is wrong and how to mend it; mends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

import orjson

from graph.ports import Check, StoreCounts
from graph.stores.lease import LoadHistory

_SHOWN: Final = 5
_GO_ON: Final = (
    "run the same `tastegraph load` again, or give it up with `tastegraph doctor --abandon {}`: what it wrote stays"
)


def counts(found: StoreCounts) -> Check:
    """How much there is; kinds of which there is nothing are left out."""
    kinds = chain(found.nodes.items(), found.events.items(), found.edges.items())
    return Check("counts", ", ".join(f"{kind} {count:,}" for kind, count in kinds if count) or "nothing was loaded yet")


def interrupted_loads(loads: LoadHistory) -> Check:
    """LoadHistory that ended before they were done. One that is running is none of them."""
    running = loads.lease.load_id if loads.lease is not None and not loads.lease.lapsed else None
    interrupted = [load_id for load_id in loads.unfinished if load_id != running]
    if not interrupted:
        return Check("interrupted_loads", "none")
    return Check("interrupted_loads", listed(len(interrupted), interrupted), _GO_ON.format(interrupted[0]))


def lease(loads: LoadHistory) -> Check:
    """Who holds the store for a load. One that lapsed is told only while its load is not done: it is in nobody's way."""
    held = loads.lease
    if held is None or (held.lapsed and held.load_id not in loads.unfinished):
        return Check("lease", "no load holds the store")
    found = f"load {held.load_id}, process {held.pid} on {held.host}, seen {max(held.age_s, 0):.0f} s ago"
    if not held.lapsed:
        return Check("lease", found)
    if held.orphaned:
        return Check("lease", f"{found}: that process is dead", _GO_ON.format(held.load_id))
    return Check("lease", f"{found}: it hangs", f"end that process, if it is there; then {_GO_ON.format(held.load_id)}")


def content(loads: LoadHistory, log_offset: int, content_hash: Callable[[], str]) -> Check:
    """Whether the store is as the last load left it. Only that can be told, and only if nothing was written since."""
    left = None if loads.unfinished or log_offset >= 0 else _left(loads.ended)
    if left is None:
        return Check("content", "nothing to compare it with: no load was the last to write")
    found = content_hash()
    if found == left:
        return Check("content", f"{found}, as the last load left it")
    return Check(
        "content",
        f"{found}, but the last load left {left}: something else has written to the store, or it has lost rows",
        "load all data again, which brings back what is lost; if that is not enough, load it into a new store",
    )


def _left(ended: Iterable[str]) -> str | None:
    """The content hash in the last summary; loads that another has made up for wrote nothing after it."""
    for summary in map(orjson.loads, ended):
        if "superseded_by" not in summary:
            return summary.get("content_hash")
    return None


def listed(count: int, examples: Iterable[str]) -> str:
    """How many, and which the first are."""
    shown = [example for example, _ in zip(examples, range(_SHOWN), strict=False)]
    return f"{count:,}: {', '.join(shown)}{' …' if count > len(shown) else ''}"
