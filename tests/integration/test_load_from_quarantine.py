"""Refused rows, mended and loaded: the store ends as if they had been right at first, and none gets lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.commands import Done, run

Load = Callable[..., Done]
GOOD = {
    "users.csv": "id,created_at,country\n" + "".join(f"u{i},2020-01-01,DE\n" for i in range(500)),
    "boards.jsonl": '{"id": "b1", "owner_id": "u1", "secret": true}\n',
    "interactions.csv": "user_id,pin_id,board_id,kind,at,weight\nu1,p1,b1,SAVE,5,\nu1,p2,,VIEW,6,0.5\nu2,p1,,VIEW,7,\n",
    "dataset.json": '{"exported_at": "2024-02-01T00:00:00Z"}',
}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Load:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TASTEGRAPH_STORE", raising=False)
    monkeypatch.delenv("NEO4J_URI", raising=False)
    return lambda *arguments: run(capsys, "load", *arguments, "--json")


def folder(path: Path, **changes: tuple[str, str]) -> Path:
    path.mkdir()
    for name, content in GOOD.items():
        (path / name).write_text(content.replace(*changes.get(name.partition(".")[0], ("", ""))))
    return path


def kept(path: str | Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in Path(path).read_bytes().splitlines()]


def mend(path: str | Path, **cells: str) -> None:
    rows = kept(path)
    for row in rows:
        row["raw"] |= {name: cell for name, cell in cells.items() if name in row["raw"]}
    Path(path).write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))


def test_mended_rows_end_as_if_they_had_been_right(load: Load, tmp_path: Path) -> None:
    bad = folder(tmp_path / "bad", users=("u7,2020-01-01", "u7,soon"), interactions=("0.5", "-0.5"))
    first = load(bad).result
    assert first["quarantined"] == 2
    mend(first["quarantine_file"], created_at="2020-01-01", weight="0.5")
    summary = load("--from-quarantine").result
    assert (summary["read"], summary["written"], summary["quarantined"]) == (2, 2, 0)
    assert summary["quarantine_file"] is None
    assert not Path(first["quarantine_file"]).exists()
    right = load(folder(tmp_path / "right"), "--store", f"sqlite:///{tmp_path}/right.db").result
    assert summary["content_hash"] == right["content_hash"]
    done = load("--from-quarantine")
    assert (done.code, "there is no quarantine" in done.said) == (2, True)


def test_what_still_fails_stays_under_its_first_place(load: Load, tmp_path: Path) -> None:
    bad = folder(tmp_path / "bad", users=("u7,2020-01-01", "u7,soon"), interactions=("u2,p1,,VIEW,7,", "u2,p1"))
    first = load(bad).result
    before = kept(first["quarantine_file"])
    mend_first = [{**row, "raw": {"id": "u7", "created_at": "1"}} if row["table"] == "users" else row for row in before]
    Path(first["quarantine_file"]).write_bytes(b"\n".join(map(orjson.dumps, mend_first)))
    summary = load(first["quarantine_file"], "--from-quarantine").result
    assert (summary["written"], summary["quarantined"], summary["read"]) == (1, 1, 2)
    (row,) = kept(summary["quarantine_file"])
    assert (row["file"], row["line"], row["table"], row["raw"]) == ("interactions.csv", 4, "interactions", "u2,p1")
    again = load("--from-quarantine").result
    assert (again["read"], again["quarantined"]) == (1, 1)
    assert kept(again["quarantine_file"]) == [row]


def test_a_dry_run_of_it_leaves_it_where_it_is(load: Load, tmp_path: Path) -> None:
    first = load(folder(tmp_path / "bad", users=("u7,2020-01-01", "u7,soon"))).result
    mend(first["quarantine_file"], created_at="5")
    assert load("--from-quarantine", "--dry-run").result["valid"] == 1
    assert load("--from-quarantine").result["written"] == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no row"),
        (b'{"file": "users.csv", "line": 1, "table": "users"}\n', "line 1 is no row of a quarantine"),
        (b'\n{"file": "a", "line": 1, "table": "people", "raw": {}}\n', "line 2 is no row of a quarantine"),
        (b"{", "line 1 is no row of a quarantine"),
    ],
)
def test_a_file_that_is_no_quarantine_is_told(load: Load, tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    done = load(path, "--from-quarantine")
    assert (done.code, told in done.said) == (2, True), done
    assert path.read_bytes() == content
