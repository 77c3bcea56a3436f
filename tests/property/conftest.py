"""How much the property tests try: enough to find what they are there for, bounded so that all of them take a minute."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadline: on a busy machine one example may take a second. A failure prints how to repeat it.
settings.register_profile(
    "tastegraph", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("tastegraph")

_MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder for stores and snapshots, in memory where there is such: hundreds of small files are synced to disk."""
    parent = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=parent, prefix="tastegraph-test-") as name:
        yield Path(name)
