"""Columns read at many rows: what Arrow holds, whatever is missing, sliced off or kept decoded."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from graph import columns
from graph.columns import column_of

VALUES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "text": (pa.large_string(), ["", "a", "über", "😀", "a"]),
    "text with nulls": (pa.large_string(), ["a", None, "", None, "b"]),
    "nothing but nulls": (pa.large_string(), [None, None, None, None, None]),
    "numbers": (pa.int64(), [1, None, -(2**62), 0, 7]),
    "truth": (pa.bool_(), [True, False, True, True, False]),
}


@pytest.mark.parametrize("name", VALUES)
def test_rows_in_any_order_and_more_than_once(name: str):
    type_, values = VALUES[name]
    column = column_of(pa.table({"x": pa.array(values, type_)}), "x")
    rows = [4, 0, 0, 2, 3, 1, 4]
    for _ in range(2):
        assert column.at(rows) == [values[row] for row in rows]
    assert column.at([]) == []


def test_a_slice_starts_where_it_starts():
    table = pa.table({"x": pa.array(["a", None, "c", "d"], pa.large_string())}).slice(1, 2)
    assert column_of(table, "x").at([0, 1]) == [None, "c"]


def test_a_table_without_rows():
    table = pa.table({"x": pa.chunked_array([], pa.large_string())})
    assert column_of(table, "x").at([]) == []


def test_what_is_kept_decoded_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(columns, "DECODED_MAX", 3)
    column = column_of(pa.table({"x": pa.array([str(number) for number in range(10)], pa.large_string())}), "x")
    assert isinstance(column, columns.TextColumn)
    for _ in range(2):
        assert column.at(range(10)) == [str(number) for number in range(10)]
        assert len(column) <= 3
