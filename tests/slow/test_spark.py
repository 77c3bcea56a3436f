"""A folder that Spark loads is the same graph as the one-process loader's: same counts, same content hash, same refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

from loaders.synthetic import Sizes, write_synthetic
from tests.commands import run
from tests.conftest import Neo4jEndpoint

pytest.importorskip("pyspark", reason="requirements/spark.txt is not installed; `make test-slow` does")
pytestmark = [pytest.mark.slow, pytest.mark.neo4j, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

COUNTS = ("read", "written", "unchanged", "duplicates", "conflicts", "quarantined", "content_hash", "load_id")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Every table, in every format, with doubles, conflicts, dangling and bad rows."""
    folder = tmp_path / "data"
    write_synthetic(folder, Sizes(users=300, pins=500, boards=300, interactions=20_000, interests=10), seed=11)
    (folder / "entities.jsonl").write_text('{"id": "e1", "name": "Rome"}\n{"id": "e2"}\n')
    (folder / "pin_entities.csv").write_text("pin_id,entity_id\np1,e1\np1,e1\np2,e3\n")
    (folder / "relations.csv").write_text("head_id,predicate,tail_id\ne1,part_of,e2\ne2,near,e4\n")
    (folder / "dataset.json").write_text('{"exported_at": "2024-01-01"}')
    with (folder / "interactions.csv").open("a") as file:
        file.write("stranger,p1,,UNSAVE,\n" * 2 + "u1,p1,nowhere,SAVE,1\nu1,p1,,LIKE,1\nu1,p1\n")
    with (folder / "follows.csv").open("a") as file:
        file.write("u1,BOARD,nowhere,FOLLOW,\nu1,USER,newcomer,FOLLOW,\n")
    users = folder / "users.csv"
    pl.read_csv(users, infer_schema=False).write_parquet(folder / "users.parquet", row_group_size=100)
    users.unlink()
    return folder


def refused(summary: dict[str, Any]) -> set[tuple[str, int, str]]:
    rows = map(orjson.loads, Path(summary["quarantine_file"]).read_bytes().splitlines())
    return {(row["file"], row["line"], row["reason"]) for row in rows}


def test_spark_loads_the_same_graph(
    data: Path,
    empty_neo4j: Neo4jEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NEO4J_USERNAME", empty_neo4j.auth[0])
    monkeypatch.setenv("NEO4J_PASSWORD", empty_neo4j.auth[1])
    monkeypatch.setattr("loaders.pieces.PIECE_BYTES", 100_000)
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "alone"))
    alone = run(capsys, "load", data, "--json").result
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "spark"))
    spark = run(capsys, "load", data, "--engine", "spark", "--store", empty_neo4j.uri, "--json").result
    assert {name: spark[name] for name in COUNTS} == {name: alone[name] for name in COUNTS}
    assert spark["tables"] == alone["tables"]
    assert refused(spark) == refused(alone)
    for proof in (tmp_path / "spark" / "checkpoints").glob("*.json"):
        proof.unlink()
    again = run(capsys, "load", data, "--store", empty_neo4j.uri, "--json").result
    assert (again["written"], again["unchanged"]) == (0, alone["written"])
    assert again["content_hash"] == alone["content_hash"]


def test_what_spark_can_not_load_is_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    done = run(capsys, "load", data, "--engine", "spark", "--store", f"sqlite:///{tmp_path}/store.db")
    assert (done.code, "--engine spark writes to Neo4j" in done.said) == (2, True)
    done = run(capsys, "load", data, "--engine", "spark", "--limit", "5")
    assert (done.code, "--limit and --since are not for" in done.said) == (2, True)
