"""`tastegraph train`, `evaluate` and `rollback`, from a loaded store to what is published."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image

import pipeline.train
from embeddings.artifact import Artifact
from embeddings.release import current, history, publish
from graph.export import export_snapshot, latest_snapshot
from graph.model import NodeKind
from graph.settings import GraphSettings, Home
from graph.snapshot import Snapshot
from graph.stores import open_store
from loaders.load import load
from loaders.synthetic import Sizes, write_synthetic
from recommend.serving import Serving
from tastegraph import run
from tests.graphs import tiny_snapshot

METHODS = {"model", "blend", "popularity", "item_knn", "ials", "gf_cf", "filter"}
SIZES = Sizes(users=200, pins=240, boards=200, interactions=12_000, interests=6)


@pytest.fixture(scope="module", autouse=True)
def _small() -> Any:
    """Enough training to be told from none, in seconds."""
    patch = pytest.MonkeyPatch()
    for name, value in (("DIM", "16"), ("EPOCHS_MAX", "4"), ("THREADS", "1")):
        patch.setenv(f"TASTEGRAPH_TRAIN_{name}", value)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("synthetic") / "data"
    write_synthetic(path, SIZES, seed=5)
    return path


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that holds a release of the synthetic graph. Tests that change it take a copy."""
    home = Home(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASTEGRAPH_HOME", str(home.path))
        load(folder)
        store = open_store(None, GraphSettings())
        export_snapshot(store, home.snapshots)
        store.close()
        assert run(["train"]) == 0
    return home


@pytest.fixture
def home(trained: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    copy = Home(shutil.copytree(trained.path, tmp_path / "home"))
    monkeypatch.setenv("TASTEGRAPH_HOME", str(copy.path))
    return copy


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


def artifact_of(home: Home) -> Artifact:
    [(model, version)] = current(home).artifacts.items()
    return Artifact.open(home.artifacts / model / version)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


class TestTrain:
    def test_a_release_names_the_snapshot_and_a_whole_artifact(self, trained: Home) -> None:
        release, artifact = current(trained), artifact_of(trained)
        assert release.snapshot == artifact.snapshot_version == latest_snapshot(trained.snapshots).name
        assert set(artifact.vectors) == {NodeKind.USER, NodeKind.PIN, NodeKind.BOARD, NodeKind.INTEREST}
        assert {"gnn", "filter"} <= set(release.blend)
        assert artifact.manifest["settings"]["epochs"] <= 4
        assert artifact.manifest["seed"] == 7

    def test_it_beats_popularity_on_saves_that_it_never_saw(self, trained: Home) -> None:
        evaluation = orjson.loads((artifact_of(trained).path / "evaluation.json").read_bytes())
        results = evaluation["results"]
        assert set(results) == METHODS
        assert results["model"]["recall@20"] > 1.15 * results["popularity"]["recall@20"]
        low, high = evaluation["intervals_95"]["model"]["recall@20"]
        assert low < results["model"]["recall@20"] < high
        assert evaluation["split"]["rule"] == "time"
        assert evaluation["train_cpu_s"] > 0

    def test_what_is_served_from_it_is_of_the_same_interest(self, trained: Home) -> None:
        serving = Serving.open(trained)
        about = serving.snapshot.links
        pins = serving.vectors[NodeKind.PIN]
        unit = pins.matrix / np.linalg.norm(pins.matrix, axis=1, keepdims=True)
        nearest = np.argsort(-(unit @ unit.T), axis=1)[:, 1:6]
        interest = {row: set(about_of(about, int(pins.snapshot_rows[row]))) for row in range(len(unit))}
        shared = [bool(interest[row] & interest[int(other)]) for row in range(len(unit)) for other in nearest[row]]
        assert np.mean(shared) > 0.6, "chance is one in six"

    def test_secret_boards_and_nodes_without_edges_have_no_vector(
        self, tmp_path: Path, empty: Home, capsys: pytest.CaptureFixture[str]
    ) -> None:
        snapshot = tiny_snapshot(tmp_path)
        empty.snapshots.mkdir(parents=True)
        shutil.move(snapshot.path, empty.snapshots / snapshot.version)
        assert run(["train", "--force"]) == 0
        boards = artifact_of(empty).vectors[NodeKind.BOARD].ids.table.column("id").to_pylist()
        assert boards
        assert "ada-wedding" not in boards
        users = artifact_of(empty).vectors[NodeKind.USER].ids.table.column("id").to_pylist()
        assert "dot" not in users

    def test_the_report_shows_its_plots(self, trained: Home) -> None:
        report = artifact_of(trained).path / "report"
        page = (report / "index.html").read_text()
        images = re.findall(r'<img src="([^"]+)"', page)
        assert set(images) == {"methods.png", "recall.png", "loss.png", "map.png"}
        for name in images:
            with Image.open(report / name) as image:
                assert min(image.size) > 200
        assert "item-kNN" in page
        assert "http" not in page, "a page that needs no network"

    def test_the_epochs_are_on_record(self, trained: Home) -> None:
        lines = [orjson.loads(line) for line in (artifact_of(trained).path / "train.jsonl").read_bytes().splitlines()]
        assert {line["phase"] for line in lines} == {"validation", "test", "publish"}
        published = [line["loss"] for line in lines if line["phase"] == "publish"]
        assert published[-1] < published[0]

    def test_the_ledger_leads_from_the_release_to_the_snapshot(self, trained: Home) -> None:
        [path] = trained.runs.glob("*-train-*.json")
        entry = orjson.loads(path.read_bytes())
        assert entry["status"] == "done"
        assert entry["inputs"]["snapshot"] == current(trained).snapshot
        assert entry["outputs"] == {
            "artifact": "/".join(next(iter(current(trained).artifacts.items()))),
            "release": current(trained).name,
        }

    def test_the_same_snapshot_and_seed_give_the_same_vectors(self, home: Home) -> None:
        before = artifact_of(home)
        assert run(["train"]) == 0
        after = artifact_of(home)
        assert after.version != before.version or len(history(home)) == 1
        for kind, vectors in before.vectors.items():
            np.testing.assert_array_equal(vectors.matrix, after.vectors[kind].matrix)

    def test_a_run_that_breaks_leaves_no_half_artifact_and_says_so(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        before = current(home), sorted((home.artifacts / "lightgcn").iterdir())
        monkeypatch.setattr(pipeline.train, "write_report", full)
        monkeypatch.setenv("TASTEGRAPH_TRAIN_EPOCHS_MAX", "1")
        with pytest.raises(OSError, match="No space"):
            run(["train"])
        assert (current(home), sorted((home.artifacts / "lightgcn").iterdir())) == before
        newest = max(home.runs.glob("*-train-*.json"))
        entry = orjson.loads(newest.read_bytes())
        assert entry["status"] == "failed"
        assert "No space left" in entry["error"]

    def test_worse_than_current_is_kept_but_not_published(
        self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = current(home)
        evaluation = artifact_of(home).path / "evaluation.json"
        claimed = orjson.loads(evaluation.read_bytes())
        claimed["results"]["model"]["recall@20"] = 0.999
        evaluation.write_bytes(orjson.dumps(claimed))
        monkeypatch.setenv("TASTEGRAPH_TRAIN_EPOCHS_MAX", "1")
        assert run(["train"]) == 1
        assert "worse than CURRENT's 0.9990" in last_line(capsys)
        assert current(home) == before
        assert len(list((home.artifacts / "lightgcn").glob("[0-9]*"))) == 2

    def test_no_snapshot_is_one_clear_line(self, empty: Home, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["train"]) == 1
        assert "run `tastegraph snapshot`" in last_line(capsys)

    def test_a_graph_too_small_to_measure_says_so(
        self, tmp_path: Path, empty: Home, capsys: pytest.CaptureFixture[str]
    ) -> None:
        snapshot = tiny_snapshot(tmp_path)
        empty.snapshots.mkdir(parents=True)
        shutil.move(snapshot.path, empty.snapshots / snapshot.version)
        assert run(["train"]) == 2
        told = last_line(capsys)
        assert "too few to split" in told
        assert "--force" in told
        assert not empty.releases.exists()


def about_of(links: Any, pin: int) -> list[int]:
    from graph.schema import Link

    return links[Link.ABOUT].out.neighbours(pin).tolist()


class TestRollback:
    @pytest.fixture
    def twice(self, home: Home) -> Home:
        """A home with two releases of one artifact."""
        first = current(home)
        publish(home, replace(first, name="99990101T000000Z-ffffff"))
        return home

    def test_the_release_before_is_served_again(self, twice: Home, capsys: pytest.CaptureFixture[str]) -> None:
        first = history(twice)[0]
        assert run(["rollback", "--json"]) == 0
        assert orjson.loads(capsys.readouterr().out)["release"] == first == current(twice).name
        assert run(["rollback", "99990101T000000Z-ffffff"]) == 0
        assert current(twice).name == "99990101T000000Z-ffffff"

    def test_there_is_nothing_before_the_first(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["rollback"]) == 1
        assert "no release before" in last_line(capsys)

    def test_a_damaged_release_is_not_gone_back_to(self, twice: Home, capsys: pytest.CaptureFixture[str]) -> None:
        first, before = history(twice)[0], current(twice)
        vectors = artifact_of(twice).path / "vectors" / "Pin.npy"
        vectors.write_bytes(vectors.read_bytes()[:-4])
        assert run(["rollback"]) == 1
        assert f"not whole: {first}" in last_line(capsys)
        assert run(["rollback", first]) == 1
        assert current(twice) == before

    def test_a_broken_current_is_mended(self, home: Home) -> None:
        name = current(home).name
        (home.releases / "CURRENT").write_text("{")
        assert run(["rollback"]) == 0
        assert current(home).name == name

    def test_an_unknown_name_is_refused_with_those_that_there_are(
        self, home: Home, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(["rollback", "nope"]) == 1
        assert current(home).name in last_line(capsys)


class TestEvaluate:
    def split_files(self, folder: Path, *, one: bool = False) -> list[str]:
        """Users of three interests, most of whose items are in train."""
        rng = np.random.default_rng(1)
        train, test = [], []
        for user in range(90):
            items = rng.permutation(30)[:16] * 3 + user % 3
            cut = 15 if one else 12
            train.append(" ".join(map(str, [user, *items[:cut]])))
            test.append(" ".join(map(str, [user, *items[cut:]])))
        (folder / "train.txt").write_text("\n".join(train))
        (folder / "test.txt").write_text("\n".join(test))
        return ["--train", str(folder / "train.txt"), "--test", str(folder / "test.txt")]

    @pytest.mark.parametrize(
        ("protocol", "metrics"), [("full", {"recall@20", "ndcg@20"}), ("leave-one-out", {"hr@10", "ndcg@10"})]
    )
    def test_a_public_split_gives_the_documented_json(
        self, tmp_path: Path, empty: Home, protocol: str, metrics: set[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        files = self.split_files(tmp_path, one=protocol == "leave-one-out")
        out = tmp_path / "whole.json"
        assert run(["evaluate", *files, "--protocol", protocol, "--out", str(out), "--json"]) == 0
        captured = capsys.readouterr()
        [line] = captured.out.splitlines()
        found = orjson.loads(line)
        assert set(found) == {"protocol", "results", "train_wall_s", "train_cpu_s", "peak_memory_mb"}
        assert found["protocol"] == protocol
        assert set(found["results"]) == METHODS
        for values in found["results"].values():
            assert set(values) == metrics
            assert all(0 <= value <= 1 for value in values.values())
        first = next(iter(found["results"]["model"]))
        assert found["results"]["model"][first] > 1.2 * found["results"]["popularity"][first]
        assert "model" in orjson.loads(out.read_bytes())["intervals_95"]
        assert "95 % intervals" in captured.err
        assert not empty.path.exists(), "nothing of the home is touched"

    def test_an_interchange_folder_is_cut_as_asked(
        self, folder: Path, empty: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("TASTEGRAPH_TRAIN_EPOCHS_MAX", "2")
        assert run(["evaluate", "--data", str(folder), "--split", "random", "--json"]) == 0
        results = orjson.loads(capsys.readouterr().out)["results"]
        assert results["model"]["recall@20"] > results["popularity"]["recall@20"]
        assert not empty.path.exists()

    @pytest.mark.parametrize(
        "arguments", [[], ["--train", "a"], ["--data", "x", "--train", "a", "--test", "b"], ["--data", "/nowhere"]]
    )
    def test_what_cant_be_evaluated_is_a_matter_of_usage(
        self, arguments: list[str], empty: Home, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(["evaluate", *arguments]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_snapshot_without_saves_is_refused(tmp_path: Path, empty: Home, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}", GraphSettings())
    store.migrate()
    Snapshot.open(export_snapshot(store, empty.snapshots))
    store.close()
    assert run(["train"]) == 2
    assert "no saves" in last_line(capsys)
