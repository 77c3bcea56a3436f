"""SQLite against a model of dictionaries, through hundreds of random calls."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from graph.stores.sqlite.store import SqliteStore
from tests.property.stores_machine import ModelSide, RealSide, Side, StoresMachine


def test_sqlite_answers_as_the_model(folder: Path) -> None:
    def open_in(place: str) -> SqliteStore:
        store = SqliteStore(Path(place) / "store.db")
        store.migrate()
        return store

    class SqliteAndModel(StoresMachine):
        def make_sides(self) -> tuple[Side, Side]:
            place = tempfile.mkdtemp(dir=folder)
            self.sqlite = RealSide(lambda: open_in(place))
            return self.sqlite, ModelSide()

        def teardown(self) -> None:
            if hasattr(self, "sqlite"):
                self.sqlite.store.close()

    run_state_machine_as_test(SqliteAndModel, settings=settings(max_examples=50, stateful_step_count=25, deadline=None))
