"""The pieces of a file are the file: the same rows, refusals and lines, each once."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from loaders import pieces, sources
from loaders.interchange import SourceFile, Table
from loaders.sources.chunk import RawChunk

ROWS = "".join(f"u{i},p{i},VIEW\n" if i % 7 else f"u{i},p{i}\n" for i in range(500))
OBJECTS = "".join(f'{{"user_id": "u{i}", "pin_id": "p", "kind": "VIEW"}}\n' if i % 7 else "{\n" for i in range(500))


def said(chunks: list[RawChunk]) -> tuple[list[dict[str, object]], list[tuple[int, str, object]]]:
    rows = [row for chunk in chunks for row in chunk.frame.to_dicts()]
    refused = [(row.line, row.reason, row.raw) for chunk in chunks for row in chunk.refused]
    return rows, sorted(refused, key=lambda row: row[0])


@pytest.mark.parametrize(
    ("name", "content", "many"),
    [
        ("interactions.csv", "user_id,pin_id,kind\n" + ROWS, True),
        ("interactions.csv", "user_id,pin_id,kind\n" + ROWS.rstrip("\n"), True),
        ("interactions.csv", 'user_id,pin_id,kind\n"u\n0",p,VIEW\n' + ROWS, False),
        ("interactions.csv", "user_id,pin_id,kind\n", False),
        ("interactions.jsonl", OBJECTS, True),
        ("interactions.jsonl", "", False),
    ],
)
def test_pieces_of_text_are_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, many: bool
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1_000)
    file = SourceFile(Table.INTERACTIONS, tmp_path / name)
    file.path.write_text(content)
    cut = pieces.cut(file)
    assert (len(cut) > 5) is many
    assert said([chunk for piece in cut for chunk in pieces.read(piece)]) == said(list(sources.read(file)))


def test_row_groups_and_compressed_files_too(tmp_path: Path) -> None:
    rows = pl.DataFrame({"user_id": [f"u{i}" for i in range(250)], "pin_id": "p", "kind": "VIEW"})
    parquet = SourceFile(Table.INTERACTIONS, tmp_path / "interactions.parquet")
    rows.write_parquet(parquet.path, row_group_size=100)
    zipped = SourceFile(Table.INTERACTIONS, tmp_path / "interactions.csv.gz")
    zipped.path.write_bytes(gzip.compress(b"user_id,pin_id,kind\n" + ROWS.encode()))
    for file, count in ((parquet, 3), (zipped, 1)):
        cut = pieces.cut(file)
        assert len(cut) == count
        assert said([chunk for piece in cut for chunk in pieces.read(piece)]) == said(list(sources.read(file)))
