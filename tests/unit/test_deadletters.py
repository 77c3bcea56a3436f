"""The file of dead letters: none twice, none half, whenever its writer was killed."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from graph.errors import CorruptFileError
from graph.eventlog.port import Record
from loaders.deadletters import DeadLetter, DeadLetters, count_letters


def letter(offset: int) -> DeadLetter:
    return DeadLetter(Record(offset, f"data {offset}".encode()), "because")


def offsets(folder: Path) -> list[int]:
    return [orjson.loads(line)["offset"] for line in (folder / "dead-letters.jsonl").read_bytes().splitlines()]


def test_what_is_there_is_not_written_again(tmp_path: Path):
    assert DeadLetters(tmp_path, "log").add([letter(3), letter(5)]) == 2
    again = DeadLetters(tmp_path, "log")
    assert again.add([letter(3), letter(5), letter(9)]) == 1
    assert again.add([letter(9)]) == 0
    assert offsets(tmp_path) == [3, 5, 9]
    assert count_letters(tmp_path) == 3


def test_another_log_has_offsets_of_its_own(tmp_path: Path):
    DeadLetters(tmp_path, "log").add([letter(7)])
    assert DeadLetters(tmp_path, "another").add([letter(2)]) == 1
    assert offsets(tmp_path) == [7, 2]


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_half_a_line_is_cut_off(tmp_path: Path, cut: int):
    DeadLetters(tmp_path, "log").add([letter(3), letter(5)])
    path = tmp_path / "dead-letters.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    DeadLetters(tmp_path, "log").add([letter(3), letter(5), letter(6)])
    assert offsets(tmp_path) == [3, 5, 6]


def test_nothing_makes_no_file(tmp_path: Path):
    assert DeadLetters(tmp_path / "home", "log").add([]) == 0
    assert not (tmp_path / "home").exists()
    assert count_letters(tmp_path / "home") == 0


def test_a_file_that_is_something_else(tmp_path: Path):
    (tmp_path / "dead-letters.jsonl").write_text("notes of mine\n")
    with pytest.raises(CorruptFileError, match="move the file away"):
        DeadLetters(tmp_path, "log").add([letter(1)])
