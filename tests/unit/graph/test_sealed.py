"""Sealed folders: whole or not there, and never believed when they were changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from graph.errors import CorruptFileError
from graph.sealed import building, check_files, folder_sums, read_manifest, seal, sums_hash, write_atomically

MANIFEST = "m.json"


def make(parent: Path, name: str = "final", content: bytes = b"content") -> Path:
    with building(parent) as folder:
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "file").write_bytes(content)
        (folder / "empty").write_bytes(b"")
        seal(folder, parent / name, MANIFEST, {"format": 1, "files": folder_sums(folder), "number": 7})
    return parent / name


def test_what_was_sealed_is_read_back(tmp_path: Path) -> None:
    folder = make(tmp_path / "made" / "on" / "the" / "way")
    manifest = read_manifest(folder, MANIFEST, "thing", 1)
    assert manifest["number"] == 7
    assert set(manifest["files"]) == {"deep/er/file", "empty"}
    check_files(folder, manifest["files"], "thing", contents=True)
    assert [path.name for path in folder.parent.iterdir()] == ["final"]


def test_nothing_is_there_when_building_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with building(tmp_path) as folder:
            (folder / "half").write_bytes(b"x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_it_is_not_sealed(tmp_path: Path) -> None:
    with building(tmp_path) as folder:
        (folder / "half").write_bytes(b"x")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_kept(tmp_path: Path) -> None:
    first = make(tmp_path)
    inode = first.stat().st_ino
    assert make(tmp_path).stat().st_ino == inode
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_what_is_damaged_gives_way(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "deep" / "er" / "file").write_bytes(b"damaged")
    make(tmp_path)
    check_files(folder, read_manifest(folder, MANIFEST, "thing", 1)["files"], "thing", contents=True)
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from graph.sealed import building\n"
        "with building(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').write_bytes(b'x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    left = list(tmp_path.iterdir())
    assert len(left) == 1
    make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["final"]


def test_what_a_living_process_is_building_is_left_alone(tmp_path: Path) -> None:
    with building(tmp_path) as mine:
        make(tmp_path)
        assert mine.is_dir()
    # Names that only look like ours are not ours to delete.
    for name in (".tmp-notes-x", "tmp-1-x", f".tmp-{os.getpid()}-other"):
        (tmp_path / name).mkdir()
    make(tmp_path, "second")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"final", "second", ".tmp-notes-x", "tmp-1-x", f".tmp-{os.getpid()}-other"}


class TestNotBelieved:
    def refused(self, folder: Path, *, contents: bool = True) -> str:
        with pytest.raises(CorruptFileError) as raised:
            check_files(folder, read_manifest(folder, MANIFEST, "thing", 1)["files"], "thing", contents=contents)
        message = str(raised.value)
        assert "\n" not in message
        assert message.endswith("make it again")
        assert message.startswith("thing")
        return message

    def test_no_folder(self, tmp_path: Path) -> None:
        assert MANIFEST in self.refused(tmp_path / "nowhere")

    def test_no_manifest(self, tmp_path: Path) -> None:
        folder = make(tmp_path)
        (folder / MANIFEST).unlink()
        assert MANIFEST in self.refused(folder)

    @pytest.mark.parametrize("missing", ["deep/er/file", "empty"])
    def test_a_missing_file(self, tmp_path: Path, missing: str) -> None:
        folder = make(tmp_path)
        (folder / missing).unlink()
        assert missing in self.refused(folder, contents=False)

    @pytest.mark.parametrize("content", [b"", b"conten", b"content!"])
    def test_another_size(self, tmp_path: Path, content: bytes) -> None:
        folder = make(tmp_path)
        (folder / "deep/er/file").write_bytes(content)
        assert f"{len(content)} bytes" in self.refused(folder, contents=False)

    def test_other_content_of_the_same_size(self, tmp_path: Path) -> None:
        folder = make(tmp_path)
        (folder / "deep/er/file").write_bytes(b"contenT")
        assert "checksum" in self.refused(folder)

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"format": 1}', b"\xff\xfe", b"7"])
    def test_a_manifest_that_is_none(self, tmp_path: Path, data: bytes) -> None:
        folder = make(tmp_path)
        (folder / MANIFEST).write_bytes(data)
        self.refused(folder)

    def test_every_truncation_of_the_manifest(self, tmp_path: Path) -> None:
        folder = make(tmp_path)
        data = (folder / MANIFEST).read_bytes()
        for size in range(len(data) - 2):
            (folder / MANIFEST).write_bytes(data[:size])
            self.refused(folder)

    @pytest.mark.parametrize("change", [{"number": 8}, {"files": {}}, {"more": 1}, {"checksum": None}, {"format": 2}])
    def test_a_manifest_that_says_something_else(self, tmp_path: Path, change: dict[str, object]) -> None:
        folder = make(tmp_path)
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
        (folder / MANIFEST).write_bytes(orjson.dumps({**manifest, **change}))
        self.refused(folder)

    def test_another_format_names_both(self, tmp_path: Path) -> None:
        folder = make(tmp_path)
        with pytest.raises(CorruptFileError, match="has format 1, this version reads 2"):
            read_manifest(folder, MANIFEST, "thing", 2)


def test_the_hash_is_over_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    first = sums_hash(folder_sums(tmp_path))
    assert sums_hash(dict(reversed(folder_sums(tmp_path).items()))) == first
    (tmp_path / "a").rename(tmp_path / "c")
    assert sums_hash(folder_sums(tmp_path)) != first


class TestWriteAtomically:
    def test_replaces_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "file"
        write_atomically(path, b"one")
        write_atomically(path, b"two", mode=0o600)
        assert path.read_bytes() == b"two"
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(path.parent.iterdir()) == [path]

    def test_leaves_the_old_when_it_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "file"
        write_atomically(path, b"old")

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_atomically(path, b"new")
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]
