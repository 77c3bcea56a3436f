"""CSV: what is broken costs its own line, and every line keeps its true number."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from graph.errors import InvalidInputError
from loaders import sources
from loaders.interchange import SourceFile, Table
from loaders.sources import lines

HEADER = b"user_id,pin_id,kind\n"


def read(
    path: Path, data: bytes, table: Table = Table.INTERACTIONS
) -> tuple[list[tuple[object, ...]], list[tuple[int, str]]]:
    """Rows as (line, cells…) and refusals as (line, reason) of a file with this content."""
    path.write_bytes(data)
    file = SourceFile(table, path)
    sources.check_file(file)
    chunks = list(sources.read(file))
    rows = [row for chunk in chunks for row in chunk.frame.select("line", *chunk.frame.columns[:-1]).rows()]
    return rows, [(row.line, row.reason) for chunk in chunks for row in chunk.refused]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "interactions.csv"


def test_rows_keep_their_physical_line_numbers_also_after_quoted_newlines(path: Path) -> None:
    rows, refused = read(path, HEADER + b'u1,p1,VIEW\nu2,"p\n\n2",SAVE\nu3,p3,HIDE\n')
    assert rows == [(2, "u1", "p1", "VIEW"), (3, "u2", "p\n\n2", "SAVE"), (6, "u3", "p3", "HIDE")]
    assert refused == []


def test_an_unclosed_quote_costs_one_line(path: Path) -> None:
    rows, refused = read(path, HEADER + b'u1,p1,VIEW\nu2,"p2,SAVE\nu3,p3,HIDE\nu4,p4,VIEW\n')
    assert [row[0] for row in rows] == [2, 4, 5]
    assert refused == [(3, "a quote that opens here is not closed")]


def test_an_unclosed_quote_in_a_large_file_costs_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_READ_BYTES", 1 << 16)
    body = [b"u%d,p%d,VIEW\n" % (i, i) for i in range(30_000)]
    body[17] = b'u17,"p17,VIEW\n'
    rows, refused = read(path, HEADER + b"".join(body))
    assert [row[0] for row in rows] == [line for line in range(2, 30_002) if line != 19]
    assert refused == [(19, "a quote that opens here is not closed")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"u2,p2", "the row has 2 fields, the header names 3"),
        (b"u2,p2,SAVE,", "the row has 4 fields, the header names 3"),
        (b"u2,p\xff2,SAVE", "the line is not valid UTF-8"),
        (b'u2,"p"2,SAVE', "not CSV: ',' expected after '\"'"),
        (b"u2," + b"x" * (1 << 20) + b",SAVE", "the line is over 65536 bytes long"),
    ],
)
def test_a_broken_line_is_refused_and_its_neighbours_are_read(path: Path, line: bytes, reason: str) -> None:
    rows, refused = read(path, HEADER + b"u1,p1,VIEW\n" + line + b"\nu3,p3,HIDE\n")
    assert [row[0] for row in rows] == [2, 4]
    assert refused == [(3, reason)]


def test_the_longest_line_is_read_and_one_byte_more_is_not(path: Path) -> None:
    room = lines.LINE_BYTES_MAX - len(b"u,,VIEW")
    rows, refused = read(path, HEADER + b"u,%s,VIEW\nu,%s,VIEW\n" % (b"x" * room, b"x" * (room + 1)))
    assert [row[0] for row in rows] == [2]
    assert [line for line, _ in refused] == [3]


def test_byte_order_mark_crlf_blank_lines_and_a_missing_last_newline_do_no_harm(path: Path) -> None:
    rows, refused = read(path, b"\xef\xbb\xbf" + HEADER[:-1] + b"\r\nu1,p1,VIEW\r\n\r\nu2,p2,SAVE")
    assert rows == [(2, "u1", "p1", "VIEW"), (4, "u2", "p2", "SAVE")]
    assert refused == []


@pytest.mark.parametrize("data", [HEADER, HEADER[:-1]])
def test_a_header_alone_is_a_table_without_rows(path: Path, data: bytes) -> None:
    assert read(path, data) == ([], [])


def test_other_columns_of_a_node_are_its_attributes(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(b'id,country,age\nu1,DE,30\nu2,"a ""b"" c",\n')
    (chunk,) = sources.read(SourceFile(Table.USERS, path))
    assert chunk.extra == [{"country": "DE", "age": "30"}, {"country": 'a "b" c'}]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"user_id,kind\n", "lacks the column pin_id; its columns are user_id, kind"),
        (b"user_id,pin_id,kind,kind\n", "has the column kind twice"),
        (b"user_id\xff,pin_id,kind\n", "names no columns"),
        (b"x" * (1 << 20), "the first line is over"),
    ],
)
def test_a_header_that_can_not_be_used_is_told_in_one_line(path: Path, data: bytes, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said) as error:
        read(path, data)
    assert "\n" not in str(error.value)


def test_unknown_columns_of_an_edge_table_are_left_out_and_named(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, _ = read(path, b"user_id,pin_id,kind,colour\nu1,p1,VIEW,red\n")
    assert rows == [(2, "u1", "p1", "VIEW")]
    assert "colour" in capsys.readouterr().err


def test_gzip_is_read_and_a_cut_or_damaged_stream_is_told(tmp_path: Path) -> None:
    path = tmp_path / "interactions.csv.gz"
    packed = gzip.compress(HEADER + b"".join(b"u%d,p%d,VIEW\n" % (i, i * 7919 % 1000) for i in range(20_000)))
    rows, _ = read(path, packed)
    assert len(rows) == 20_000
    with pytest.raises(InvalidInputError, match="cut short"):
        read(path, packed[: len(packed) // 2])
    broken = bytearray(packed)
    broken[len(packed) // 2] ^= 0xFF
    with pytest.raises(InvalidInputError, match="no sound gzip file"):
        read(path, bytes(broken))
    with pytest.raises(InvalidInputError, match="no sound gzip file"):
        read(path, HEADER)
