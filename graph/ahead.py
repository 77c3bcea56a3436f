"""Work on the next item while this one is used: reading beside judging, fetching beside folding.

One step ahead and no more, so that memory stays bounded. What runs beside is mostly polars, a driver and the database, which
leave the interpreter to others.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T]) -> Generator[T]:
    """The same items, each made in a thread of its own while the one before is used; errors come where the item would."""
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1, "ahead") as thread:
        upcoming = thread.submit(next, iterator, end)
        while (item := upcoming.result()) is not end:
            upcoming = thread.submit(next, iterator, end)
            yield item  # pyright: ignore[reportReturnType]
