"""`tastegraph load --mapping`: an export as it came out of somebody's system is the same graph as its interchange form."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import Done, run

Load = Callable[..., Done]
DOCS = Path(__file__).parents[2] / "docs" / "loading.md"
MAP = """
[users]
file = "members.jsonl"
columns = { id = "uid", created_at = { column = "joined", time = "epoch_s" } }
attributes = ["country"]

[boards]
file = "lists.csv"
columns = { id = "list", owner_id = "uid", title = "name", secret = { column = "private", default = "no" } }

[[interactions]]
file = "likes-*.csv*"
[interactions.columns]
user_id = "uid"
pin_id = "item"
board_id = "list"
kind = { value = "SAVE" }
at = { column = "day", time = "%d.%m.%Y %H:%M" }

[[interactions]]
file = "log.parquet"
[interactions.columns]
user_id = "uid"
pin_id = "item"
kind = { column = "what", values = { seen = "VIEW", unlike = "UNSAVE" }, default = "CLICK" }
at = "when"
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Load:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TASTEGRAPH_STORE", raising=False)
    monkeypatch.delenv("NEO4J_URI", raising=False)
    return lambda *arguments: run(capsys, "load", *arguments, "--json")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    member = {"uid": "u1", "joined": 1_577_836_800, "country": "DE", "password": "x"}
    (folder / "members.jsonl").write_bytes(orjson.dumps(member) + b"\n")
    (folder / "lists.csv").write_text("list,uid,name,private\nb1,u1,Dinner,true\nb2,u1,Lunch,\n")
    (folder / "likes-1.csv").write_text("uid,item,list,day\nu1,1,b1,01.02.2024 10:30\n")
    (folder / "likes-2.csv.gz").write_bytes(gzip.compress(b"uid,item,list,day\nu2,2,,\n"))
    moment = datetime(2024, 2, 1, 10, 30, tzinfo=UTC)
    log = {
        "uid": ["u1", "u2", "u2"],
        "item": [1, 2, 3],
        "what": ["seen", "unlike", None],
        "when": [moment, moment, None],
    }
    pq.write_table(pa.table(log), folder / "log.parquet")
    return folder


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "map.toml"
    path.write_text(MAP)
    return path


INTERCHANGE = {
    "users.csv": "id,created_at,country\nu1,2020-01-01,DE\n",
    "boards.csv": "id,owner_id,title,secret\nb1,u1,Dinner,true\nb2,u1,Lunch,no\n",
    "interactions.csv": "user_id,pin_id,board_id,kind,at\nu1,1,b1,SAVE,2024-02-01T10:30:00Z\nu2,2,,SAVE,\n"
    "u1,1,,VIEW,2024-02-01T10:30:00Z\nu2,2,,UNSAVE,2024-02-01T10:30:00Z\nu2,3,,CLICK,\n",
}


def test_an_export_is_the_same_graph_as_its_interchange_form(
    load: Load, export: Path, mapping: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for name, content in INTERCHANGE.items():
        (plain / name).write_text(content)
    mapped = load(export, "--mapping", mapping, "--store", f"sqlite:///{tmp_path}/mapped.db").result
    assert (mapped["read"], mapped["written"], mapped["quarantined"]) == (8, 8, 0)
    assert mapped["content_hash"] == load(plain).result["content_hash"]
    again = load(export, "--mapping", mapping, "--store", f"sqlite:///{tmp_path}/mapped.db").result
    assert (again["proven"], again["unchanged"]) == (True, 8)


def test_another_mapping_is_another_load(load: Load, export: Path, mapping: Path) -> None:
    first = load(export, "--mapping", mapping).result
    mapping.write_text(MAP.replace('seen = "VIEW"', 'seen = "HIDE"'))
    second = load(export, "--mapping", mapping).result
    assert second["load_id"] != first["load_id"]
    assert (second["written"], second["unchanged"]) == (1, 7)


def test_what_can_not_be_mapped_is_refused_in_our_columns(load: Load, export: Path, mapping: Path) -> None:
    with (export / "likes-1.csv").open("a") as file:
        file.write("u1,7,b1,2024-02-01\nu1,8,nowhere,\n")
    summary = load(export, "--mapping", mapping, "--max-quarantined", "1").result
    kept = [orjson.loads(line) for line in Path(summary["quarantine_file"]).read_bytes().splitlines()]
    assert [(row["file"], row["line"], row["reason"], row["raw"]) for row in kept] == [
        (
            "likes-1.csv", 3, "at is no time as the mapping says, %d.%m.%Y %H:%M",
            {"user_id": "u1", "pin_id": "7", "board_id": "b1", "kind": "SAVE", "at": "2024-02-01"},
        ),
        (
            "likes-1.csv", 4, "board_id names no board of the folder or the store",
            {"user_id": "u1", "pin_id": "8", "board_id": "nowhere", "kind": "SAVE"},
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[users", "map.toml: not TOML: "),
        ("", "map.toml maps no table"),
        ('[user]\nfile = "a.csv"', "map.toml: user: no table of that name"),
        ('[users]\nfil = "a.csv"', "map.toml: users: Object contains unknown field `fil`"),
        ("[users]\nfile = 7", "map.toml: users.file: Expected `str`, got `int`"),
        ('[users]\nfile = "nobody.csv"', "map.toml: users.file: "),
        ('[users]\nfile = "/etc/passwd"', "map.toml: users.file: "),
        ('[users]\nfile = "members.jsonl"\ncolumns = { uid = "id" }', "users.columns.uid: users has no such column"),
        ('[users]\nfile = "members.jsonl"\ncolumns = { id = "nr" }', "members.jsonl lacks the column nr"),
        ('[users]\nfile = "lists.csv"', "lists.csv lacks the column id"),
        (
            '[users]\nfile = "members.jsonl"\ncolumns = { id = { column = "uid", time = "epoch_s" } }',
            "users.columns.id.time: id holds no time",
        ),
        (
            '[users]\nfile = "members.jsonl"\ncolumns = { id = "uid", created_at = { column = "joined", time = "soon" } }',
            "users.columns.created_at.time: 'soon' is no format",
        ),
        (
            '[users]\nfile = "members.jsonl"\ncolumns = { id = { column = "uid", value = "u" } }',
            "users.columns.id: a constant value goes with nothing else",
        ),
        (
            '[[users]]\nfile = "members.jsonl"\n[[users]]\nfile = "members.jsonl"\ncolumns = { nr = "x" }',
            "map.toml: users[1].columns.nr: ",
        ),
    ],
)
def test_a_mapping_that_can_not_be_used_is_told_with_its_place(
    load: Load, export: Path, mapping: Path, said: str, told: str
) -> None:
    mapping.write_text(said)
    done = load(export, "--mapping", mapping)
    assert (done.code, told in done.said) == (2, True), done
    assert done.said.count("\n") <= 1


def test_the_example_of_the_docs_loads(load: Load, tmp_path: Path) -> None:
    example = re.search(r"```toml\n# map.toml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example is not None
    (tmp_path / "map.toml").write_text(example[1])
    shop = tmp_path / "shop"
    shop.mkdir()
    for name, content in re.findall(r"```csv\n# (\S+)\n(.*?)```", DOCS.read_text(), re.DOTALL):
        (shop / name).write_text(content)
    summary = load(shop, "--mapping", tmp_path / "map.toml").result
    assert summary["quarantined"] == 0
    assert summary["written"] == summary["read"] > 5
