"""The doctor's round: what the store says of itself, and whether the home is whole. It looks, and mends nothing.

An interrupted load can be given up here, which is a decision that only a person can make.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from embeddings.artifact import Artifact
from embeddings.release import Release, current
from graph.errors import CorruptFileError, NotFoundError, TastegraphError
from graph.export import latest_snapshot
from graph.ports import Check
from graph.sealed import leftovers
from graph.settings import GraphSettings, Home
from graph.snapshot import Snapshot
from graph.stores import open_store
from pipeline.doctor_log import collecting

_SHOWN: Final = 5
_SQLITE: Final = "sqlite:///"


def run_doctor(settings: GraphSettings, store_url: str | None = None) -> list[Check]:
    """Every check, in the order in which they are best mended. Whatever is wrong is in them, never raised."""
    home = settings.home_dir()
    url = store_url or settings.store_url()
    release, snapshot = _release(home)
    return [
        *_store(settings, url),
        *collecting(settings, url),
        release,
        _newest_snapshot(home, snapshot),
        _leftovers(home),
        _modes(home, url),
    ]


def run_abandon(settings: GraphSettings, load_id: str, store_url: str | None = None) -> dict[str, Any]:
    """Gives an interrupted load up. Raises what `graph.ports.GraphWriter.abandon_load` raises."""
    with closing(open_store(store_url, settings)) as store:
        store.abandon_load(load_id)
        return {"abandoned": load_id, "store": store.url, "interrupted_loads": store.unfinished_loads()}


def report(checks: list[Check]) -> dict[str, Any]:
    """The checks as one JSON object."""
    rows = [{"name": check.name, "ok": check.ok, "found": check.found, "mend": check.mend} for check in checks]
    return {"ok": all(check.ok for check in checks), "checks": rows}


def table(checks: list[Check]) -> Iterator[str]:
    """The checks as lines for people."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        yield f"{'ok' if check.ok else 'WRONG':<6} {check.name.replace('_', ' '):<{width}}  {check.found}"
        if check.mend is not None:
            yield f"{'':6} {'':{width}}  mend: {check.mend}"


def _store(settings: GraphSettings, url: str) -> list[Check]:
    """That the store can be had, and its own checks as far as they came."""
    checks: list[Check] = []
    try:
        with closing(open_store(url, settings)) as store:
            for check in store.checks():
                checks.append(check)  # noqa: PERF402  what was found before an error is kept
            return [Check("store", store.url), *checks]
    except TastegraphError as error:
        return [Check.failed("store", error), *checks]


def _release(home: Home) -> tuple[Check, Snapshot | None]:
    """That every byte of what is served is what was written; and its snapshot, if that much is well."""
    try:
        release = current(home)
    except NotFoundError:
        return Check("release", "nothing is published yet"), None
    except CorruptFileError as error:
        return Check.failed("release", error), None
    snapshot = None
    try:
        snapshot = _opened(home.snapshots / release.snapshot)
        for model, version in release.artifacts.items():
            _check_origin(Artifact.open(home.artifacts / model / version), snapshot)
    except (CorruptFileError, OSError) as error:
        return Check("release", f"{release.name}: {error}", _way_back(release)), snapshot
    return Check("release", f"{release.name} of {release.published_at}"), snapshot


def _way_back(release: Release) -> str:
    return (
        "run `tastegraph rollback`, or `tastegraph snapshot` and `tastegraph train`: the next release has a snapshot and"
        f" artifacts of its own; {release.name} can't be mended"
    )


def _opened(path: Path) -> Snapshot:
    """A snapshot of which every byte was compared with its manifest, and the manifest with its name."""
    snapshot = Snapshot.open(path)
    if path.name != snapshot.version:
        raise CorruptFileError(f"snapshot {path} says that it is {snapshot.version}; make it again")
    return snapshot


def _check_origin(artifact: Artifact, snapshot: Snapshot) -> None:
    """An artifact may be of an older snapshot; one that names this snapshot must mean this one."""
    if artifact.snapshot_version == snapshot.version and artifact.snapshot_hash != snapshot.content_hash:
        raise CorruptFileError(
            f"artifact {artifact.path} was trained on another snapshot {snapshot.version}; train again"
        )


def _newest_snapshot(home: Home, served: Snapshot | None) -> Check:
    try:
        path = latest_snapshot(home.snapshots)
    except NotFoundError:
        return Check("snapshot", "none was made yet")
    if served is not None and path == served.path:
        return Check("snapshot", f"{path.name}, the one that is served")
    try:
        return Check("snapshot", f"{_opened(path).version}, not what is served")
    except (CorruptFileError, OSError) as error:
        return Check("snapshot", str(error), f"run `tastegraph snapshot`, which makes a new one, and delete {path}")


def _leftovers(home: Home) -> Check:
    folders = [home.path, *home.path.glob("*/"), *home.path.glob("*/*/")]
    left = [path for folder in folders for path in leftovers(folder)]
    if not left:
        return Check("leftovers", "none")
    size_bytes = sum(file.stat().st_size for path in left for file in path.rglob("*") if file.is_file())
    found = f"{len(left)} of runs that were killed, {size_bytes / 1e6:,.1f} MB: {_some(left)}"
    return Check("leftovers", found, "the next run of the same command removes them, or do it: nothing else needs them")


def _modes(home: Home, url: str) -> Check:
    """Files with what users did in them are for their owner only."""
    files = [home.log_db, *_files(home.quarantine), *_files(home.checkpoints), *_files(home.keys)]
    if url.startswith(_SQLITE):
        files += [Path(url.removeprefix(_SQLITE) + suffix) for suffix in ("", "-wal", "-shm")]
    open_to_others = [path for path in files if _is_open_to_others(path)]
    if not open_to_others:
        return Check("modes", "files with user data are readable by their owner only")
    found = f"{len(open_to_others)} with user data can be read by others: {_some(open_to_others)}"
    return Check("modes", found, f"chmod 600 {' '.join(map(str, open_to_others[:_SHOWN]))}")


def _is_open_to_others(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return stat.S_ISREG(mode) and mode & 0o077 != 0


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


def _some(paths: list[Path]) -> str:
    return ", ".join(map(str, paths[:_SHOWN])) + (" …" if len(paths) > _SHOWN else "")
