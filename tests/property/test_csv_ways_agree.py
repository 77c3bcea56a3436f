"""However a CSV file is cut into blocks, and whichever way a block is read: the same rows, lines and refusals."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from loaders import sources
from loaders.interchange import SourceFile, Table
from loaders.sources import lines
from loaders.sources.delimited import parse_records

HEADER = b"user_id,pin_id,kind\n"
PIECES = [
    b"a",
    b"bc",
    b",",
    b",",
    b",",
    b'"',
    b'""',
    b"\n",
    b"\n",
    b"\r\n",
    b"\r",
    "é".encode(),
    b"\xff",
    b"\0",
    b" ",
    b"a,b,c\n",
]

bodies = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join),
    st.lists(st.sampled_from([b"a,b,c\n", b"u1,p1,VIEW\n", b",,\n", b'"x","y\nz",\n', b"a,b\n"]), max_size=30).map(
        b"".join
    ),
)


@settings(max_examples=300, deadline=None)
@given(body=bodies, read_bytes=st.integers(1, 40), chunk_rows=st.integers(1, 5))
def test_blocks_change_nothing(body: bytes, read_bytes: int, chunk_rows: int) -> None:
    physical = body.split(b"\n")
    if not physical[-1]:
        physical.pop()
    expected = parse_records(physical, 2, 3, final=True)
    with TemporaryDirectory() as folder:
        path = Path(folder, "interactions.csv")
        path.write_bytes(HEADER + body)
        with patch.object(lines, "_READ_BYTES", read_bytes), patch.object(lines, "CHUNK_ROWS", chunk_rows):
            chunks = list(sources.read(SourceFile(Table.INTERACTIONS, path)))
    rows = [row for chunk in chunks for row in chunk.frame.select("line", "user_id", "pin_id", "kind").rows()]
    assert [(row[0], *(cell or "" for cell in row[1:])) for row in rows] == [
        (number, *cells) for number, cells in zip(expected.numbers, expected.cells, strict=True)
    ]
    assert [row for chunk in chunks for row in chunk.refused] == expected.refused
