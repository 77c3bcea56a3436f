"""`tastegraph load` as its users meet it: what is loaded, what is refused, and what is left as it was."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.model import Board, EdgeKind, EventKind, Id, Interest, NodeKind, Pin, User
from graph.ports import GraphStore
from graph.stores import open_store
from tests.commands import Done, run

Load = Callable[..., Done]
INTERACTIONS = "user_id,pin_id,board_id,kind,at\nu1,p1,b1,SAVE,2024-01-01T00:00:00Z\nu1,p2,,VIEW,\nu2,p1,,CLICK,5\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TASTEGRAPH_STORE", raising=False)
    monkeypatch.delenv("NEO4J_URI", raising=False)
    return tmp_path / "home"


@pytest.fixture
def load(home: Path, capsys: pytest.CaptureFixture[str]) -> Load:
    return lambda *arguments: run(capsys, "load", *arguments, "--json")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return folder(
        tmp_path / "good",
        {
            "users.csv": "id,created_at,country\nu1,2020-01-01,DE\n",
            "pins.jsonl": '{"id": "p1", "title": "Pasta", "tags": ["food"]}\n',
            "boards.csv": "id,owner_id,title,secret\nb1,u1,Dinner,true\n",
            "interests.csv": "id,name,parent_id\ni2,Pasta,i1\ni1,Food,\n",
            "interactions.csv": INTERACTIONS,
            "follows.csv": "user_id,target_kind,target_id,kind\nu1,USER,u3,FOLLOW\nu2,INTEREST,i2,\nu2,BOARD,b1,FOLLOW\n",
            "pin_interests.csv": "pin_id,interest_id,score\np1,i2,0.5\n",
            "pin_entities.csv": "pin_id,entity_id\np1,e1\n",
            "relations.csv": "head_id,predicate,tail_id\ne1,made_of,e2\n",
            "dataset.json": '{"exported_at": "2024-02-01T00:00:00Z"}',
        },
    )


def folder(path: Path, files: dict[str, str | bytes]) -> Path:
    path.mkdir(exist_ok=True)
    for name, content in files.items():
        (path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def store_of(home: Path) -> GraphStore:
    return open_store(f"sqlite:///{home}/store.db")


def counts_add_up(summary: dict[str, Any]) -> bool:
    kinds = ("written", "unchanged", "duplicates", "conflicts", "quarantined")
    return all(part["read"] == sum(part[kind] for kind in kinds) for part in [summary, *summary["tables"].values()])


def test_every_table_is_in_the_store_afterwards(load: Load, home: Path, good: Path) -> None:
    summary = load(good).result
    assert counts_add_up(summary)
    assert (summary["read"], summary["written"], summary["quarantined"]) == (14, 14, 0)
    assert (
        summary["edges_written"] == 12
    )  # OWNS, CHILD_OF, SAVED + HOLDS, VIEWED, CLICKED, 3 FOLLOWS, ABOUT, IS, RELATES
    store = store_of(home)
    assert store.content_hash() == summary["content_hash"]
    assert store.node(NodeKind.USER, Id("u1")) == User(Id("u1"), 1_577_836_800_000, '{"country":"DE"}')
    assert store.node(NodeKind.PIN, Id("p1")) == Pin(Id("p1"), "Pasta", None, None, '{"tags":["food"]}')
    assert store.node(NodeKind.PIN, Id("p2")) == Pin(Id("p2"))
    assert store.node(NodeKind.BOARD, Id("b1")) == Board(Id("b1"), Id("u1"), "Dinner", secret=True)
    assert store.node(NodeKind.INTEREST, Id("i2")) == Interest(Id("i2"), "Pasta", Id("i1"))
    assert store.node(NodeKind.USER, Id("u3")) == User(Id("u3"))
    assert store.saves(Id("u1"), 10) == [("p1", "b1", 1_704_067_200_000)]
    counts = store.counts()
    assert counts.nodes == {"User": 3, "Pin": 2, "Board": 1, "Interest": 2, "Entity": 2}
    assert {kind: n for kind, n in counts.events.items() if n} == {
        EventKind.SAVE: 1, EventKind.VIEW: 1, EventKind.CLICK: 1, EventKind.FOLLOW: 3,
    }  # fmt: skip
    assert counts.edges[EdgeKind.ABOUT] == counts.edges[EdgeKind.IS] == counts.edges[EdgeKind.RELATES] == 1
    assert store.unfinished_loads() == []


def test_the_same_folder_again_changes_nothing_with_and_without_the_proof(load: Load, home: Path, good: Path) -> None:
    first = load(good).result
    proven = load(good).result
    for proof in (home / "checkpoints").glob("*.json"):
        proof.unlink()
    full = load(good).result
    assert (proven["proven"], full["proven"]) == (True, False)
    for again in (proven, full):
        assert counts_add_up(again)
        assert (again["read"], again["unchanged"], again["written"]) == (14, 14, 0)
        assert again["content_hash"] == first["content_hash"]
    assert proven["tables"] == full["tables"]
    assert store_of(home).unfinished_loads() == []


def test_a_proof_is_not_believed_when_the_store_has_changed_or_is_another(
    load: Load, home: Path, good: Path, tmp_path: Path
) -> None:
    first = load(good).result
    other = load(folder(tmp_path / "more", {"users.csv": "id,country,updated_at\nu1,FR,2024-03-01\n"})).result
    again = load(good).result
    assert not again["proven"]
    assert again["written"] == 0
    assert again["content_hash"] == other["content_hash"] != first["content_hash"]
    (home / "store.db").unlink()
    anew = load(good).result
    assert (anew["proven"], anew["written"], anew["content_hash"]) == (False, 14, first["content_hash"])


def test_a_newer_folder_updates_and_adds_and_doubles_nothing(
    load: Load, home: Path, good: Path, tmp_path: Path
) -> None:
    load(good)
    newer = folder(
        tmp_path / "newer",
        {
            "pins.csv": "id,title\np1,Fresh pasta\n",
            "interactions.csv": INTERACTIONS + "u1,p3,b1,SAVE,2024-01-02T00:00:00Z\n",
            "dataset.json": '{"exported_at": "2024-03-01T00:00:00Z"}',
        },
    )
    summary = load(newer).result
    assert (summary["written"], summary["unchanged"]) == (2, 3)
    store = store_of(home)
    assert store.node(NodeKind.PIN, Id("p1")) == Pin(Id("p1"), "Fresh pasta")
    assert [pin for pin, _, _ in store.saves(Id("u1"), 10)] == ["p3", "p1"]
    older = folder(tmp_path / "older", {"pins.csv": "id,title\np1,Stale pasta\n"})
    assert load(older).result["unchanged"] == 1
    assert store.node(NodeKind.PIN, Id("p1")) == Pin(Id("p1"), "Fresh pasta")


def test_doubles_and_conflicts_are_counted_as_such(load: Load, tmp_path: Path) -> None:
    rows = "user_id,pin_id,kind,at,event_id\n" + "u1,p1,VIEW,5,\n" * 3 + "u1,p1,VIEW,7,e1\nu1,p2,VIEW,7,e1\n"
    summary = load(folder(tmp_path / "doubles", {"interactions.csv": rows})).result
    assert (summary["written"], summary["duplicates"], summary["conflicts"]) == (2, 2, 1)
    assert counts_add_up(summary)


def test_bad_rows_are_kept_with_their_reasons_and_the_rest_is_loaded(load: Load, home: Path, tmp_path: Path) -> None:
    good_rows = "".join(f"u{i},p{i},b1,SAVE,{i}\n" for i in range(1000))
    bad_rows = "u\0,p1,b1,SAVE,1\nu1,p1,nowhere,SAVE,1\n" + f"{'x' * (1 << 20)},p1,b1,SAVE,1\n" + "u1,p1,b1\n"
    data = folder(
        tmp_path / "rows",
        {
            "boards.csv": "id,owner_id\nb1,u1\n",
            "interactions.csv": "user_id,pin_id,board_id,kind,at\n" + good_rows + bad_rows,
        },
    )
    summary = load(data).result
    assert counts_add_up(summary)
    assert (summary["read"], summary["written"], summary["quarantined"]) == (1005, 1001, 4)
    kept = [orjson.loads(line) for line in Path(summary["quarantine_file"]).read_bytes().splitlines()]
    assert {(row["file"], row["line"], row["reason"]) for row in kept} == {
        ("interactions.csv", 1002, "user_id holds a control character"),
        ("interactions.csv", 1003, "board_id names no board of the folder or the store"),
        ("interactions.csv", 1004, "the line is over 65536 bytes long"),
        ("interactions.csv", 1005, "the row has 3 fields, the header names 5"),
    }
    assert load(data).result["quarantined"] == 4


def test_a_board_of_the_store_is_no_dangling_one(load: Load, good: Path, tmp_path: Path) -> None:
    load(good)
    later = folder(tmp_path / "later", {"interactions.csv": "user_id,pin_id,board_id,kind,at\nu9,p9,b1,SAVE,9\n"})
    assert load(later).result["written"] == 1


def test_what_hangs_on_a_refused_row_is_refused_with_it(load: Load, tmp_path: Path) -> None:
    data = {
        "boards.csv": "id,owner_id\nb1,\n",
        "interests.csv": "id,name,parent_id\ni1,Food,nowhere\ni2,Pasta,i1\n",
        "interactions.csv": "user_id,pin_id,board_id,kind\nu1,p1,b1,SAVE\n",
        "pin_interests.csv": "pin_id,interest_id\np1,i2\n",
        "follows.csv": "user_id,target_kind,target_id\nu1,INTEREST,i1\nu1,BOARD,b1\nu1,USER,u2\n",
    }
    summary = load(folder(tmp_path / "hanging", data), "--max-quarantined", "1").result
    assert (summary["quarantined"], summary["written"]) == (7, 1)
    assert counts_add_up(summary)


def test_over_the_threshold_nothing_is_written_and_the_refusals_are_kept(
    load: Load, home: Path, good: Path, tmp_path: Path
) -> None:
    before = load(good).result["content_hash"]
    bad = folder(tmp_path / "bad", {"users.csv": "id\nu7\n\0\n", "interactions.csv": INTERACTIONS})
    done = load(bad)
    assert done.code == 3
    assert "users.csv line 3: id holds a control character" in done.said
    assert len(list((home / "quarantine").glob("*.jsonl"))) == 1
    store = store_of(home)
    assert (store.content_hash(), store.unfinished_loads()) == (before, [])
    assert load(bad, "--max-quarantined", "0.5").result["quarantined"] == 1


BAD_FOLDERS: dict[str, tuple[dict[str, str | bytes], str]] = {
    "empty": ({}, "holds no table; expected are users"),
    "missing column": (
        {"users.csv": "id\nu7\n", "interactions.csv": "user_id,kind\n"},
        "lacks the column pin_id; its columns are",
    ),
    "no header": ({"users.csv": ""}, "users.csv is empty"),
    "two files for a table": ({"users.csv": "id\n", "users.jsonl": ""}, "holds users twice"),
    "cut gzip": (
        {"users.csv.gz": gzip.compress(b"id\n" + b"".join(b"u%d\n" % i for i in range(9999)))[:-20]},
        "cut short",
    ),
    "no gzip": ({"users.csv.gz": b"id\nu1\n"}, "no sound gzip file"),
    "no Parquet": ({"users.parquet": b"id\nu1\n"}, "no sound Parquet file"),
    "future export": ({"users.csv": "id\n", "dataset.json": '{"exported_at": "2999-01-01"}'}, "in the future"),
}


@pytest.mark.parametrize("name", BAD_FOLDERS)
def test_a_folder_that_can_not_be_used_leaves_the_store_as_it_was(
    load: Load, home: Path, good: Path, tmp_path: Path, name: str
) -> None:
    files, said = BAD_FOLDERS[name]
    bad = folder(tmp_path / "bad", files)
    done = load(bad)
    assert (done.code, said in done.said) == (2, True)
    assert not (home / "store.db").exists() or name == "cut gzip"
    before = load(good).result["content_hash"]
    assert load(bad).code == 2
    store = store_of(home)
    assert (store.content_hash(), store.unfinished_loads()) == (before, [])


def test_a_parquet_column_of_a_wrong_type_is_told(load: Load, tmp_path: Path) -> None:
    data = folder(tmp_path / "typed", {})
    pq.write_table(pa.table({"user_id": [1], "pin_id": ["p1"], "kind": ["VIEW"]}), data / "interactions.parquet")
    done = load(data)
    assert (done.code, "column user_id is int64; it must hold strings" in done.said) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["/nowhere/at/all"], 2, "is no folder"),
        (["{good}", "--since", "soon"], 2, "--since soon is no time"),
        (["{good}", "--limit", "0"], 2, "--limit 0 reads nothing"),
        (["{good}", "--max-quarantined", "7"], 2, "is no share"),
        (["{good}", "--limit", "many"], 2, "see `tastegraph load --help`"),
        (["{good}", "--store", "mysql://x"], 2, "is of no known kind"),
        (["{good}", "--store", "sqlite:///{good}/pins.jsonl"], 1, "is damaged or no store"),
        (["{good}", "--store", "sqlite:///{good}"], 2, "can't be"),
    ],
)  # fmt: skip
def test_wrong_usage_is_told_in_one_line(load: Load, good: Path, arguments: list[str], code: int, said: str) -> None:
    done = load(*(argument.format(good=good) for argument in arguments))
    assert (done.code, said in done.said) == (code, True), done


def test_a_dry_run_says_all_and_touches_nothing(load: Load, home: Path, good: Path, tmp_path: Path) -> None:
    dry = load(good, "--dry-run").result
    assert (dry["read"], dry["valid"], dry["quarantined"], dry["dry_run"]) == (14, 14, 0, True)
    assert not (home / "store.db").exists()
    load(good)
    before = store_of(home).content_hash()
    lost = folder(tmp_path / "lost", {"interactions.csv": INTERACTIONS.replace("b1", "b2")})
    assert load(lost, "--dry-run").code == 3
    assert load(lost, "--dry-run", "--max-quarantined", "1").result["reasons"] == {
        "board_id names no board of the folder or the store": 1
    }
    assert store_of(home).content_hash() == before


def test_limit_and_since_choose_rows(load: Load, home: Path, good: Path) -> None:
    limited = load(good, "--limit", "1").result
    assert (limited["tables"]["interactions"]["read"], limited["tables"]["follows"]["read"]) == (1, 1)
    recent = load(good, "--since", "1970-01-01T00:00:00.005Z").result
    assert recent["tables"]["interactions"] == {
        "read": 2, "written": 1, "unchanged": 1, "duplicates": 0, "conflicts": 0, "quarantined": 0, "left_out": 1,
    }  # fmt: skip
    assert recent["left_out"] == 4
    assert counts_add_up(recent)
    assert store_of(home).counts().events[EventKind.VIEW] == 0
    assert load(good).result["content_hash"] != recent["content_hash"]


def test_for_people_the_summary_is_a_table(home: Path, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "load", good)
    assert done.code == 0
    assert "content hash" in done.out
    assert not done.err
