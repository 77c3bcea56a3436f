"""The same loads into a real Neo4j: the same content as in SQLite, idempotent, and clear when it can't be reached."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from loaders.synthetic import Sizes, write_synthetic
from tests.commands import run
from tests.conftest import Neo4jEndpoint


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A few thousand rows of every table, some of them doubles, conflicts and bad."""
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    folder = tmp_path / "data"
    write_synthetic(folder, Sizes(users=200, pins=300, boards=200, interactions=3_000, interests=8), seed=5)
    (folder / "entities.csv").write_text("id,name\ne1,Rome\ne2,\n")
    (folder / "pin_entities.csv").write_text("pin_id,entity_id\np1,e1\np1,e1\np2,e3\n")
    (folder / "relations.csv").write_text("head_id,predicate,tail_id\ne1,part_of,e2\ne2,near,e4\n")
    (folder / "dataset.json").write_text('{"exported_at": "2024-01-01"}')
    with (folder / "interactions.csv").open("a") as file:
        file.write("stranger,p1,,UNSAVE,\n" * 2 + "u1,p1,nowhere,SAVE,1\n")
    return folder


@pytest.mark.neo4j
def test_a_folder_is_the_same_in_both_stores_and_loads_twice(
    data: Path,
    empty_neo4j: Neo4jEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NEO4J_USERNAME", empty_neo4j.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", empty_neo4j.auth[1])
    embedded = run(capsys, "load", data, "--json").result
    first = run(capsys, "load", data, "--store", empty_neo4j.uri, "--json").result
    for name in ("load_id", "read", "written", "duplicates", "quarantined", "edges_written", "content_hash", "tables"):
        assert first[name] == embedded[name]
    proven = run(capsys, "load", data, "--store", empty_neo4j.uri, "--json").result
    for proof in (tmp_path / "home" / "checkpoints").glob("*.json"):
        proof.unlink()
    full = run(capsys, "load", data, "--store", empty_neo4j.uri, "--json").result
    assert (proven["proven"], full["proven"]) == (True, False)
    for again in (proven, full):
        assert (again["written"], again["unchanged"], again["content_hash"]) == (
            0,
            first["written"],
            first["content_hash"],
        )


def shuffled(folder: Path, to: Path) -> Path:
    """The same rows, a third of them twice, in another order."""
    dice = random.Random(9)
    to.mkdir()
    for file in folder.iterdir():
        head, *rows = file.read_text().splitlines(keepends=True)
        if file.suffix == ".csv":
            rows += dice.sample(rows, len(rows) // 3)
            dice.shuffle(rows)
        (to / file.name).write_text(head + "".join(rows))
    return to


@pytest.mark.neo4j
def test_neither_order_nor_repetition_of_rows_matters(
    data: Path,
    empty_neo4j: Neo4jEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NEO4J_USERNAME", empty_neo4j.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", empty_neo4j.auth[1])
    in_order = run(capsys, "load", data, "--json").result
    other = shuffled(data, tmp_path / "shuffled")
    mixed = run(capsys, "load", other, "--store", empty_neo4j.uri, "--json").result
    assert mixed["content_hash"] == in_order["content_hash"]
    assert mixed["written"] == in_order["written"]


@pytest.mark.neo4j
def test_wrong_credentials_are_told_in_one_line(
    data: Path, neo4j_server: Neo4jEndpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEO4J_USERNAME", "neo4j")
    monkeypatch.setenv("NEO4J_PASSWORD", "certainly wrong")
    if not neo4j_server.auth[1]:
        pytest.skip("this Neo4j asks for no password")
    done = run(capsys, "load", data, "--store", neo4j_server.uri)
    assert (done.code, "NEO4J_PASSWORD" in done.said) == (4, True)


def test_no_neo4j_at_the_url_is_told_in_one_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "load", data, "--store", "bolt://127.0.0.1:1")
    assert (done.code, "bolt://127.0.0.1:1" in done.said) == (4, True)
