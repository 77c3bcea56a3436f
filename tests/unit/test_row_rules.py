"""Which rows are refused, and what the refusal says."""

from __future__ import annotations

import polars as pl
import pytest

from loaders.interchange import Table
from loaders.sources.chunk import RawChunk
from loaders.validation.references import References
from loaders.validation.tables import Checked, check_rows
from loaders.validation.taxonomy import LEVELS_MAX, by_level

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000

GOOD: dict[Table, dict[str, str]] = {
    Table.USERS: {"id": "u1"},
    Table.PINS: {"id": "p1", "title": "A pin"},
    Table.BOARDS: {"id": "b1", "owner_id": "u1"},
    Table.INTERESTS: {"id": "i1", "name": "Cooking"},
    Table.ENTITIES: {"id": "e1"},
    Table.INTERACTIONS: {"user_id": "u1", "pin_id": "p1", "kind": "SAVE"},
    Table.FOLLOWS: {"user_id": "u1", "target_kind": "USER", "target_id": "u2"},
    Table.PIN_INTERESTS: {"pin_id": "p1", "interest_id": "i1"},
    Table.PIN_ENTITIES: {"pin_id": "p1", "entity_id": "e1"},
    Table.RELATIONS: {"head_id": "e1", "predicate": "directed_by", "tail_id": "e2"},
}


def checked(table: Table, *rows: dict[str, str]) -> Checked:
    """Rows of cells, as a CSV file would give them, from line 2 on."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names}
    return check_rows(table, RawChunk(pl.DataFrame(columns).with_columns(line=pl.int_range(2, len(rows) + 2))), NOW_MS)


@pytest.mark.parametrize("table", [*Table])
def test_the_least_row_of_each_table_is_taken(table: Table) -> None:
    result = checked(table, GOOD[table])
    assert (result.frame.height, result.refused) == (1, [])


@pytest.mark.parametrize(
    ("table", "cells", "reason"),
    [
        (Table.USERS, {"id": ""}, "id is empty"),
        (Table.USERS, {"id": "a\0b"}, "id holds a control character"),
        (Table.USERS, {"id": "é" * 33}, "id is longer than 64 bytes"),
        (Table.USERS, {"created_at": "yesterday"}, "created_at is not an ISO 8601 time or integer milliseconds"),
        (Table.USERS, {"updated_at": str(NOW_MS + DAY_MS + 1)}, "updated_at is over 24 h in the future"),
        (Table.USERS, {"attributes": "[1]"}, "attributes is no JSON object"),
        (Table.USERS, {"attributes": "{"}, "attributes is not JSON"),
        (Table.USERS, {"attributes": '{"a": "%s"}' % ("x" * 8192)}, "attributes are over 8 KiB"),
        (Table.PINS, {"title": "x" * 8193}, "title is longer than 8192 bytes"),
        (Table.PINS, {"description": "a\0"}, "description holds a NUL byte"),
        (Table.BOARDS, {"owner_id": ""}, "owner_id is empty"),
        (Table.BOARDS, {"secret": "maybe"}, "secret is not true or false"),
        (Table.INTERESTS, {"name": ""}, "name is empty"),
        (Table.INTERACTIONS, {"kind": "LIKE"}, "kind is not one of SAVE, UNSAVE, VIEW, CLICK, HIDE"),
        (Table.INTERACTIONS, {"kind": ""}, "kind is empty"),
        (Table.INTERACTIONS, {"kind": "VIEW", "board_id": "b1"}, "board_id is for SAVE and UNSAVE only"),
        (Table.INTERACTIONS, {"kind": "VIEW", "weight": "0"}, "weight is not over 0 and at most 1e+06"),
        (Table.INTERACTIONS, {"kind": "CLICK", "weight": "nan"}, "weight is not over 0 and at most 1e+06"),
        (Table.INTERACTIONS, {"kind": "CLICK", "weight": "much"}, "weight is not a number"),
        (Table.INTERACTIONS, {"at": "2024-02-30T00:00:00Z"}, "at is not an ISO 8601 time or integer milliseconds"),
        (Table.INTERACTIONS, {"event_id": "x" * 65}, "event_id is longer than 64 bytes"),
        (Table.FOLLOWS, {"target_kind": "PIN"}, "target_kind is not one of USER, BOARD, INTEREST"),
        (Table.FOLLOWS, {"kind": "SAVE"}, "kind is not FOLLOW or UNFOLLOW"),
        (Table.PIN_INTERESTS, {"score": "0"}, "score is not over 0 and at most 1"),
        (Table.PIN_INTERESTS, {"score": "1.0001"}, "score is not over 0 and at most 1"),
        (Table.RELATIONS, {"predicate": "x" * 257}, "predicate is longer than 256 bytes"),
        (Table.RELATIONS, {"predicate": "a\nb"}, "predicate holds a control character"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_reason_and_cells(table: Table, cells: dict[str, str], reason: str) -> None:
    bad = GOOD[table] | cells
    result = checked(table, GOOD[table], bad, GOOD[table])
    assert result.frame["line"].to_list() == [2, 4]
    assert [(row.line, row.reason) for row in result.refused] == [(3, reason)]
    assert result.refused[0].raw == {name: bad[name] for name in [*GOOD[table], *cells] if name in bad}


def test_what_the_rows_mean() -> None:
    result = checked(
        Table.INTERACTIONS,
        {"user_id": "u", "pin_id": "p", "kind": "VIEW", "at": "1969-12-31T23:59:59.999Z", "weight": ""},
        {"user_id": "u", "pin_id": "p", "kind": "SAVE", "at": str(NOW_MS + DAY_MS), "weight": "7", "board_id": "b"},
    )
    assert result.frame.select("kind", "at", "weight", "board").rows() == [
        ("VIEW", -1, 1.0, None),
        ("SAVE", NOW_MS + DAY_MS, None, "b"),
    ]
    boards = [GOOD[Table.BOARDS] | {"secret": said} for said in ("TRUE", "0", "")]
    assert checked(Table.BOARDS, *boards).frame["secret"].to_list() == [True, False, False]
    assert checked(Table.FOLLOWS, GOOD[Table.FOLLOWS]).frame.select("kind", "target_kind").rows() == [
        ("FOLLOW", "User")
    ]


def levels(*rows: tuple[str, str | None], in_store: frozenset[str] = frozenset()) -> dict[str, int | str]:
    """Level or reason by id, for (id, parent)."""
    frame = pl.DataFrame(rows, schema={"id": pl.String, "parent_id": pl.String}, orient="row").with_columns(
        name=pl.lit("n")
    )
    placed, reasons = by_level(frame, References(lambda _, ids: set(ids) - in_store))
    both = zip(frame["id"], placed["level"], reasons, strict=True)
    return {id_: level if reason is None else reason.partition(" ")[0] for id_, level, reason in both}


def test_interests_come_parents_first_and_lost_branches_are_refused() -> None:
    tree = levels(
        ("leaf", "branch"), ("branch", "top"), ("top", None), ("of-store", "kept"),
        ("lost", "nowhere"), ("below-lost", "lost"), ("c1", "c2"), ("c2", "c1"), ("self", "self"),
        in_store=frozenset({"kept"}),
    )  # fmt: skip
    assert tree == {
        "leaf": 2, "branch": 1, "top": 0, "of-store": 0,
        "lost": "parent_id", "below-lost": "the", "c1": "the", "c2": "the", "self": "the",
    }  # fmt: skip


def test_a_taxonomy_has_a_limit_of_levels() -> None:
    chain = [(f"i{depth}", f"i{depth - 1}" if depth else None) for depth in range(LEVELS_MAX + 1)]
    found = levels(*chain)
    assert found[f"i{LEVELS_MAX - 1}"] == LEVELS_MAX - 1
    assert found[f"i{LEVELS_MAX}"] == "the"
