"""The parts of a load that a user only meets when they fail: the spill, the batches' names, the quarantine, the counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import polars as pl
import pytest

from graph.errors import InvalidInputError, QuarantineThresholdError, TerminalError
from loaders import spill
from loaders.batches import batches, tidy
from loaders.interchange import Table, open_folder
from loaders.quarantine import Quarantine
from loaders.sources.chunk import Refused
from loaders.spill import Spill, Split
from loaders.summary import LoadSummary

NOW_MS = 1_800_000_000_000


def test_a_spill_gives_back_each_row_once_and_keeps_those_of_one_id_together(tmp_path: Path) -> None:
    rows = pl.DataFrame({"user": [f"u{i % 97}" for i in range(1000)], "n": range(1000)})
    spilled = Spill(tmp_path, "rows", 8, Split("user"))
    for piece in rows.iter_slices(130):
        spilled.add(piece)
    parts = [frame for _, frame in spilled.parts()]
    assert len(parts) == 8
    assert pl.concat(parts).sort("n").equals(rows)
    homes = [user for part in parts for user in part["user"].unique()]
    assert len(homes) == len(set(homes)) == 97
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_hub_is_split_by_the_second_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spill, "PART_ROWS", 100)
    monkeypatch.setattr(spill, "_RESPLIT_ROWS", 400)
    rows = pl.DataFrame({"user": ["hub"] * 1000, "pin": [f"p{i}" for i in range(1000)]})
    spilled = Spill(tmp_path, "rows", 4, Split("user", "pin"))
    spilled.add(rows)
    parts = list(spilled.parts())
    assert len({name for name, _ in parts}) == len(parts) == 10
    assert max(frame.height for _, frame in parts) < 200
    assert pl.concat([frame for _, frame in parts]).sort("pin").equals(rows.sort("pin"))


def test_batches_are_named_by_what_they_hold() -> None:
    rows = pl.DataFrame({"user": ["b", "a", "b", "c"], "target": ["p", "q", "p", "r"]})
    once, doubles = tidy(rows)
    assert (once["user"].to_list(), doubles) == (["a", "b", "c"], 1)
    names = [batch.name for batch in batches("t/0", once, 2)]
    assert names == [batch.name for batch in batches("t/0", tidy(rows.reverse())[0], 2)]
    assert (
        names[1:]
        == [batch.name for batch in batches("t/0", once.with_columns(target=pl.Series(["p", "x", "r"])), 2)][1:]
    )
    assert names[0] != next(batches("t/0", once.with_columns(target=pl.Series(["x", "p", "r"])), 2)).name


def test_the_quarantine_keeps_every_row_and_says_the_first(tmp_path: Path) -> None:
    with Quarantine(tmp_path / "quarantine", "load1", tmp_path) as refusals:
        refusals.add(
            "users.csv",
            Table.USERS,
            [Refused(3, "id is empty", {"country": "DE"}), Refused(9, "the line is not valid UTF-8", "\\xff")],
        )
        refusals.keep()
        refusals.check(200, 0.01)
        with pytest.raises(
            QuarantineThresholdError, match=r"2 of 199 rows .* the first is users.csv line 3: id is empty"
        ):
            refusals.check(199, 0.01)
    kept = tmp_path / "quarantine" / "load1.jsonl"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [orjson.loads(line) for line in kept.read_bytes().splitlines()] == [
        {"file": "users.csv", "line": 3, "table": "users", "reason": "id is empty", "raw": {"country": "DE"}},
        {"file": "users.csv", "line": 9, "table": "users", "reason": "the line is not valid UTF-8", "raw": "\\xff"},
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["quarantine"]


def test_counts_that_do_not_add_up_are_told() -> None:
    summary = LoadSummary("l", "s", 10, 4, 3, 2, 1, 0, 0, 5, "h", 1.0, 1.0, None, {}, {})
    summary.check()
    with pytest.raises(TerminalError, match="read 10 rows but accounts for 9"):
        replace(summary, written=3).check()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no table; expected are users, pins, boards"),
        ({"readme.txt": b"", "dataset.json": b"{}"}, "holds no table"),
        ({"users.csv": b"id\n", "users.jsonl.gz": b""}, "holds users twice, users.csv and users.jsonl.gz; keep one"),
        ({"users.csv": b"id\n", "dataset.json": b"[1]"}, "must be one JSON object"),
        ({"users.csv": b"id\n", "dataset.json": b'{"exported_at": "soon"}'}, "exported_at is 'soon'"),
        ({"users.csv": b"id\n", "dataset.json": b'{"exported_at": "2100-01-01"}'}, "over 24 h in the future"),
    ],
)
def test_a_folder_that_can_not_be_used_is_told_in_one_line(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidInputError, match=said) as error:
        open_folder(tmp_path, NOW_MS)
    assert "\n" not in str(error.value)


def test_a_folder_says_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "user.csv").write_bytes(b"id\n")
    (tmp_path / "users.csv").write_bytes(b"id\n")
    (tmp_path / "dataset.json").write_bytes(b'{"exported_at": "2024-01-01T00:00:00Z"}')
    folder = open_folder(tmp_path, NOW_MS)
    assert list(folder.files) == [Table.USERS]
    assert folder.exported_at == 1_704_067_200_000
    assert "user.csv is no table" in capsys.readouterr().err
