"""Records of the event log that can't be applied: kept with the reason, in one JSONL file of the home, never dropped.

Written before the projector's transaction and known by their offsets, so that a projector that was killed between the two
writes none of them twice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import orjson

from graph.errors import CorruptFileError
from graph.eventlog.port import Record

NAME: Final = "dead-letters.jsonl"
_TAIL_BYTES: Final = 1 << 20
"""The last letter lies within these: a record is at most 64 KiB, and six times that when all of it is escaped."""


class DeadLetter(NamedTuple):
    """A record, and why it can't be applied."""

    record: Record
    reason: str


class DeadLetters:
    """The file of one log's dead letters, readable by its owner only, made with the first. Of one projector at a time."""

    def __init__(self, folder: Path, log_url: str) -> None:
        self.path = folder / NAME
        self._log_url = log_url
        self._last: int | None = None

    def add(self, letters: Sequence[DeadLetter]) -> int:
        """Appends letters, in the order of their offsets, those that are there already left out; durable when it returns.

        Returns how many were new.
        """
        if not letters:
            return 0
        if self._last is None:
            self._last = self._find_last()
        new = [letter for letter in letters if letter.record.offset > self._last]
        if new:
            self._append(b"".join(map(self._line, new)))
            self._last = new[-1].record.offset
        return len(new)

    def _line(self, letter: DeadLetter) -> bytes:
        return orjson.dumps(
            {
                "log": self._log_url,
                "offset": letter.record.offset,
                "reason": letter.reason,
                "refused_at": time.time_ns() // 1_000_000,
                "record": letter.record.data.decode(errors="backslashreplace"),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )

    def _append(self, lines: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            with os.fdopen(file, "ab", closefd=False) as appending:
                appending.write(lines)
            os.fsync(file)
        finally:
            os.close(file)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _find_last(self) -> int:
        """The offset of the last letter of this log; -1 for none. Half a line, which a killed process left, is cut off."""
        try:
            file = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return -1
        try:
            size = os.fstat(file).st_size
            begin = max(0, size - _TAIL_BYTES)
            whole, newline, half = os.pread(file, size - begin, begin).rpartition(b"\n")
            if half:
                os.ftruncate(file, size - len(half))
        finally:
            os.close(file)
        if not newline:
            return -1
        try:
            letter = cast("dict[str, Any]", orjson.loads(whole.rpartition(b"\n")[2]))
            return letter["offset"] if letter["log"] == self._log_url else -1
        except (orjson.JSONDecodeError, KeyError):
            raise CorruptFileError(f"the last line of {self.path} is no dead letter; move the file away") from None


def count_letters(folder: Path) -> int:
    """How many letters there are."""
    try:
        with (folder / NAME).open("rb") as file:
            return sum(1 for _ in file)
    except FileNotFoundError:
        return 0
