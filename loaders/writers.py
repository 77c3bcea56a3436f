"""Threads that write cells at once, never two that claim the same nodes; so no transaction waits for another's locks.

A deadlock needs two transactions that each hold what the other wants. Here one that runs holds claims on all nodes that it
touches, and the next starts only when its own are free: none waits while it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Self

from loaders.cells import Claims

Call = Callable[[], None]


class Writers:
    """At most `count` calls at once; with 1 each is made where it is put, in the caller's thread. A context manager: on leaving
    it, calls that run are waited for, and those that wait are dropped if there was an error.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="load-writer") if count > 1 else None
        self._changed = Condition()
        self._waiting: list[tuple[Claims, Call]] = []
        self._running: list[Claims] = []
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is None:
            return
        if kind is not None:
            with self._changed:
                self._waiting.clear()
        try:
            self.wait()
        except BaseException:
            if kind is None:
                raise
        finally:
            self._pool.shutdown()

    def put(self, claims: Claims, call: Call) -> None:
        """Makes a call when nothing runs that shares a claim, in any order. Raises what a call before raised."""
        if self._pool is None:
            call()
            return
        with self._changed:
            self._raise()
            self._waiting.append((claims, call))
            self._start()

    def wait(self) -> None:
        """Returns when every call was made. Raises the first error of one; those that waited then are not made."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._running)
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _start(self) -> None:
        """Starts what is free; called with the lock held."""
        if self._pool is None or self._error is not None:
            return
        for each in list(self._waiting):
            if len(self._running) == self._count:
                return
            claims, call = each
            if all(_free(claims, other) for other in self._running):
                self._waiting.remove(each)
                self._running.append(claims)
                self._pool.submit(self._run, claims, call)

    def _run(self, claims: Claims, call: Call) -> None:
        error: BaseException | None = None
        try:
            call()
        except BaseException as raised:  # told to whoever waits
            error = raised
        with self._changed:
            self._running.remove(claims)
            if error is not None:
                self._error = self._error or error
                self._waiting.clear()
            self._start()
            self._changed.notify_all()


def _free(one: Claims, other: Claims) -> bool:
    return one is not None and other is not None and one.isdisjoint(other)
