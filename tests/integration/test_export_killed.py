"""An export that is killed, at any moment, leaves no snapshot, and run again makes the one that it would have made."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from graph.sealed import leftovers
from graph.snapshot import Snapshot
from loaders.synthetic import Sizes, write_synthetic
from tests.commands import run, start

KILLS = 4


def files_written(snapshots: Path) -> int:
    """Files in the folder that is being built."""
    # Not glob, which trips over a folder that is renamed meanwhile.
    return sum(len(files) for folder, _, files in os.walk(snapshots) if ".tmp-" in folder)


def kill_at(snapshots: Path, files: int) -> bool:
    """Kills an export when it has written so many files; False if it was quicker than that."""
    process = start("snapshot", "--json")
    while process.poll() is None and files_written(snapshots) < max(files, 1):
        time.sleep(0.001)
    process.kill()
    process.communicate()
    return process.returncode < 0


def test_a_killed_export_run_again_makes_the_same_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    write_synthetic(data, Sizes(users=400, pins=800, boards=500, interactions=12_000, interests=10), seed=3)
    home = tmp_path / "home"
    monkeypatch.setenv("TASTEGRAPH_HOME", str(home))
    assert run(capsys, "load", data, "--json").code == 0
    undisturbed = run(capsys, "snapshot", "--json").result
    [made] = (home / "snapshots").iterdir()
    total = sum(1 for path in made.rglob("*") if path.is_file())
    made.rename(tmp_path / made.name)

    killed_at: list[int] = []
    for kill in range(KILLS):
        while not kill_at(home / "snapshots", round(total * kill / KILLS)):
            for late in (home / "snapshots").iterdir():
                shutil.rmtree(late)  # it was over before it was killed
        killed_at.append(files_written(home / "snapshots"))
        assert all(path.name.startswith(".tmp-") for path in (home / "snapshots").iterdir()), "half a snapshot is there"
        assert list(leftovers(home / "snapshots"))
    assert len(set(killed_at)) > 1, "the kills must fall into the writing"

    again = run(capsys, "snapshot", "--json").result
    assert again["content_hash"] == undisturbed["content_hash"]
    [only] = (home / "snapshots").iterdir()
    assert Snapshot.open(only).content_hash == Snapshot.open(tmp_path / made.name).content_hash
