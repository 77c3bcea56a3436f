"""What is derived from a snapshot once and mapped by every process: `indexes/VERSION/` (format 1).

    index.json             format, snapshot and its hash, sums
    graph/NAME.WAY.*.npy   CSR arrays of `recommend.public` that are not the snapshot's own
    counts/*.npy           popularity by kind, each interest's share of all saves
    text/…                 tantivy: `recommend.textindex`

Made on demand by whoever comes first, while others wait. It is not the record: what is missing, of another format or damaged
is made again from the snapshot.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.errors import CorruptFileError
from graph.model import NodeKind
from graph.sealed import building, check_files, folder_sums, read_manifest, seal
from graph.settings import Home
from graph.snapshot import Csr, Snapshot, map_array
from graph.visibility import Secrets
from recommend.public import Pairs, Popularity, PublicGraph, interest_shares, own_pairs
from recommend.textindex import TextIndex

FORMAT: Final = 1
MANIFEST: Final = "index.json"
WHAT: Final = "index"


@dataclass(frozen=True, slots=True)
class Derived:
    """The public graph, its counts, and the text index of one snapshot."""

    public: PublicGraph
    popularity: Popularity
    interest_share: NDArray[np.float64]
    texts: TextIndex

    @classmethod
    def of(cls, snapshot: Snapshot, secrets: Secrets) -> Derived:
        """All of it in memory: for small snapshots, and where nothing may be written."""
        public, popularity, share = _made(snapshot, secrets)
        return cls(public, popularity, share, TextIndex.build(snapshot, secrets, popularity))

    @classmethod
    def open(cls, home: Home, snapshot: Snapshot, secrets: Secrets, *, verify: bool) -> Derived:
        """Maps the home's copy, which is made first where there is none. Raises OSError when it can't be written."""
        folder = home.indexes / snapshot.version
        try:
            return _read(folder, snapshot, verify=verify)
        except CorruptFileError:
            with _alone(home.indexes):
                return _read_or_make(folder, snapshot, secrets)


@contextmanager
def _alone(parent: Path) -> Generator[None]:
    """Holds the right to build here; another process waits for it. The lock goes with the process."""
    parent.mkdir(parents=True, exist_ok=True)
    with (parent / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read_or_make(folder: Path, snapshot: Snapshot, secrets: Secrets) -> Derived:
    try:
        return _read(folder, snapshot, verify=True)
    except CorruptFileError:
        if folder.exists():
            shutil.rmtree(folder)
    _write(folder, snapshot, secrets)
    return _read(folder, snapshot, verify=False)


def _made(snapshot: Snapshot, secrets: Secrets) -> tuple[PublicGraph, Popularity, NDArray[np.float64]]:
    public = PublicGraph.of(snapshot, secrets)
    popularity = public.popularity(snapshot)
    return public, popularity, interest_shares(snapshot, popularity[NodeKind.PIN])


def _write(final: Path, snapshot: Snapshot, secrets: Secrets) -> None:
    with building(final.parent) as folder:
        public, popularity, share = _made(snapshot, secrets)
        own = own_pairs(snapshot)
        (folder / "graph").mkdir()
        copied = {name: pairs for name, pairs in public.by_name().items() if not _is_own(own.get(name), pairs)}
        for name, pairs in copied.items():
            for way, csr in (("out", pairs.out), ("into", pairs.into)):
                np.save(folder / "graph" / f"{name}.{way}.indptr.npy", csr.indptr)
                np.save(folder / "graph" / f"{name}.{way}.indices.npy", csr.indices)
        (folder / "counts").mkdir()
        for kind, counts in popularity.items():
            np.save(folder / "counts" / f"{kind}.npy", counts)
        np.save(folder / "counts" / "interest_share.npy", share)
        TextIndex.build(snapshot, secrets, popularity, folder / "text")
        # tantivy's locks come and go with readers.
        files = {name: file for name, file in folder_sums(folder).items() if not name.endswith(".lock")}
        manifest = {"format": FORMAT, "snapshot": snapshot.version, "content_hash": snapshot.content_hash}
        seal(folder, final, MANIFEST, {**manifest, "copied": sorted(copied), "files": files})


def _is_own(own: Pairs | None, pairs: Pairs) -> bool:
    return own is not None and own.out.indices is pairs.out.indices


def _read(folder: Path, snapshot: Snapshot, *, verify: bool) -> Derived:
    manifest = read_manifest(folder, MANIFEST, WHAT, FORMAT)
    check_files(folder, manifest["files"], WHAT, contents=verify)
    if manifest.get("content_hash") != snapshot.content_hash:
        raise CorruptFileError(f"{WHAT} {folder} is of another snapshot; it is made again")
    try:
        pairs = own_pairs(snapshot)
        for name in manifest["copied"]:
            pairs[name] = Pairs(_csr(folder, name, "out"), _csr(folder, name, "into"))
        counts = {kind: map_array(folder / "counts" / f"{kind}.npy") for kind in NodeKind}
        share = map_array(folder / "counts" / "interest_share.npy")
        return Derived(PublicGraph(**pairs), counts, share, TextIndex.open(folder / "text"))
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise CorruptFileError(f"{WHAT} {folder} can't be opened ({error}); it is made again") from error


def _csr(folder: Path, name: str, way: str) -> Csr:
    indptr, indices = (map_array(folder / "graph" / f"{name}.{way}.{part}.npy") for part in ("indptr", "indices"))
    return Csr(indptr, indices)
