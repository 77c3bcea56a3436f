"""The identity of a load: what its files hold and which of it is wanted. The same folder gives the same id everywhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.errors import TerminalError
from graph.sealed import file_sum
from loaders.interchange import Folder
from loaders.sources.chunk import readable

LAYOUT: Final = 2
"""Goes up when rows are put into batches otherwise, so that no load goes on where an older version stopped."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`load_id` (32 hex digits), and the state that each file was in when it was hashed."""

    load_id: str
    states: dict[Path, tuple[int, int]]

    def check_unchanged(self) -> None:
        """Raises TerminalError when a file was written to since."""
        for path, state in self.states.items():
            if not path.is_file() or _state(path) != state:
                raise TerminalError(f"{path} was changed while it was read; nothing was written; run the load again")


def fingerprint(folder: Folder, limit: int | None, since_ms: int | None) -> Fingerprint:
    """Reads every file once. BLAKE2b over names, sizes, contents and the options that choose rows."""
    options = f"{LAYOUT}\0{limit}\0{since_ms}\0{folder.exported_at}\0{folder.mapping}\n"
    digest = hashlib.blake2b(options.encode(), digest_size=16)
    paths = {file.path for file in folder.all_files}
    states: dict[Path, tuple[int, int]] = {}
    for path in sorted(paths, key=lambda path: path.name):
        with readable(path):
            states[path] = _state(path)
            found = file_sum(path)
        digest.update(f"{path.name}\0{found['bytes']}\0{found['blake2b']}\n".encode())
    return Fingerprint(digest.hexdigest(), states)


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
