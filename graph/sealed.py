"""Folders that are written whole or not at all, and are checked when they are opened: snapshots and artifacts.

A folder is built under a temporary name beside its place, every file is hashed and fsynced, a manifest that lists them is
written last, and the folder is renamed. What is found under its final name is therefore complete; what a killed process left
has a temporary name, and is swept by the next run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict, cast

import orjson

from graph.errors import CorruptFileError

_TEMPORARY = ".tmp-"
_CHUNK_BYTES = 1 << 20
_CHECKSUM = "checksum"


class FileSum(TypedDict):
    """Size and BLAKE2b-256 (hex) of one file."""

    bytes: int
    blake2b: str


def file_sum(path: Path) -> FileSum:
    """Size and hash of a file."""
    digest = hashlib.blake2b(digest_size=32)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return {"bytes": path.stat().st_size, "blake2b": digest.hexdigest()}


def folder_sums(folder: Path) -> dict[str, FileSum]:
    """Sums of all files below a folder, by relative POSIX path, sorted."""
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return {name: file_sum(folder / name) for name in files}


def sums_hash(sums: Mapping[str, FileSum]) -> str:
    """One BLAKE2b-256 (hex) over names and hashes."""
    digest = hashlib.blake2b(digest_size=32)
    for name in sorted(sums):
        digest.update(f"{name}\0{sums[name]['blake2b']}\n".encode())
    return digest.hexdigest()


@contextmanager
def building(parent: Path) -> Generator[Path]:
    """A temporary folder in `parent` to build in; it is gone afterwards unless `seal` moved it.

    Leftovers of processes that died are swept first.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY}{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seal(folder: Path, final: Path, manifest_name: str, manifest: Mapping[str, Any]) -> None:
    """Writes the manifest, fsyncs everything and moves the folder into its place.

    What is there already under that name is kept if it is whole, and replaced if it is damaged. The manifest gets one key
    more, `checksum`: it vouches for the files, and this for itself.
    """
    signed = {**manifest, _CHECKSUM: _checksum(manifest)}
    (folder / manifest_name).write_bytes(
        orjson.dumps(signed, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )
    for path in [*folder.rglob("*"), folder]:
        _fsync(path)
    if final.exists():
        if _whole(final, manifest_name, manifest):
            shutil.rmtree(folder)
            return
        damaged = final.rename(Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY}{os.getpid()}-", dir=final.parent)))
        shutil.rmtree(damaged)
    folder.rename(final)
    _fsync(final.parent)


def _whole(folder: Path, manifest_name: str, expected: Mapping[str, Any]) -> bool:
    """Whether a sealed folder is undamaged and of the same files."""
    try:
        found = read_manifest(folder, manifest_name, "folder", expected["format"])
        check_files(folder, found["files"], "folder", contents=True)
    except CorruptFileError:
        return False
    return found["files"] == expected["files"]


def _checksum(manifest: Mapping[str, Any]) -> str:
    """BLAKE2b-256 (hex) over everything else that the manifest says."""
    said = {name: value for name, value in manifest.items() if name != _CHECKSUM}
    return hashlib.blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=32).hexdigest()


def read_manifest(folder: Path, manifest_name: str, what: str, format_version: int) -> dict[str, Any]:
    """The manifest of a sealed folder. Raises CorruptFileError when it is missing, unreadable, changed or of another format."""
    path = folder / manifest_name
    try:
        manifest = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise CorruptFileError(f"{what} {folder} has no {manifest_name}; make it again") from None
    except (OSError, orjson.JSONDecodeError) as error:
        raise CorruptFileError(f"{what} {path} can't be read ({error}); make it again") from None
    if not isinstance(manifest, dict):
        raise CorruptFileError(f"{what} {path} is not a manifest; make it again")
    found = cast("dict[str, Any]", manifest)
    if found.get("format") != format_version or "files" not in found:
        raise CorruptFileError(
            f"{what} {path} has format {found.get('format')}, this version reads {format_version}; make it again"
        )
    if found.get(_CHECKSUM) != _checksum(found):
        raise CorruptFileError(f"{what} {path} is not what was written (checksum); make it again")
    return found


def check_files(folder: Path, sums: Mapping[str, FileSum], what: str, *, contents: bool) -> None:
    """Compares a folder's files with their sums: sizes always, contents if asked. Raises CorruptFileError."""
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            raise CorruptFileError(f"{what} {folder} lacks {name}; make it again")
        size_bytes = path.stat().st_size
        if size_bytes != expected["bytes"]:
            raise CorruptFileError(
                f"{what} file {path} has {size_bytes} bytes, {expected['bytes']} were written; make it again"
            )
        if contents and file_sum(path) != expected:
            raise CorruptFileError(f"{what} file {path} is not what was written (checksum); make it again")


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replaces a file whole: a reader sees the old bytes or the new ones, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _fsync(path.parent)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def leftovers(parent: Path) -> Iterator[Path]:
    """Temporary folders in `parent` of processes that died: what the next `building` there sweeps."""
    for path in parent.glob(f"{_TEMPORARY}*-*"):
        pid = path.name.removeprefix(_TEMPORARY).partition("-")[0]
        if path.is_dir() and pid.isdigit() and not Path(f"/proc/{pid}").exists():
            yield path


def _sweep(parent: Path) -> None:
    for path in leftovers(parent):
        shutil.rmtree(path, ignore_errors=True)
