"""Neighbourhoods and shortest paths over CSR say what networkx says of the same visible graph."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.adjacency import KIND_ORDER, NodeRef
from graph.model import NodeKind
from graph.neighbourhood import NODES_MAX, neighbourhood
from graph.paths import PATHS_MAX, shortest_paths
from graph.schema import Link
from graph.snapshot import Snapshot
from graph.visibility import ADMIN, PRIVATE_LINKS, STRANGER, Viewer, Visibility
from tests.crowds import Crowd

seeds = st.integers(0, 10_000)
viewers = st.sampled_from([STRANGER, ADMIN, Viewer(0), Viewer(4)])
some_links = st.none() | st.sets(st.sampled_from(list(Link)), min_size=1)


def seen_graph(snapshot: Snapshot, viewer: Viewer, links: set[Link] | None = None) -> nx.MultiGraph:
    """What the viewer sees, written out plainly from DESIGN's “Who sees what”."""
    boards = snapshot.nodes[NodeKind.BOARD]
    owns = snapshot.links[Link.OWNS]
    owner = {board: user for user in range(len(owns.out.indptr) - 1) for board in owns.out.neighbours(user).tolist()}

    def sees_board(board: int) -> bool:
        mine = viewer.user_row is not None and owner.get(board) == viewer.user_row
        return viewer.admin or mine or not boards.value("secret", board)

    graph: nx.MultiGraph = nx.MultiGraph()
    for kind in NodeKind:
        rows = range(len(snapshot.nodes[kind]))
        graph.add_nodes_from((kind, row) for row in rows if kind is not NodeKind.BOARD or sees_board(row))
    for link, table in snapshot.links.items():
        if links is not None and link not in links:
            continue
        for place, (source, target) in enumerate(
            zip(table.sources().tolist(), table.out.indices.tolist(), strict=True)
        ):
            ends = (table.source, source), (table.target, target)
            own = viewer.admin or source == viewer.user_row
            if any(end not in graph for end in ends) or (link in PRIVATE_LINKS and not own):
                continue
            board = int(table.columns["board"][place]) if link is Link.SAVED else None
            if board is None or own or (board >= 0 and sees_board(board)):
                graph.add_edge(*ends, key=(link, place))
    return graph


def in_order(refs: list[NodeRef]) -> list[tuple[int, int]]:
    return [(KIND_ORDER[kind], row) for kind, row in refs]


@settings(max_examples=40)
@given(seed=seeds, viewer=viewers, links=some_links, hops=st.integers(0, 3))
def test_a_neighbourhood_that_fits_is_the_ego_network(
    folder: Path, seed: int, viewer: Viewer, links: set[Link] | None, hops: int
) -> None:
    snapshot = Crowd.of(seed).snapshot(folder)
    graph, visible = seen_graph(snapshot, viewer, links), Visibility.of(snapshot, viewer)
    for centre in [(kind, row) for kind in NodeKind for row in (0, 3)]:
        near = neighbourhood(snapshot, *centre, hops=hops, first=NODES_MAX, links=links, visible=visible)
        expected = (
            nx.single_source_shortest_path_length(nx.Graph(graph), centre, cutoff=hops) if centre in graph else {}
        )
        assert {(node.kind, node.row): node.distance for node in near.nodes} == dict(expected)
        assert [n.distance for n in near.nodes] == sorted(n.distance for n in near.nodes)
        keys = [(edge.link, edge.place) for edge in near.edges]
        assert len(keys) == len(set(keys))
        assert set(keys) == {key for *_, key in graph.subgraph(expected).edges(keys=True)}
        assert near.cut == ()


@settings(max_examples=25)
@given(seed=seeds, viewer=viewers, hops=st.integers(1, 3), first=st.integers(1, 12))
def test_what_does_not_fit_is_said(folder: Path, seed: int, viewer: Viewer, hops: int, first: int) -> None:
    snapshot = Crowd.of(seed).snapshot(folder)
    graph, visible = seen_graph(snapshot, viewer), Visibility.of(snapshot, viewer)
    for centre in [(kind, row) for kind in NodeKind for row in (0, 3) if (kind, row) in graph]:
        near = neighbourhood(snapshot, *centre, hops=hops, first=first, links=None, visible=visible)
        chosen = {(node.kind, node.row): node.distance for node in near.nodes}
        distance = nx.single_source_shortest_path_length(nx.Graph(graph), centre, cutoff=hops)
        assert len(chosen) == min(first, len(distance))
        assert chosen.items() <= distance.items()
        left_out = {
            (node, link)
            for node, hop in chosen.items()
            if hop < hops
            for _, other, (link, _) in graph.edges(node, keys=True)
            if other not in chosen
        }
        assert {(cut.node, cut.link) for cut in near.cut} == left_out
        for cut in near.cut:
            edges = [other for _, other, (link, _) in graph.edges(cut.node, keys=True) if link is cut.link]
            if snapshot.links[cut.link].source is not snapshot.links[cut.link].target:
                assert cut.of == len(edges)
                assert cut.left_out == sum(other not in chosen for other in edges)


@settings(max_examples=40)
@given(seed=seeds, viewer=viewers, links=some_links, max_hops=st.integers(0, 5))
def test_shortest_paths_are_all_of_them_in_order(
    folder: Path, seed: int, viewer: Viewer, links: set[Link] | None, max_hops: int
) -> None:
    snapshot = Crowd.of(seed, size=8).snapshot(folder)
    graph, visible = seen_graph(snapshot, viewer, links), Visibility.of(snapshot, viewer)
    ends = [(kind, row) for kind in NodeKind for row in (0, 2)]
    for start in ends:
        for end in ends:
            try:
                every = [
                    path for path in nx.all_shortest_paths(nx.Graph(graph), start, end) if len(path) <= max_hops + 1
                ]
            except (nx.NetworkXNoPath, nx.NodeNotFound):
                every = []
            every.sort(key=in_order)
            paths = shortest_paths(
                snapshot, start, end, max_hops=max_hops, visible=visible, links=links, first=PATHS_MAX
            )
            assert [list(path.nodes) for path in paths] == every[:PATHS_MAX]
            assert paths.more == (len(every) > PATHS_MAX)
            assert not paths.cut
            for path in paths:
                for (here, there), edge in zip(pairwise(path.nodes), path.edges, strict=True):
                    assert {edge.source, edge.target} == {here, there}
                    assert graph.has_edge(edge.source, edge.target, (edge.link, edge.place))


@pytest.mark.parametrize("edges_max", [1, 20, 60])
def test_a_small_budget_never_lengthens_a_path_and_says_that_it_ended(folder: Path, edges_max: int) -> None:
    snapshot = Crowd.of(3, size=20, events=400).snapshot(folder)
    visible, cuts = Visibility.of(snapshot, STRANGER), 0
    for end in range(20):
        start, goal = (NodeKind.PIN, 0), (NodeKind.USER, end)
        full = shortest_paths(snapshot, start, goal, max_hops=6, visible=visible)
        paths = shortest_paths(snapshot, start, goal, max_hops=6, visible=visible, edges_max=edges_max)
        cuts += paths.cut
        assert len(paths) == 0 or len(paths[0]) == len(full[0])
        assert paths.cut or list(paths) == list(full)
    assert cuts
