"""Checks what no linter does: module sizes, and that nothing in the tree ties it to one machine or one registry."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LINES_MAX = 500
TEST_LINES_MAX = 600
LOCKS = ("package-lock.json", "requirements/dev.txt", "requirements/train.txt", "requirements/serve.txt")
REGISTRY = re.compile(r"https?://[\w.-]*(registry|pypi|pythonhosted|npmjs|maven|debian)[\w./-]*", re.IGNORECASE)


def tracked() -> list[Path]:
    """Files that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for path in map(Path, listed.stdout.splitlines()) if path.is_file()]


def problems() -> list[str]:
    """One line for each thing that is wrong."""
    found: list[str] = []
    for path in tracked():
        limit = TEST_LINES_MAX if path.parts[0] == "tests" else LINES_MAX
        if path.suffix == ".py" and len(path.read_text().splitlines()) > limit:
            found.append(f"{path}: over {limit} lines; split it by reason to change")
        if path.as_posix().endswith(LOCKS) and REGISTRY.search(path.read_text()):
            found.append(f"{path}: a lock file names a registry host; pin without addresses")
        if path.name == "uv.lock":
            found.append(f"{path}: lock files of this kind name a registry host; use requirements/*.txt")
    return found


if __name__ == "__main__":
    lines = problems()
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.exit(1 if lines else 0)
