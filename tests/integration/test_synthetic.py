"""Synthetic data: the same bytes for the same seed, the sizes asked for, and the interests that were planted."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from loaders.synthetic import Sizes, write_synthetic
from tests.commands import run

SIZES = Sizes(users=500, pins=1_000, boards=700, interactions=30_000, interests=12)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    write_synthetic(folder, SIZES, seed=7)
    return folder


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"{name}.csv", infer_schema=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_seed_gives_the_same_bytes_and_another_seed_others(data: Path, tmp_path: Path) -> None:
    for name, seed in (("same", 7), ("other", 8)):
        write_synthetic(tmp_path / name, SIZES, seed)
    assert contents(tmp_path / "same") == contents(data)
    assert contents(tmp_path / "other")["interactions.csv"] != contents(data)["interactions.csv"]


def test_the_sizes_are_those_asked_for(data: Path) -> None:
    sizes = {name: table(data, name).height for name in ("users", "pins", "boards", "interactions")}
    assert sizes == {"users": 500, "pins": 1_000, "boards": 700, "interactions": 30_000}
    interests = table(data, "interests")
    assert interests["parent_id"].is_not_null().sum() == 12


def test_a_user_acts_on_few_interests_and_a_popular_pin_gets_much(data: Path) -> None:
    interactions = table(data, "interactions").join(table(data, "pin_interests"), on="pin_id")
    by_interest = interactions.group_by("user_id", "interest_id").len().sort("len", descending=True)
    top = by_interest.group_by("user_id", maintain_order=True).head(3)["len"].sum()
    assert top / interactions.height > 0.85  # by chance it would be 3 of 12
    by_pin = interactions.group_by("pin_id").len()["len"].sort(descending=True)
    assert by_pin.head(100).sum() / interactions.height > 0.3  # by chance it would be a tenth
    users = interactions.group_by("user_id").len()["len"].sort(descending=True)
    assert users.head(50).sum() / interactions.height > 0.3


def test_a_save_goes_to_a_board_of_its_user(data: Path) -> None:
    saved = table(data, "interactions").filter(pl.col("board_id").is_not_null()).join(
        table(data, "boards"), left_on="board_id", right_on="id"
    )  # fmt: skip
    assert saved.height > 1_000
    assert (saved["kind"] == "SAVE").all()
    assert (saved["user_id"] == saved["owner_id"]).all()


def test_the_command_writes_what_loads_without_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    sizes = ["--users", 50, "--pins", 80, "--boards", 0, "--interactions", 0, "--interests", 3]
    done = run(capsys, "synth", tmp_path / "data", *sizes, "--seed", 1, "--json").result
    assert (done["users"], done["boards"], done["interactions"]) == (50, 0, 0)
    summary = run(capsys, "load", tmp_path / "data", "--json").result
    assert summary["read"] == summary["written"] == sum(done[name] for name in summary["tables"])
    taken = run(capsys, "synth", tmp_path / "data", *sizes)
    assert (taken.code, "holds something else" in taken.said) == (2, True)
    none = run(capsys, "synth", tmp_path / "none", "--users", 0)
    assert (none.code, "--users 0 is too few" in none.said) == (2, True)


def test_its_snapshot_is_that_of_the_loaded_data(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    assert run(capsys, "load", data, "--json").code == 0
    loaded = run(capsys, "snapshot", "--json").result
    options = [str(part) for name in ("users", "pins", "boards", "interactions", "interests") for part in
               (f"--{name}", getattr(SIZES, name))]  # fmt: skip
    straight = run(capsys, "synth", tmp_path / "straight", "--snapshot", *options, "--json").result
    assert straight["snapshot"].rpartition("-")[2] == loaded["content_hash"][:12]
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "straight"))
    assert run(capsys, "export", "ego", "p0", "--out", tmp_path / "p0.json", "--format", "json").code == 0
