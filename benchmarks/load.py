"""`python -m benchmarks.load [PART…]`: all figures of loading, or those of some parts. Each part is a module with a `main`."""

from __future__ import annotations

import sys
from importlib import import_module

PARTS = ("load_sqlite", "load_neo4j")


def main(wanted: list[str]) -> int:
    """Runs the parts in turn."""
    if unknown := [part for part in wanted if part not in PARTS]:
        sys.stderr.write(f"there is no part {unknown[0]}; there are {', '.join(PARTS)}\n")
        return 2
    for part in wanted or PARTS:
        import_module(f"benchmarks.{part}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
