"""A folder in interchange form that appears whole or not at all."""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from graph.errors import InvalidInputError


@contextmanager
def new_folder(folder: Path, *, again: bool = False) -> Generator[Path]:
    """A temporary folder beside `folder`, which takes its place when all went well.

    Raises InvalidInputError when `folder` can't be made, or is there already and holds anything; with `again`, only if what
    it holds differs from what was built.
    """
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        if taken and not (again and folder.is_dir()):
            raise _taken(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise InvalidInputError(f"{folder} can't be written ({error.strerror or error}); name another folder") from None
    try:
        yield building
        if taken:
            if not _same(building, folder):
                raise _taken(folder)
            shutil.rmtree(building)
        else:
            building.chmod(0o755 & ~_umask())
            os.replace(building, folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _taken(folder: Path) -> InvalidInputError:
    return InvalidInputError(
        f"{folder} is there already and holds something else; name a new folder, or remove it first"
    )


def _same(left: Path, right: Path) -> bool:
    names = sorted(path.name for path in left.iterdir())
    if names != sorted(path.name for path in right.iterdir()):
        return False
    return not any(filecmp.cmpfiles(left, right, names, shallow=False)[1:])


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
