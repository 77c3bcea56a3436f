"""Ego networks as networkx graphs: what they hold, what is measured, and that both formats read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import networkx as nx
import orjson
import pytest

from graph.ego import EgoGraph, centrality, communities, ego, export_ego
from graph.errors import InvalidInputError, NotFoundError
from graph.model import NodeKind, Pin
from graph.snapshot import Snapshot
from graph.visibility import ADMIN, STRANGER, Viewer
from tests.crowds import Crowd
from tests.graphs import tiny_snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return tiny_snapshot(tmp_path_factory.mktemp("ego"))


@pytest.fixture(scope="module")
def graph(snapshot: Snapshot) -> EgoGraph:
    return ego(snapshot, NodeKind.PIN, "fern", hops=2)


def test_nodes_and_edges_say_what_they_are(graph: EgoGraph) -> None:
    assert graph.nodes["Pin:fern"] == {"kind": "Pin", "key": "fern", "distance": 0, "label": "Fern in the shade"}
    assert "label" not in graph.nodes["User:ada"]
    (saved,) = (data for _, target, data in graph.out_edges("User:ada", data=True) if target == "Pin:fern")
    assert saved == {"link": "SAVED", "board": "Board:ada-garden", "at": 1714608000000}
    (relates,) = (
        data for _, target, data in graph.out_edges("Entity:rosa", data=True) if target == "Entity:polypodium"
    )
    assert relates == {"link": "RELATES", "predicate": "grows_near"}
    assert graph.graph["cut"] == ""


def test_attributes_of_users_stay_out(graph: EgoGraph) -> None:
    assert "TR" not in str(list(graph.nodes(data=True)))


def test_viewers_get_networks_of_their_own(snapshot: Snapshot) -> None:
    ada = snapshot.nodes[NodeKind.USER].row_of("ada")
    for viewer, sees in ((STRANGER, False), (Viewer(ada), True), (ADMIN, True)):
        assert ("Board:ada-wedding" in ego(snapshot, NodeKind.USER, "ada", hops=1, viewer=viewer)) is sees


def test_parallel_edges_are_all_there(tmp_path: Path) -> None:
    snapshot = Crowd.of(6, events=400).snapshot(tmp_path)
    graph = ego(snapshot, NodeKind.PIN, "p00", hops=4, viewer=ADMIN)
    assert graph.number_of_edges() == sum(len(table) for table in snapshot.links.values())


def test_measures_are_networkx_own(graph: EgoGraph) -> None:
    measured = centrality(graph)
    between = nx.betweenness_centrality(nx.Graph(graph))
    assert {node: (m.degree, m.betweenness) for node, m in measured.items()} == {
        node: (degree, between[node]) for node, degree in graph.degree()
    }
    found = communities(graph)
    assert sorted(node for members in found for node in members) == sorted(graph)
    assert [len(members) for members in found] == sorted((len(members) for members in found), reverse=True)
    assert communities(graph.copy()) == found


def test_both_formats_read_back_as_the_same_graph(graph: EgoGraph, tmp_path: Path) -> None:
    for format_ in ("graphml", "json"):
        result = export_ego(graph, tmp_path / f"fern.{format_}", format_)
        assert result["nodes"] == len(graph)
        assert result["edges"] == graph.number_of_edges()
    from_xml = nx.read_graphml(tmp_path / "fern.graphml", force_multigraph=True)
    from_json = nx.node_link_graph(orjson.loads((tmp_path / "fern.json").read_bytes()), edges="edges")
    assert dict(from_xml.nodes(data=True)) == dict(from_json.nodes(data=True))
    assert sorted(from_xml.edges(keys=True, data="link")) == sorted(from_json.edges(keys=True, data="link"))
    assert sorted(from_xml.edges(keys=True)) == sorted(graph.edges(keys=True))
    fern = from_json.nodes["Pin:fern"]
    assert fern["degree"] == graph.degree("Pin:fern")
    assert {"betweenness", "community"} <= fern.keys()


def test_the_same_network_is_the_same_file(snapshot: Snapshot, tmp_path: Path) -> None:
    files = [tmp_path / "one.graphml", tmp_path / "two.graphml"]
    for path in files:
        export_ego(ego(snapshot, NodeKind.USER, "cem", hops=2), path, "graphml")
    assert files[0].read_bytes() == files[1].read_bytes()


def test_titles_that_xml_cannot_write_are_still_exported(tmp_path: Path) -> None:
    crowd = Crowd.of(1)
    odd = [replace(pin, title="a\x00b\x1b\ufffe<&>\u2028") for pin in crowd.nodes[NodeKind.PIN] if isinstance(pin, Pin)]
    snapshot = replace(crowd, nodes={**crowd.nodes, NodeKind.PIN: [*odd]}).snapshot(tmp_path)
    export_ego(ego(snapshot, NodeKind.PIN, "p00", hops=1), tmp_path / "odd.graphml", "graphml")
    read = nx.read_graphml(tmp_path / "odd.graphml", force_multigraph=True)
    assert read.nodes["Pin:p00"]["label"] == "a\ufffdb\ufffd\ufffd<&>\u2028"


def test_what_was_cut_is_in_the_file(snapshot: Snapshot) -> None:
    cut = ego(snapshot, NodeKind.PIN, "pie", hops=1, first=3).graph["cut"]
    assert "Pin pie" in cut
    assert "left out" in cut


@pytest.mark.parametrize("id_", ["nobody", "spam", ""])
def test_an_unknown_id_is_not_found(snapshot: Snapshot, id_: str) -> None:
    with pytest.raises(NotFoundError, match=f"there is no Pin '{id_}'"):
        ego(snapshot, NodeKind.PIN, id_, hops=1)


def test_a_secret_board_is_as_unknown_as_one_that_is_not_there(snapshot: Snapshot) -> None:
    with pytest.raises(NotFoundError, match="there is no Board"):
        ego(snapshot, NodeKind.BOARD, "ada-wedding", hops=1)


def test_bounds_and_places_that_cannot_be_are_refused(snapshot: Snapshot, graph: EgoGraph, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="hops is 7; give 0 to 6"):
        ego(snapshot, NodeKind.PIN, "fern", hops=7)
    with pytest.raises(InvalidInputError, match="first is 0"):
        ego(snapshot, NodeKind.PIN, "fern", hops=1, first=0)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match="can't be written"):
        export_ego(graph, tmp_path / "file" / "x.json", "json")
