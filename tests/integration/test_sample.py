"""The sample: what `tastegraph sample` writes, and that it loads, twice, into the embedded store."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from graph.model import Board, EdgeKind, EventKind, Id, NodeKind, Pin
from graph.stores import open_store
from loaders.samples import people_title
from loaders.wheel import WHEEL, fetched_wheel
from tests.commands import DOWNLOADS, run
from tests.sample_folder import sample_folder


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_folder(tmp_path_factory.mktemp("movielens") / "sample")


def rows(folder: Path, table: str) -> Iterator[dict[str, str]]:
    with gzip.open(folder / f"{table}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def test_it_is_movielens_100k_with_its_knowledge_graph(sample: Path) -> None:
    counts = {
        path.name.partition(".")[0]: sum(1 for _ in rows(sample, path.name.partition(".")[0]))
        for path in sample.glob("*.gz")
    }
    assert counts["users"] == 943
    assert counts["pins"] == 1_682
    assert counts["interactions"] == 100_000
    assert counts["interests"] == 19
    assert counts["relations"] == 91_631
    kinds = Counter(row["kind"] for row in rows(sample, "interactions"))
    assert kinds == {"SAVE": 55_375, "VIEW": 44_625}
    assert "GroupLens" in (sample / "SOURCE.md").read_text()


def test_a_high_rating_is_a_save_to_the_shelf_of_the_films_first_genre(sample: Path) -> None:
    titles = {row["id"]: row["title"] for row in rows(sample, "pins")}
    assert titles["1"] == "Toy Story (1995)"
    assert titles["639"] == "The Tin Drum (Die Blechtrommel) (1979)"
    assert titles["267"] == "Unknown"
    assert all(title.endswith(")") for id_, title in titles.items() if id_ != "267")
    first = {}
    for row in rows(sample, "pin_interests"):
        first.setdefault(row["pin_id"], row["interest_id"])
    owners = {row["id"]: row["owner_id"] for row in rows(sample, "boards")}
    for row in rows(sample, "interactions"):
        if row["kind"] == "SAVE":
            assert row["board_id"] == f"{row['user_id']}/{first[row['pin_id']]}"
            assert owners[row["board_id"]] == row["user_id"]
            assert not row["weight"]
        else:
            assert not row["board_id"]
            assert float(row["weight"]) in {0.2, 0.4, 0.6}


@pytest.mark.parametrize(
    ("spelled", "said"),
    [
        ("Toy Story", "Toy Story"),
        ("Usual Suspects, The", "The Usual Suspects"),
        ("Horseman on the Roof, The (Hussard sur le toit, Le)", "The Horseman on the Roof (Le Hussard sur le toit)"),
        ("Star Maker, The (Uomo delle stelle, L')", "The Star Maker (L'Uomo delle stelle)"),
        ("Paris, Texas", "Paris, Texas"),
        ("I, Worst of All", "I, Worst of All"),
    ],
)
def test_titles_are_as_people_say_them(spelled: str, said: str) -> None:
    assert people_title(spelled) == said


def test_it_loads_twice_to_the_same_end(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path))
    first = run(capsys, "load", sample, "--json").result
    assert first["read"] == first["written"] == 241_318
    assert first["quarantined"] == 0
    for proof in (tmp_path / "checkpoints").glob("*.json"):
        proof.unlink()
    again = run(capsys, "load", sample, "--json").result
    assert (again["read"], again["unchanged"], again["proven"]) == (241_318, 241_318, False)
    assert again["content_hash"] == first["content_hash"]
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    counts = store.counts()
    assert counts.nodes == {"User": 943, "Pin": 1_682, "Board": 7_924, "Interest": 19, "Entity": 34_628}
    assert (counts.events[EventKind.SAVE], counts.events[EventKind.VIEW]) == (55_375, 44_625)
    assert counts.edges[EdgeKind.RELATES] == 91_631
    assert store.node(NodeKind.BOARD, Id("196/Comedy")) == Board(
        Id("196/Comedy"), Id("196"), "Comedy shelf of user 196"
    )
    assert store.node(NodeKind.PIN, Id("50")) == Pin(Id("50"), "Star Wars (1977)", attributes='{"year":"1977"}')


def test_the_command_writes_the_same_bytes_and_overwrites_nothing(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    wheel = fetched_wheel(DOWNLOADS)
    written = run(capsys, "sample", tmp_path / "again", "--wheel", wheel, "--json").result
    assert (written["users"], written["interactions"]) == (943, 100_000)
    names = sorted(path.name for path in sample.iterdir())
    assert [(tmp_path / "again" / name).read_bytes() for name in names] == [
        (sample / name).read_bytes() for name in names
    ]
    assert run(capsys, "sample", tmp_path / "again", "--wheel", wheel).code == 0
    (tmp_path / "again" / "users.csv.gz").write_bytes(b"mine")
    refused = run(capsys, "sample", tmp_path / "again", "--wheel", wheel)
    assert (refused.code, "holds something else" in refused.said) == (2, True)
    assert (tmp_path / "again" / "users.csv.gz").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again"]


def test_a_changed_wheel_and_no_network_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    offline = run(capsys, "sample", tmp_path / "out")
    assert (offline.code, "can't be fetched" in offline.said, "--wheel" in offline.said) == (1, True, True)
    cached = tmp_path / "home" / "downloads" / WHEEL
    changed = bytearray(fetched_wheel(DOWNLOADS).read_bytes())
    changed[1000] ^= 1
    cached.write_bytes(changed)
    for arguments in ([], ["--wheel", cached]):
        refused = run(capsys, "sample", tmp_path / "out", *arguments)
        assert (refused.code, "SHA-256" in refused.said) == (1, True)
    missing = run(capsys, "sample", tmp_path / "out", "--wheel", tmp_path / "none.whl")
    assert (missing.code, "can't be read" in missing.said) == (2, True)
    cached.write_bytes(fetched_wheel(DOWNLOADS).read_bytes())
    assert orjson.loads(run(capsys, "sample", tmp_path / "out", "--json").out)["users"] == 943
