"""What other teams get: vectors and profiles that can be read elsewhere, equal to what is served, with their lineage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest
from pyarrow import parquet

from embeddings.release import Release, current, publish
from graph.model import NodeKind
from graph.settings import Home
from graph.visibility import ADMIN
from recommend.profile import interests_of
from recommend.serving import Serving
from tests.commands import run
from tests.crowds import published_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return published_home(tmp_path / "home")


def test_vectors_are_those_of_the_artifact(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, "export", "embeddings", "--out", tmp_path / "out", "--json").result
    artifact = Serving.open(home).artifact
    assert artifact is not None
    for kind in NodeKind:
        table = parquet.read_table(tmp_path / "out" / f"{kind.value.lower()}.parquet")
        vectors = artifact.vectors[kind]
        assert table.column("id").to_pylist() == [vectors.ids.id_of(row) for row in range(len(vectors.ids))]
        exported = np.array(table.column("vector").to_pylist(), np.float32).reshape(-1, artifact.dim)
        np.testing.assert_array_equal(exported, vectors.matrix)
        assert result["rows"][kind.value.lower()] == len(vectors.ids)
    lineage = orjson.loads((tmp_path / "out" / "lineage.json").read_bytes())
    assert lineage["release"] == current(home).name
    assert lineage["content_hash"] == Serving.open(home).snapshot.content_hash
    assert lineage["artifact"] == f"{artifact.model}/{artifact.version}"


def test_profiles_are_what_is_served(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "export", "profiles", "--out", tmp_path / "out")
    serving = Serving.open(home)
    users, interests = serving.snapshot.nodes[NodeKind.USER], serving.snapshot.nodes[NodeKind.INTEREST]
    rows = parquet.read_table(tmp_path / "out" / "profiles.parquet").to_pylist()
    expected = [
        (users.id_of(user), rank, interests.id_of(found.row), found.score)
        for user in range(len(users))
        for rank, found in enumerate(interests_of(serving, user, first=20, viewer=ADMIN), start=1)
    ]
    assert expected
    assert [(row["user_id"], row["rank"], row["interest_id"], row["score"]) for row in rows] == expected
    assert all(row["evidence"] is not None for row in rows)


def test_only_the_owner_may_read_what_is_of_users(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "export", "profiles", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "profiles.parquet").stat().st_mode & 0o077 == 0
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


def test_what_is_there_is_left_alone(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    done = run(capsys, "export", "profiles", "--out", tmp_path / "out")
    assert done.code == 1
    assert "is there already" in done.said
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_release_without_vectors_has_none_to_export(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(home, Release("20240602T000000Z-000000", "2024-06-02T00:00:00Z", current(home).snapshot, {}))
    done = run(capsys, "export", "embeddings", "--out", tmp_path / "out")
    assert done.code == 1
    assert "tastegraph train" in done.said
    assert not (tmp_path / "out").exists()
