"""`tastegraph doctor` on a home with a SQLite store: silent about what is well, and right about each thing that is broken."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from embeddings.release import Release, publish, release_name
from graph.eventlog import open_log
from graph.export import latest_snapshot
from graph.filelock import only_one
from graph.settings import Home
from graph.snapshot import Snapshot
from loaders.synthetic import Sizes, write_synthetic
from tests.commands import Done, run, start
from tests.crowds import artifact_of

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"
INTERACTIONS = 3_000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    write_synthetic(folder, Sizes(users=200, pins=300, boards=200, interactions=INTERACTIONS, interests=10), seed=5)
    with (folder / "interactions.csv").open("a") as file:
        file.write("u1,p1,,SAVE,tomorrow\n")
    return folder


@pytest.fixture(scope="module")
def well(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after a load, a snapshot and a release."""
    path = tmp_path_factory.mktemp("home") / "well"
    for command in (["load", data], ["snapshot"]):
        process = start(*command, TASTEGRAPH_HOME=str(path))
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
    home = Home(path)
    snapshot = Snapshot.open(latest_snapshot(home.snapshots))
    artifact = artifact_of(snapshot, path)
    now = datetime(2024, 6, 1, tzinfo=UTC)
    name = release_name(now, snapshot.content_hash)
    publish(home, Release(name, now.isoformat(), snapshot.version, {artifact.model: artifact.version}))
    return path


@pytest.fixture
def home(well: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of it to break."""
    path = tmp_path / "home"
    shutil.copytree(well, path)
    monkeypatch.setenv("TASTEGRAPH_HOME", str(path))
    return Home(path)


def doctor(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, dict[str, Any]]:
    """What the doctor found wrong, by the name of the check."""
    done = run(capsys, "doctor", "--json", *arguments)
    report = orjson.loads(done.out)
    wrong = {check["name"]: check for check in report["checks"] if not check["ok"]}
    assert (report["ok"], done.code) == ((False, 1) if wrong else (True, 0))
    assert all(check["mend"] for check in wrong.values())
    assert all(check["mend"] is None for check in report["checks"] if check["ok"])
    return wrong


def edit(home: Home, *statements: str) -> None:
    """Changes the store behind its back."""
    with closing(sqlite3.connect(home.store_db, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def interrupt_a_load(home: Home, data: Path) -> str:
    """Kills a load while it writes; its id."""
    process = start("load", data, TASTEGRAPH_LOAD_BATCH_ROWS="50")
    while process.poll() is None and not batches(home.store_db):
        time.sleep(0.001)
    process.kill()
    process.communicate()
    with closing(sqlite3.connect(home.store_db)) as connection:
        ((load_id,),) = connection.execute("SELECT load_id FROM load WHERE finished_at IS NULL").fetchall()
    return load_id


def batches(store: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM load_batch").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


class TestAllIsWell:
    def test_nothing_is_wrong_and_nothing_is_changed(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        before = {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if path.is_file()}
        assert doctor(capsys) == {}
        after = {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if path.is_file()}
        assert {path: time for path, time in after.items() if "store.db-" not in path.name} == before

    def test_people_read_a_table(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        done = run(capsys, "doctor")
        assert (done.code, done.err) == (0, "")
        lines = done.out.splitlines()
        assert len(lines) == 15
        assert all(line.startswith("ok ") for line in lines)
        assert any("counts" in line and "User 200" in line for line in lines)

    def test_each_check_is_in_the_docs(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        names = [check["name"] for check in run(capsys, "doctor", "--json").result["checks"]]
        documented = DOCS.read_text()
        assert [name for name in names if f"| `{name}`" not in documented] == []

    def test_an_empty_home_has_no_store_and_no_other_fault(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "nothing"))
        wrong = doctor(capsys)
        assert list(wrong) == ["store"]
        assert "tastegraph load" in wrong["store"]["mend"]
        assert not (tmp_path / "nothing").exists()


class TestTheEventLog:
    def collect(self, home: Home, count: int) -> None:
        async def work() -> None:
            log = open_log(f"sqlite:///{home.log_db}")
            await log.append([b"{"] * count)
            await log.close()

        asyncio.run(work())

    def test_records_that_nobody_projects(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        self.collect(home, 3)
        wrong = doctor(capsys)
        assert list(wrong) == ["event_log"]
        assert "holds 3 records, the store is 3 behind, and nobody projects it" in wrong["event_log"]["found"]
        assert "tastegraph project" in wrong["event_log"]["mend"]

    def test_while_somebody_does_it_is_well(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        self.collect(home, 3)
        with only_one(home.projector_lock, "a test"):
            assert doctor(capsys) == {}

    def test_records_that_could_not_be_applied(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        self.collect(home, 3)
        assert run(capsys, "project", "--once", "--json").result["dead_letters"] == 3
        wrong = doctor(capsys)
        assert list(wrong) == ["dead_letters"]
        assert "3 records" in wrong["dead_letters"]["found"]

    def test_another_log(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        self.collect(home, 3)
        run(capsys, "project", "--once")
        for file in [*home.path.glob("log.db*"), *home.quarantine.glob("dead*")]:
            file.unlink()
        self.collect(home, 1)
        assert "it is not the log that was read" in doctor(capsys)["event_log"]["found"]


class TestTheStore:
    def test_what_is_wrong_is_told_with_its_mend(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        home.store_db.chmod(0o644)
        done: Done = run(capsys, "doctor")
        assert done.code == 1
        assert f"mend: chmod 600 {home.store_db}" in done.out
        assert done.err.strip() == "tastegraph: 1 of 15 checks found something wrong: modes"

    def test_one_that_is_named_is_looked_at(
        self, home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wrong = doctor(capsys, "--store", f"sqlite:///{tmp_path}/other.db")
        assert "other.db" in wrong["store"]["found"]

    def test_a_damaged_file(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        size = home.store_db.stat().st_size
        with home.store_db.open("r+b") as file:
            for place in range(size // 4, size // 2, 4096):
                file.seek(place)
                file.write(b"\xff" * 512)
        wrong = doctor(capsys)
        assert {"store", "integrity"} & set(wrong)

    def test_a_file_of_another_program(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        home.store_db.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
        assert "damaged or no store" in doctor(capsys)["store"]["found"]

    def test_a_newer_schema(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        edit(home, "INSERT INTO schema_version (version, name, applied_at) VALUES (9999, 'later', 0)")
        wrong = doctor(capsys)
        assert list(wrong) == ["schema"]
        assert "newer tastegraph" in wrong["schema"]["mend"]

    def test_an_older_schema_that_a_load_brings_up_to_date(
        self, home: Home, data: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        home.store_db.unlink()
        edit(home, "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER)")
        edit(home, "PRAGMA application_id = 1415672692")
        home.store_db.chmod(0o600)
        wrong = doctor(capsys)
        assert list(wrong) == ["schema"]
        assert "run `tastegraph load`" in wrong["schema"]["mend"]
        assert run(capsys, "load", data).code == 0
        assert doctor(capsys) == {}

    def test_an_event_that_was_deleted_comes_back_with_the_next_load(
        self, home: Home, data: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        edit(home, "DELETE FROM event WHERE key = (SELECT min(key) FROM event WHERE kind = 'SAVE')")
        assert list(doctor(capsys)) == ["content"]
        assert run(capsys, "load", data, "--json").result["written"] == 1
        assert doctor(capsys) == {}

    @pytest.mark.parametrize(
        ("statement", "what"),
        [
            ("DELETE FROM node WHERE kind = 'Pin' AND key IN (SELECT target_key FROM event)", "event"),
            ("DELETE FROM node WHERE kind = 'Interest' AND key IN (SELECT interest_key FROM about)", "about"),
            ("UPDATE event SET board_key = 999999 WHERE board_key IS NOT NULL", "event"),
            ("UPDATE event SET user_key = target_key", "event"),
            ("UPDATE node SET owner_key = NULL WHERE kind = 'Board'", "board without an owner 200"),
        ],
    )
    def test_edges_without_their_nodes(
        self, home: Home, capsys: pytest.CaptureFixture[str], statement: str, what: str
    ) -> None:
        edit(home, "PRAGMA foreign_keys = OFF", statement)
        wrong = doctor(capsys)
        assert what in wrong["dangling_edges"]["found"]
        assert "load all data into a new store" in wrong["dangling_edges"]["mend"]

    def test_a_store_that_is_moved_away_is_loaded_anew(
        self, home: Home, data: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        edit(home, "DELETE FROM node WHERE kind = 'Pin' AND key IN (SELECT target_key FROM event)")
        assert "dangling_edges" in doctor(capsys)
        home.store_db.rename(home.path / "damaged.db")
        assert run(capsys, "load", data).code == 0
        assert doctor(capsys) == {}


class TestInterruptedLoads:
    @pytest.fixture
    def load_id(self, home: Home, data: Path) -> str:
        home.store_db.unlink()
        return interrupt_a_load(home, data)

    def test_a_killed_load_is_told_and_run_again(
        self, home: Home, data: Path, load_id: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wrong = doctor(capsys)
        assert list(wrong) == ["interrupted_loads", "lease", "leftovers"]
        assert load_id in wrong["interrupted_loads"]["found"]
        assert "is dead" in wrong["lease"]["found"]
        assert " MB" in wrong["leftovers"]["found"]
        assert run(capsys, "load", data).code == 0
        assert doctor(capsys) == {}

    def test_a_load_whose_files_changed_is_given_up(
        self, home: Home, data: Path, load_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        changed = tmp_path / "changed"
        shutil.copytree(data, changed)
        with (changed / "users.csv").open("a") as file:
            file.write("newcomer" + "," * (file_columns(changed / "users.csv") - 1) + "\n")
        assert run(capsys, "load", changed).code == 0
        refused = run(capsys, "snapshot")
        assert (refused.code, f"tastegraph doctor --abandon {load_id}" in refused.said) == (1, True)
        given_up = run(capsys, "doctor", "--abandon", load_id, "--json").result
        assert (given_up["abandoned"], given_up["interrupted_loads"]) == (load_id, [])
        assert run(capsys, "snapshot").code == 0
        assert doctor(capsys) == {}
        again = run(capsys, "load", data, "--json").result
        assert (again["written"], again["unchanged"] + again["duplicates"] + again["quarantined"]) == (0, again["read"])

    def test_what_it_wrote_stays(self, home: Home, load_id: str, capsys: pytest.CaptureFixture[str]) -> None:
        rows = "SELECT (SELECT count(*) FROM node), (SELECT count(*) FROM event)"
        with closing(sqlite3.connect(home.store_db)) as connection:
            before = connection.execute(rows).fetchone()
        assert before[0] > 0
        assert run(capsys, "doctor", "--abandon", load_id).code == 0
        with closing(sqlite3.connect(home.store_db)) as connection:
            assert connection.execute(rows).fetchone() == before
        assert list(doctor(capsys)) == ["leftovers"]

    def test_a_load_that_is_not_there(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        done = run(capsys, "doctor", "--abandon", "nobody")
        assert (done.code, "there is no interrupted load nobody" in done.said) == (1, True)


def file_columns(path: Path) -> int:
    with path.open() as file:
        return len(file.readline().split(","))


class TestTheHome:
    @pytest.fixture
    def snapshot(self, home: Home) -> Path:
        return latest_snapshot(home.snapshots)

    def test_a_truncated_file_of_what_is_served(
        self, home: Home, snapshot: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        os.truncate(snapshot / "nodes" / "Pin.arrow", 100)
        wrong = doctor(capsys)
        assert list(wrong) == ["release", "snapshot"]
        assert "Pin.arrow has 100 bytes" in wrong["release"]["found"]
        assert "tastegraph rollback" in wrong["release"]["mend"]
        time.sleep(1)  # a snapshot's name has the second in it
        assert run(capsys, "snapshot").code == 0
        assert list(doctor(capsys)) == ["release"]

    def test_a_flipped_byte_of_an_artifact(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        (vectors,) = home.artifacts.glob("*/*/vectors/Pin.npy")
        content = bytearray(vectors.read_bytes())
        content[-1] ^= 1
        vectors.write_bytes(content)
        wrong = doctor(capsys)
        assert list(wrong) == ["release"]
        assert "checksum" in wrong["release"]["found"]

    def test_an_artifact_that_is_gone(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        shutil.rmtree(home.artifacts)
        assert list(doctor(capsys)) == ["release"]

    def test_an_unreadable_current(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        (home.releases / "CURRENT").write_text("{")
        wrong = doctor(capsys)
        assert list(wrong) == ["release"]
        assert wrong["release"]["mend"] == "run `tastegraph rollback`"

    def test_a_renamed_snapshot_is_not_the_one_it_says(
        self, home: Home, snapshot: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.copytree(snapshot, snapshot.parent / f"9{snapshot.name[1:]}")
        assert list(doctor(capsys)) == ["snapshot"]

    def test_only_folders_of_dead_processes_are_left_over(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        (home.snapshots / f".tmp-{os.getpid()}-alive").mkdir()
        assert doctor(capsys) == {}
        process = start("--version")
        process.communicate()
        dead = home.artifacts / "test" / f".tmp-{process.pid}-dead"
        dead.mkdir()
        (dead / "vectors").write_bytes(bytes(2_500_000))
        found = doctor(capsys)["leftovers"]["found"]
        assert found == f"1 of runs that were killed, 2.5 MB: {dead}"

    def test_files_that_others_can_read(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        (quarantine,) = home.quarantine.glob("*.jsonl")
        kept = [quarantine, *sorted(home.checkpoints.glob("*.json"))]
        assert len(kept) > 1
        for path in kept:
            path.chmod(0o640)
        wrong = doctor(capsys)
        assert list(wrong) == ["modes"]
        assert wrong["modes"]["mend"] == f"chmod 600 {' '.join(map(str, kept))}"
        for path in kept:
            path.chmod(0o600)
        assert doctor(capsys) == {}
