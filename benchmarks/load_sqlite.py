"""Loads of synthetic folders into SQLite: 0.1, 1 and 10 million interactions, with 50 a user, from CSV, validated and durable.

Each load is the command itself in a process of its own, so that its memory is its own. The largest takes some minutes.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.figure import machine, report
from benchmarks.loading import Loaded, load
from loaders.synthetic import Sizes, write_synthetic

MILLION = 1_000_000
SIZES = (MILLION // 10, MILLION, 10 * MILLION)


def folder_of(place: Path, interactions: int) -> Path:
    """A synthetic folder."""
    folder = place / f"{interactions}"
    share = interactions / MILLION
    sizes = Sizes(int(20_000 * share), int(40_000 * share), int(10_000 * share), interactions, interests=40)
    write_synthetic(folder, sizes, seed=7)
    return folder


def main() -> None:
    """Prints the figures."""
    loads: dict[int, Loaded] = {}
    with tempfile.TemporaryDirectory(prefix="tastegraph-bench-") as place:
        for size in SIZES:
            folder, home = folder_of(Path(place), size), Path(place, f"home-{size}")
            loads[size] = load(folder, home)
            if size == MILLION:
                again = load(folder, home)
    first, largest = loads[MILLION], loads[SIZES[-1]]
    report(
        "load_sqlite_interactions_per_s",
        MILLION / first.seconds,
        "interactions/s",
        seconds=round(first.seconds, 2),
        cpu_s=round(first.cpu_s, 2),
        rows_read=first.summary["read"],
        load_average=os.getloadavg()[0],
        **machine(),
    )
    report("reload_unchanged_seconds", again.seconds, "s", reference="its first load", reference_value=first.seconds)
    report("load_peak_memory_mb", largest.peak_mb, "MB", interactions=SIZES[-1])
    report(
        "load_memory_growth",
        largest.peak_mb,
        "MB",
        reference="1 M interactions",
        reference_value=first.peak_mb,
        smallest=round(loads[SIZES[0]].peak_mb, 1),
    )
    report(
        "load_linearity",
        largest.seconds / SIZES[-1] * MILLION,
        "s a million interactions",
        reference="1 M interactions",
        reference_value=first.seconds,
        seconds={str(size): round(run.seconds, 2) for size, run in loads.items()},
        cpu_s={str(size): round(run.cpu_s, 2) for size, run in loads.items()},
    )


if __name__ == "__main__":
    main()
