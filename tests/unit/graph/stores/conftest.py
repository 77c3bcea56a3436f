"""A store in a file of its own."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from graph.stores.sqlite.store import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Generator[SqliteStore]:
    store = SqliteStore(path)
    store.migrate()
    yield store
    store.close()
