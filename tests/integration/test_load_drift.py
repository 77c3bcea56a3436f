"""A source that looks unlike the last ones is told of, and refused with --strict before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import Done, run

Load = Callable[..., Done]
DAY_MS = 86_400_000
START_MS = 1_700_000_000_000


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Load:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TASTEGRAPH_STORE", raising=False)
    monkeypatch.delenv("NEO4J_URI", raising=False)
    return lambda *arguments: run(capsys, "load", *arguments, "--json")


def export(path: Path, day: int, kinds: str = "SAVE", start: int = START_MS, rows: int = 400) -> Path:
    """A day's export: rows of these kinds by turns, over a day."""
    path.mkdir()
    words = kinds.split()
    times = (start + day * DAY_MS + place * 100_000 for place in range(rows))
    lines = [f"u{place % 50},p{place},{words[place % len(words)]},{at}\n" for place, at in enumerate(times)]
    (path / "interactions.csv").write_text("user_id,pin_id,kind,at\n" + "".join(lines))
    users = "".join(f"u{place},{START_MS},DE\n" for place in range(150))
    (path / "users.csv").write_text("id,created_at,country\n" + users)
    return path


@pytest.fixture
def loaded(load: Load, tmp_path: Path) -> Path:
    for day in range(3):
        assert not load(export(tmp_path / f"day{day}", day, "SAVE SAVE VIEW"), "--strict").err
    return tmp_path


def test_days_that_are_alike_are_not_told_of(load: Load, loaded: Path) -> None:
    assert load(export(loaded / "next", 4, "SAVE SAVE VIEW VIEW", rows=300), "--strict").err == ""
    assert load(loaded / "day1", "--strict").err == ""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kinds": "VIEW"}, "interactions: 0% of the rows are SAVE, usually 67%"),
        ({"kinds": "SAVE SAVE HIDE"}, "interactions: 33% of the rows are HIDE, usually 0%"),
        ({"rows": 20}, "interactions: 20 rows, usually about 400"),
        ({"start": START_MS // 1000}, "the oldest is of 1970-01-"),
        ({"day": -90}, "interactions: the newest is of 2023-08-17, before that of the last load"),
    ],
)
def test_what_is_unlike_is_told_and_refused_if_asked(
    load: Load, loaded: Path, changed: dict[str, str | int], said: str
) -> None:
    odd = export(loaded / "odd", **{"day": 4, "kinds": "SAVE SAVE VIEW", **changed})  # type: ignore[arg-type]
    before = load(loaded / "day2").result["content_hash"]
    refused = load(odd, "--strict")
    assert (refused.code, said in refused.said) == (1, True), refused
    assert load(odd, "--strict", "--dry-run").code == 1
    assert load(loaded / "day2").result["content_hash"] == before
    done = load(odd)
    assert (done.code, said in done.err.replace("\n", " ")) == (0, True), done
    assert load(odd).result["unchanged"] > 0


def test_an_empty_column_is_told(load: Load, loaded: Path) -> None:
    odd = export(loaded / "odd", 4, "SAVE SAVE VIEW")
    rows = (odd / "users.csv").read_text().replace(str(START_MS), "")
    (odd / "users.csv").write_text(rows)
    done = load(odd, "--strict")
    assert (done.code, "users: created_at is empty in 100% of the rows, usually in 0%" in done.said) == (1, True), done


def test_a_choice_of_rows_is_no_drift_and_leaves_no_mark(load: Load, loaded: Path) -> None:
    assert not load(export(loaded / "odd", 4, "VIEW"), "--strict", "--since", "2020-01-01").err
    assert not load(loaded / "odd", "--strict", "--limit", "300").err
    assert load(loaded / "odd", "--strict").code == 1
