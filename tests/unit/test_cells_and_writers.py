"""What parallel writing rests on: cells that share no claim share no node, and writers never run two that share one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from graph.model import NodeKind
from loaders.cells import PARTS, Cell, bare_cells, cells
from loaders.interchange import Table
from loaders.writers import Writers

ROWS = 20_000
USER, PIN, BOARD = NodeKind.USER, NodeKind.PIN, NodeKind.BOARD


def ids(prefix: str, count: int, rows: int = ROWS, seed: int = 1) -> list[str]:
    """Some ids again and again: a few hubs have most of the rows."""
    drawn = np.random.default_rng(seed).zipf(1.3, rows) % count
    return [f"{prefix}{number}" for number in drawn]


def interactions(boards: int) -> pl.DataFrame:
    some = [None if number % 5 == 0 else board for number, board in enumerate(ids("b", boards, seed=3))]
    return pl.DataFrame({"user": ids("u", 300), "target": ids("p", 200, seed=2), "board": some})


FOLLOWS = pl.DataFrame(
    {
        "user": ids("u", 300),
        "target": ids("u", 300, seed=4),
        "target_kind": ["User", "Board", "Interest", "User"] * (ROWS // 4),
    }
)
RELATIONS = pl.DataFrame({"head_id": ids("e", 100), "tail_id": ids("e", 100, seed=5)})
BOARDS = pl.DataFrame({"id": [f"b{n}" for n in range(ROWS)], "owner_id": ids("u", 300)})


def nodes_of(table: Table, cell: Cell) -> set[tuple[str, str]]:
    """All nodes that rows name, by their kind."""
    named = {
        Table.INTERACTIONS: (("user", USER), ("target", PIN), ("board", BOARD)),
        Table.FOLLOWS: (("user", USER),),
        Table.RELATIONS: (("head_id", NodeKind.ENTITY), ("tail_id", NodeKind.ENTITY)),
        Table.BOARDS: (("id", BOARD), ("owner_id", USER)),
    }
    found = {(kind, id_) for column, kind in named[table] for id_ in cell.rows[column].drop_nulls()}
    if table is Table.FOLLOWS:
        found |= set(zip(cell.rows["target_kind"], cell.rows["target"], strict=True))
    return found


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        (Table.INTERACTIONS, interactions(boards=7)),
        (Table.INTERACTIONS, interactions(boards=500)),
        (Table.FOLLOWS, FOLLOWS),
        (Table.RELATIONS, RELATIONS),
        (Table.BOARDS, BOARDS),
    ],
)
def test_cells_that_share_no_claim_share_no_node(table: Table, rows: pl.DataFrame) -> None:
    cut = cells(table, rows)
    found = [(cell.claims, nodes_of(table, cell)) for cell in cut]
    free = 0
    for (claims, nodes), (others, other_nodes) in combinations(found, 2):
        assert claims is not None
        assert others is not None
        if claims.isdisjoint(others):
            free += 1
            assert nodes.isdisjoint(other_nodes)
    assert free >= PARTS * (PARTS - 1) / 2, "some can be written at once"
    assert pl.concat([cell.rows for cell in cut]).sort(rows.columns).equals(rows.sort(rows.columns))
    assert len({cell.name for cell in cut}) == len(cut) or table is Table.FOLLOWS


def test_boards_of_one_user_each_leave_a_grid() -> None:
    rows = interactions(boards=9).with_columns(pl.col("user").alias("board"))
    assert len(cells(Table.INTERACTIONS, rows)) == PARTS**2


def test_a_cell_keeps_the_order_of_its_rows() -> None:
    rows = interactions(boards=50).with_row_index("place")
    assert all(cell.rows["place"].is_sorted() for cell in cells(Table.INTERACTIONS, rows))


def test_few_rows_are_not_cut() -> None:
    (cell,) = cells(Table.INTERACTIONS, interactions(boards=9).head(100))
    assert cell.claims is None
    assert len(bare_cells(PIN, pl.DataFrame({"id": ["a"]}))) == 1


class Meeting:
    """Notes calls that run at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: list[frozenset[tuple[NodeKind, int]]] = []
        self.met = 0
        self.most = 0
        self.made = 0

    def call(self, claims: frozenset[tuple[NodeKind, int]]) -> Callable[[], None]:
        def run() -> None:
            with self.lock:
                self.met += sum(not claims.isdisjoint(other) for other in self.running)
                self.running.append(claims)
                self.most = max(self.most, len(self.running))
            time.sleep(0.002)
            with self.lock:
                self.running.remove(claims)
                self.made += 1

        return run


def test_writers_run_at_once_only_what_shares_no_claim() -> None:
    meeting = Meeting()
    grid = [
        frozenset({(USER, row), (PIN, (row + diagonal) % PARTS)}) for diagonal in range(PARTS) for row in range(PARTS)
    ]
    with Writers(PARTS) as writers:
        for claims in [*grid, *reversed(grid), *grid]:
            writers.put(claims, meeting.call(claims))
        writers.wait()
        assert meeting.made == 3 * len(grid)
    assert (meeting.met, meeting.most) == (0, PARTS)


def test_what_claims_everything_runs_alone() -> None:
    alone, beside = threading.Event(), list[bool]()
    with Writers(3) as writers:
        for number in range(6):
            writers.put(frozenset({(USER, number)}), lambda: beside.append(alone.is_set()))

        def whole() -> None:
            alone.set()
            time.sleep(0.01)
            alone.clear()

        writers.put(None, whole)
        for number in range(6):
            writers.put(frozenset({(USER, number)}), lambda: beside.append(alone.is_set()))
    assert beside == [False] * 12


def test_an_error_stops_what_waits_and_is_told() -> None:
    made: list[int] = []

    def fail() -> None:
        time.sleep(0.01)
        raise ValueError("the store is gone")

    same = frozenset({(USER, 0)})
    with pytest.raises(ValueError, match="the store is gone"), Writers(2) as writers:  # noqa: PT012
        writers.put(same, fail)
        for number in range(5):
            writers.put(same, lambda number=number: made.append(number))
        writers.wait()
    assert made == []


def test_an_interrupt_leaves_nothing_running() -> None:
    done: list[str] = []

    def slow() -> None:
        time.sleep(0.05)
        done.append("slow")

    same = frozenset({(USER, 0)})
    with pytest.raises(KeyboardInterrupt), Writers(2) as writers:  # noqa: PT012
        writers.put(same, slow)
        writers.put(same, lambda: done.append("waited"))
        raise KeyboardInterrupt
    assert done == ["slow"]


def test_one_writer_is_the_caller() -> None:
    places: list[int] = []
    with Writers(1) as writers:
        writers.put(None, lambda: places.append(threading.get_ident()))
        assert places == [threading.get_ident()]
