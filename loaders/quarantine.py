"""The quarantine: every refused row of a load, with its file, line and reason, in one JSONL file of the home.

The file grows in the workspace of the load and is moved to its place whole, readable by its owner only, when it is kept.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

import orjson

from graph.errors import QuarantineThresholdError
from graph.model import TimeMs
from loaders.interchange import Table
from loaders.sources.chunk import Refused

REASONS_MAX: Final = 1_000
"""Distinct reasons that are counted one by one; a summary shows the most frequent."""


class Quarantine:
    """The rows refused so far. `keep()` puts the file in its place; until then it grows in `workspace`, for its owner only."""

    def __init__(self, folder: Path, load_id: str, workspace: Path, exported_at: TimeMs | None = None) -> None:
        self._version = {} if exported_at is None else {"exported_at": exported_at}
        self.path = folder / f"{load_id}.jsonl"
        self.rows = 0
        self.by_reason: Counter[str] = Counter()
        self._first = ""
        self._growing = workspace / "quarantine.jsonl"
        self._file = os.fdopen(os.open(self._growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, name: str, table: Table, refused: Iterable[Refused]) -> None:
        """Takes refused rows of a table. name: the file, or what else they are from."""
        for row in refused:
            record = {
                "file": name,
                "line": row.line,
                "table": table.value,
                "reason": row.reason,
                "raw": row.raw,
                **self._version,
            }
            self._file.write(orjson.dumps(record, default=str, option=orjson.OPT_APPEND_NEWLINE))
            self.rows += 1
            if row.reason in self.by_reason or len(self.by_reason) < REASONS_MAX:
                self.by_reason[row.reason] += 1
            self._first = self._first or f"{name} line {row.line}: {row.reason}"

    def keep(self) -> Path | None:
        """The file in its place, durable; None when no row was refused."""
        self._file.flush()
        os.fsync(self._file.fileno())
        if not self.rows:
            self.path.unlink(missing_ok=True)
            return None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._growing.replace(self.path)
        return self.path

    def check(self, read: int, most: float) -> None:
        """Raises QuarantineThresholdError when more than the share `most` of the rows read was refused."""
        if self.rows > most * read:
            raise QuarantineThresholdError(
                f"{self.rows:,} of {read:,} rows were refused, more than the {most:.6g} allowed (--max-quarantined); nothing"
                f" was written; mend the rows listed in {self.path}; the first is {self._first}"
            )
