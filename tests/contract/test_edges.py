"""Plain edges: ABOUT, IS, RELATES."""

from __future__ import annotations

import pytest

from graph.errors import NotFoundError
from graph.model import (
    About,
    EdgeKind,
    EdgeRow,
    Entity,
    Id,
    Interest,
    Is,
    NodeKind,
    NodeRow,
    PlainEdge,
    Relates,
    TimeMs,
)
from graph.ports import GraphStore, Outcome
from graph.rules import edge_digest


@pytest.fixture
def ends(store: GraphStore) -> GraphStore:
    """A store with pins p, q, interests i, j and entities e, f."""
    store.ensure_nodes(NodeKind.PIN, [Id("p"), Id("q")])
    store.write_nodes(NodeKind.INTEREST, [NodeRow(Interest(Id(x), x)) for x in ("i", "j")])
    store.write_nodes(NodeKind.ENTITY, [NodeRow(Entity(Id(x))) for x in ("e", "f")])
    return store


def about(score: float | None, version_at: int | None = None, pin: str = "p") -> EdgeRow:
    return EdgeRow(About(Id(pin), Id("i"), score), None if version_at is None else TimeMs(version_at))


def scores(store: GraphStore) -> list[float]:
    return sorted(float(score) for run in store.export_edges(EdgeKind.ABOUT) for score in run.score)


ONE_OF_EACH: list[tuple[EdgeKind, PlainEdge]] = [
    (EdgeKind.ABOUT, About(Id("p"), Id("i"), 0.5)),
    (EdgeKind.IS, Is(Id("p"), Id("e"))),
    (EdgeKind.RELATES, Relates(Id("e"), "directed by", Id("f"))),
]


@pytest.mark.parametrize(("kind", "edge"), ONE_OF_EACH)
def test_written_once(ends: GraphStore, kind: EdgeKind, edge: PlainEdge) -> None:
    assert ends.write_edges(kind, [EdgeRow(edge), EdgeRow(edge)]) == Outcome(written=1, duplicates=1, edges_written=1)
    assert ends.write_edges(kind, [EdgeRow(edge)]) == Outcome(unchanged=1)
    assert ends.counts().edges == {other: int(other is kind) for other in EdgeKind}


@pytest.mark.parametrize(
    ("kind", "edge"),
    [
        (EdgeKind.ABOUT, About(Id("nope"), Id("i"))),
        (EdgeKind.ABOUT, About(Id("p"), Id("nope"))),
        (EdgeKind.IS, Is(Id("nope"), Id("e"))),
        (EdgeKind.IS, Is(Id("p"), Id("nope"))),
        (EdgeKind.RELATES, Relates(Id("nope"), "x", Id("e"))),
        (EdgeKind.RELATES, Relates(Id("e"), "x", Id("nope"))),
    ],
)
def test_a_missing_end_stops_the_whole_call(ends: GraphStore, kind: EdgeKind, edge: PlainEdge) -> None:
    good = dict(ONE_OF_EACH)[kind]
    with pytest.raises(NotFoundError, match="nope"):
        ends.write_edges(kind, [EdgeRow(good), EdgeRow(edge)])
    assert sum(ends.counts().edges.values()) == 0


def test_the_later_version_wins(ends: GraphStore) -> None:
    assert ends.write_edges(EdgeKind.ABOUT, [about(0.5, 2)]) == Outcome(written=1, edges_written=1)
    assert ends.write_edges(EdgeKind.ABOUT, [about(0.25, 1)]) == Outcome(unchanged=1)
    assert scores(ends) == [0.5]
    assert ends.write_edges(EdgeKind.ABOUT, [about(1.0, 3)]) == Outcome(written=1, edges_written=1)
    assert scores(ends) == [1.0]
    assert ends.counts().edges[EdgeKind.ABOUT] == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_one_version_the_smaller_digest_wins_in_any_order(ends: GraphStore, order: tuple[int, int]) -> None:
    rows = sorted([about(0.5), about(0.25)], key=lambda row: edge_digest(row.edge))
    outcomes = [ends.write_edges(EdgeKind.ABOUT, [rows[place]]) for place in order]
    assert outcomes[0] == Outcome(written=1, edges_written=1)
    assert outcomes[1] == Outcome(conflicts=1, edges_written=int(order == (1, 0)))
    winner = rows[0].edge
    assert isinstance(winner, About)
    assert scores(ends) == [winner.score]


def test_two_scores_in_one_call_conflict(ends: GraphStore) -> None:
    rows = [about(0.5), about(0.25), about(0.25), about(0.125, 1, pin="q"), about(None, 0, pin="q")]
    outcome = ends.write_edges(EdgeKind.ABOUT, rows)
    assert outcome == Outcome(written=2, unchanged=1, duplicates=1, conflicts=1, edges_written=2)


def test_predicates_make_different_edges(ends: GraphStore) -> None:
    edges = [Relates(Id("e"), predicate, Id("f")) for predicate in ("a", "A", "b")] + [Relates(Id("f"), "a", Id("e"))]
    assert ends.write_edges(EdgeKind.RELATES, [EdgeRow(edge) for edge in edges]).written == 4
    assert ends.counts().edges[EdgeKind.RELATES] == 4


def test_an_entity_relates_to_itself(ends: GraphStore) -> None:
    assert ends.write_edges(EdgeKind.RELATES, [EdgeRow(Relates(Id("e"), "same", Id("e")))]).written == 1


@pytest.mark.parametrize("kind", [EdgeKind.OWNS, EdgeKind.CHILD_OF])
def test_what_nodes_carry_is_no_plain_edge(ends: GraphStore, kind: EdgeKind) -> None:
    with pytest.raises(ValueError, match=kind):
        ends.write_edges(kind, [about(0.5)])


def test_edges_of_another_kind_are_refused(ends: GraphStore) -> None:
    with pytest.raises(ValueError, match="IS"):
        ends.write_edges(EdgeKind.IS, [about(0.5)])


def test_no_rows(ends: GraphStore) -> None:
    for kind in (EdgeKind.ABOUT, EdgeKind.IS, EdgeKind.RELATES):
        assert ends.write_edges(kind, []) == Outcome()
