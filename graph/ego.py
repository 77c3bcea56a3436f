"""Ego networks as networkx graphs: for centrality, communities and export, where a library's algorithms serve best.

For neighbourhoods of up to some thousands of nodes; traversals of the whole graph are `graph.neighbourhood` and `graph.paths`.
Holds what the viewer may see and no attributes of users.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

import networkx as nx
import orjson

from graph.adjacency import Edge, NodeRef
from graph.errors import InvalidInputError, NotFoundError
from graph.model import NodeKind
from graph.neighbourhood import Neighbourhood, neighbourhood
from graph.ports import NULL_TIME
from graph.schema import Link
from graph.sealed import write_atomically
from graph.snapshot import Snapshot
from graph.visibility import STRANGER, Viewer, Visibility

EgoGraph = nx.MultiDiGraph
"""Nodes `Kind:id`; edges keyed by link and place, unique in the snapshot."""
EgoFormat = Literal["graphml", "json"]

BETWEENNESS_SAMPLE: Final = 200
"""Above this many nodes betweenness is estimated from as many sources, drawn with the seed."""
SEED: Final = 7

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Centrality:
    """Of one node: its degree over all edges, and betweenness (0 to 1; Brandes 2001) on the undirected simple graph."""

    degree: int
    betweenness: float


def ego_graph(snapshot: Snapshot, near: Neighbourhood) -> EgoGraph:
    """A neighbourhood as a graph; `graph.graph["cut"]` says what was left out of it.

    Nodes carry kind, raw id as `key` (node-link JSON has an `id` of its own), distance and, where there is one, title or name
    as `label`; edges their link and columns.
    """
    graph: EgoGraph = nx.MultiDiGraph(snapshot=snapshot.version, cut="; ".join(c.text(snapshot) for c in near.cut))
    names: dict[NodeRef, str] = {}
    for node in near.nodes:
        id_ = snapshot.nodes[node.kind].id_of(node.row)
        names[node.kind, node.row] = f"{node.kind}:{id_}"
        label = _label(snapshot, node.kind, node.row)
        attributes = {"kind": node.kind.value, "key": id_, "distance": node.distance}
        graph.add_node(names[node.kind, node.row], **attributes, **({"label": label} if label else {}))
    for edge in near.edges:
        columns = _columns(snapshot, edge, names)
        key = f"{edge.link}-{edge.place}"
        graph.add_edge(names[edge.source], names[edge.target], key=key, link=edge.link.value, **columns)
    return graph


def ego(
    snapshot: Snapshot,
    kind: NodeKind,
    id: str,
    *,
    hops: int,
    first: int = 1_000,
    links: Collection[Link] | None = None,
    viewer: Viewer = STRANGER,
) -> EgoGraph:
    """The ego network of a node by id.

    Raises NotFoundError where the viewer sees no such node, InvalidInputError when `hops` or `first` is out of bounds.
    """
    row = snapshot.nodes[kind].row_of(id)
    visible = Visibility.of(snapshot, viewer)
    if row is None or not visible.node(kind, row):
        raise NotFoundError(f"there is no {kind} {id!r} in snapshot {snapshot.version}; check the id, or load it first")
    near = neighbourhood(snapshot, kind, row, hops=hops, first=first, links=links, visible=visible)
    return ego_graph(snapshot, near)


def centrality(graph: EgoGraph) -> dict[str, Centrality]:
    """By node, in the graph's order. Above BETWEENNESS_SAMPLE nodes betweenness is an estimate, the same each time."""
    plain = nx.Graph(graph)
    sample = BETWEENNESS_SAMPLE if len(plain) > BETWEENNESS_SAMPLE else None
    between = nx.betweenness_centrality(plain, k=sample, seed=SEED)
    return {node: Centrality(int(degree), float(between[node])) for node, degree in graph.degree()}


def communities(graph: EgoGraph) -> list[list[str]]:
    """Communities by Louvain modularity (Blondel et al. 2008), seeded: largest first, ties and members by name."""
    found = nx.community.louvain_communities(nx.Graph(graph), seed=SEED)
    return sorted((sorted(members) for members in found), key=lambda members: (-len(members), members))


def export_ego(graph: EgoGraph, path: Path, format: EgoFormat) -> dict[str, Any]:
    """Writes a graph, whole or not at all, with each node's degree, betweenness and community; returns counts.

    `graphml` is for Gephi and the like; `json` is networkx's node-link form (nx.node_link_graph reads it back). Raises
    InvalidInputError when the path can't be written.
    """
    told = _with_measures(graph)
    match format:
        case "graphml":
            buffer = BytesIO()
            nx.write_graphml_xml(_fit_for_xml(told), buffer)
            data = buffer.getvalue()
        case "json":
            data = orjson.dumps(nx.node_link_data(told, edges="edges"), option=orjson.OPT_INDENT_2) + b"\n"
    try:
        write_atomically(path, data)
    except OSError as error:
        raise InvalidInputError(
            f"{path} can't be written ({error.strerror}); give a file in a folder of yours"
        ) from error
    communities_ = {told.nodes[node]["community"] for node in told}
    return {"out": str(path), "nodes": len(told), "edges": told.number_of_edges(), "communities": len(communities_)}


def _with_measures(graph: EgoGraph) -> EgoGraph:
    told = graph.copy()
    for node, measures in centrality(graph).items():
        told.nodes[node].update(degree=measures.degree, betweenness=measures.betweenness)
    for number, members in enumerate(communities(graph)):
        for node in members:
            told.nodes[node]["community"] = number
    return told


def _label(snapshot: Snapshot, kind: NodeKind, row: int) -> str | None:
    if kind is NodeKind.USER:
        return None
    column = "title" if kind in (NodeKind.PIN, NodeKind.BOARD) else "name"
    return snapshot.nodes[kind].value(column, row)


def _columns(snapshot: Snapshot, edge: Edge, names: dict[NodeRef, str]) -> dict[str, Any]:
    """The columns of an edge that have a value; a board or user only where it is in the network, and so visible."""
    found: dict[str, Any] = {}
    for name, column in snapshot.links[edge.link].columns.items():
        value = column[edge.place].item()
        if name in ("board", "by"):
            kind = NodeKind.BOARD if name == "board" else NodeKind.USER
            if (kind, value) in names:
                found[name] = names[kind, value]
        elif name == "predicate":
            found[name] = snapshot.predicates[value]
        elif not (name == "at" and value == NULL_TIME) and not (isinstance(value, float) and math.isnan(value)):
            found[name] = value
    return found


def _fit_for_xml(graph: EgoGraph) -> EgoGraph:
    """XML has no way to write most control characters."""

    def fit(value: Any) -> Any:
        return _NOT_IN_XML.sub("\ufffd", value) if isinstance(value, str) else value

    fitted: EgoGraph = nx.MultiDiGraph(**{name: fit(value) for name, value in graph.graph.items()})
    for node, attributes in graph.nodes(data=True):
        fitted.add_node(fit(node), **{name: fit(value) for name, value in attributes.items()})
    for source, target, key, attributes in graph.edges(keys=True, data=True):
        fitted.add_edge(fit(source), fit(target), key=fit(key), **{name: fit(v) for name, v in attributes.items()})
    return fitted
