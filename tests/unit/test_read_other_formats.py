"""JSON Lines and Parquet: the same rows as from CSV; a wrong type is told by row or by column."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.errors import InvalidInputError
from loaders import sources
from loaders.interchange import SourceFile, Table
from loaders.sources.chunk import RawChunk
from loaders.validation.tables import check_rows

NOW_MS = 1_800_000_000_000


def chunk_of(table: Table, path: Path) -> RawChunk:
    file = SourceFile(table, path)
    sources.check_file(file)
    (chunk,) = sources.read(file)
    return chunk


def jsonl(tmp_path: Path, table: Table, *rows: str) -> RawChunk:
    path = tmp_path / f"{table}.jsonl"
    path.write_text("\n".join(rows) + "\n")
    return chunk_of(table, path)


def parquet(tmp_path: Path, table: Table, columns: dict[str, Any]) -> RawChunk:
    path = tmp_path / f"{table}.parquet"
    pq.write_table(pa.table(columns), path)
    return chunk_of(table, path)


def test_jsonl_rows_keep_their_lines_and_bad_ones_are_refused_alone(tmp_path: Path) -> None:
    chunk = jsonl(
        tmp_path,
        Table.INTERACTIONS,
        '{"user_id": "u1", "pin_id": "p1", "kind": "VIEW", "at": 5, "weight": 2}',
        "",
        '{"user_id": 7, "pin_id": "p1", "kind": "VIEW"}',
        '{"user_id": "u1", "pin_id": "p1", "kind": "VIEW", "weight": "heavy"}',
        '{"user_id": "u1", "pin_id": "p1", "kind": "VIEW", "at": true}',
        "[1, 2]",
        '{"user_id": ',
        '{"user_id": "\\ud800", "pin_id": "p1", "kind": "VIEW"}',
        '{"user_id": "u2", "pin_id": "p2", "kind": "SAVE", "at": "2024-01-01T00:00:00Z"}',
    )
    assert chunk.frame["line"].to_list() == [1, 9]
    assert chunk.frame["at"].to_list() == ["5", "2024-01-01T00:00:00Z"]
    assert chunk.frame["weight"].to_list() == [2.0, None]
    reasons = {row.line: row.reason.partition(":")[0] for row in chunk.refused}
    assert reasons == {
        3: "user_id is not text",
        4: "weight is not a number",
        5: "at is not ISO 8601 text or integer milliseconds",
        6: "the line is no JSON object",
        7: "not JSON",
        8: "not JSON",
    }


def test_jsonl_attributes_are_the_object_and_the_other_keys(tmp_path: Path) -> None:
    chunk = jsonl(tmp_path, Table.PINS, '{"id": "p1", "attributes": {"a": [1], "b": 1}, "b": {"c": null}}')
    checked = check_rows(Table.PINS, chunk, NOW_MS)
    assert checked.frame["attributes"].to_list() == ['{"a":[1],"b":{"c":null}}']


def test_jsonl_without_a_required_key_in_any_row_is_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="lacks the column pin_id; its columns are user_id, kind"):
        jsonl(tmp_path, Table.INTERACTIONS, '{"user_id": "u1", "kind": "VIEW"}')


def test_parquet_takes_its_own_types(tmp_path: Path) -> None:
    moment = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    columns = {
        "user_id": pa.array(["u1", "u2"]).dictionary_encode(),
        "pin_id": pa.array(["p1", "p2"], pa.large_string()),
        "kind": ["VIEW", "CLICK"],
        "at": pa.array([moment, None], pa.timestamp("us", tz="Europe/Paris")),
        "weight": pa.array([2, None], pa.int32()),
        "colour": ["red", "blue"],
    }
    checked = check_rows(Table.INTERACTIONS, parquet(tmp_path, Table.INTERACTIONS, columns), NOW_MS)
    assert checked.refused == []
    assert checked.frame.select("user", "at", "weight", "line").rows() == [
        ("u1", 1_704_067_200_000, 2.0, 1),
        ("u2", None, 1.0, 2),
    ]


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("user_id", [1], "column user_id is int64; it must hold strings"),
        ("at", [1.5], "column at is double; it must hold timestamps"),
        ("weight", [True], "column weight is bool; it must hold numbers"),
    ],
)
def test_parquet_of_a_wrong_type_is_told_by_column(tmp_path: Path, column: str, values: list[Any], said: str) -> None:
    columns: dict[str, Any] = {"user_id": ["u"], "pin_id": ["p"], "kind": ["VIEW"], column: values}
    with pytest.raises(InvalidInputError, match=said):
        parquet(tmp_path, Table.INTERACTIONS, columns)


def test_parquet_attributes_of_any_type_become_json(tmp_path: Path) -> None:
    columns = {
        "id": ["u1"],
        "born": [dt.date(1990, 5, 1)],
        "langs": [["de", "fr"]],
        "height": pa.array([1.75], pa.float32()),
        "none": pa.nulls(1),
    }
    checked = check_rows(Table.USERS, parquet(tmp_path, Table.USERS, columns), NOW_MS)
    assert checked.frame["attributes"].to_list() == ['{"born":"1990-05-01","height":1.75,"langs":["de","fr"]}']


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_a_truncated_parquet_file_is_told_in_one_line(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "users.parquet"
    pq.write_table(pa.table({"id": [f"u{i}" for i in range(1000)]}), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InvalidInputError, match="no sound Parquet file") as error:
        chunk_of(Table.USERS, path)
    assert "\n" not in str(error.value)


def test_parquet_whose_strings_are_not_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    ids = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff\xfe"], pa.binary()).buffers())
    pq.write_table(pa.table({"id": ids}), path)
    with pytest.raises(InvalidInputError, match="no sound Parquet file"):
        chunk_of(Table.USERS, path)
