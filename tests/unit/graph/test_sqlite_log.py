"""The SQLite event log as a file: one fsync for many, its owner's alone, and clear words where it can't be used."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from graph.errors import CorruptFileError, InvalidInputError, StoreUnavailableError
from graph.eventlog import open_log, sqlite
from graph.eventlog.sqlite import SqliteLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "log.db"


async def test_appends_that_come_at_once_share_a_commit(path: Path):
    log = SqliteLog(path)
    await log.append([b"first"])
    with sqlite3.connect(path) as looking:
        before = looking.execute("PRAGMA data_version").fetchone()
        commits = 0
        appends = asyncio.gather(*[log.append([b"x"]) for _ in range(500)])
        while not appends.done():
            await asyncio.sleep(0)
            now = looking.execute("PRAGMA data_version").fetchone()
            commits, before = commits + (now != before), now
        assert sorted(offset for (offset,) in await appends) == list(range(1, 501))
    looking.close()
    await log.close()
    assert commits < 100, "an fsync for every fifth append, or rarer"


async def test_reading_makes_no_file(path: Path):
    log = SqliteLog(path)
    assert await log.read(0, 1) == []
    assert await log.head() == 0
    assert not path.parent.exists()
    await log.close()


async def test_the_file_is_its_owners_alone(path: Path):
    log = SqliteLog(path)
    await log.append([b"x"])
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    await log.close()
    assert modes == {0o600}


async def test_an_offset_is_never_given_twice(path: Path):
    """Also when the last records were erased."""
    log = SqliteLog(path)
    await log.append([b"0", b"1", b"2"])
    await log.close()
    with sqlite3.connect(path) as erasing:
        erasing.execute("DELETE FROM log WHERE log_offset > 0")
    erasing.close()
    log = SqliteLog(path)
    assert await log.append([b"3"]) == [3]
    assert [record.offset for record in await log.read(0, 9)] == [0, 3]
    await log.close()


async def test_a_file_that_is_no_log(path: Path):
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    log = SqliteLog(path)
    for asking in (log.append([b"x"]), log.read(0, 1), log.head()):
        with pytest.raises(InvalidInputError, match="is a SQLite file but no event log"):
            await asking
    await log.close()


async def test_a_damaged_log(path: Path):
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    log = SqliteLog(path)
    for asking in (log.append([b"x"]), log.read(0, 1)):
        with pytest.raises(CorruptFileError, match="is damaged"):
            await asking
    await log.close()


async def test_a_newer_log(path: Path):
    log = SqliteLog(path)
    await log.append([b"x"])
    await log.close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 2")
    newer.close()
    with pytest.raises(InvalidInputError, match="format 2, this version knows 1"):
        await SqliteLog(path).head()


async def test_what_is_refused_once_goes_in_later(path: Path, monkeypatch: pytest.MonkeyPatch):
    """A writer that keeps the file for itself: who appends is told, and the same log works again afterwards."""
    monkeypatch.setattr(sqlite, "_BUSY_TIMEOUT_S", 0.05)
    log = SqliteLog(path)
    await log.append([b"0"])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="kept busy"):
        await log.append([b"1"])
    other.execute("ROLLBACK")
    other.close()
    assert await log.append([b"1"]) == [1]
    await log.close()


async def test_more_than_can_wait_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "WAITING_RECORDS_MAX", 10)
    log = SqliteLog(path)
    results = await asyncio.gather(*[log.append([b"x"] * 6) for _ in range(20)], return_exceptions=True)
    refused = [result for result in results if isinstance(result, StoreUnavailableError)]
    assert refused
    assert await log.head() == 6 * (20 - len(refused))
    await log.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:///", "names no file"),
        ("redis://localhost", "is of no known kind"),
        ("kafka://localhost:9092", "names no broker or not one topic"),
        ("kafka://localhost:9092/a,b", "names no broker or not one topic"),
        ("kafka://me:secret@localhost:9092/a", "credentials do not go into"),
    ],
)
def test_urls_that_can_not_be_used(url: str, reason: str):
    with pytest.raises(InvalidInputError, match=reason):
        open_log(url)
