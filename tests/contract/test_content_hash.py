"""The content hash: equal for equal content, whatever the order, the batches and the store; different for any difference."""

from __future__ import annotations

import random

from graph.contenthash import ContentHash
from graph.model import About, Board, EdgeKind, EdgeRow, EventKind, Id, NodeKind, NodeRow, Pin, TimeMs
from graph.ports import EventBatch, GraphStore
from graph.rules import edge_digest, event_digest, node_digest
from tests import graphs
from tests.contract.conftest import OpenStore
from tests.graphs import event


def expected() -> str:
    """The hash of the readable graph, from values alone: what every store must come to."""
    total = ContentHash()
    for rows in graphs.NODES.values():
        total.add(node_digest(row.node, row.deleted_at) for row in rows)
    for edges in graphs.EDGES.values():
        total.add(edge_digest(edge) for edge in edges)
    total.add_event([each.event_id for each in graphs.EVENTS], [event_digest(each) for each in graphs.EVENTS])
    return total.hexdigest()


def test_of_an_empty_store(store: GraphStore) -> None:
    assert store.content_hash() == "0" * 32


def test_comes_from_values_alone(store: GraphStore) -> None:
    graphs.fill(store)
    assert store.content_hash() == expected()


def test_neither_order_nor_batches_nor_repetition_matter(store: GraphStore) -> None:
    dice = random.Random(3)
    store.ensure_nodes(NodeKind.PIN, [pin.id for pin in graphs.PINS[:3]])
    for kind, rows in graphs.NODES.items():
        whole = kind is NodeKind.INTEREST  # a parent comes before its child, or with it
        for row in dice.sample(rows, len(rows)) if not whole else []:
            store.write_nodes(kind, [row])
        store.write_nodes(kind, rows)
    for kind, edges in graphs.EDGES.items():
        for edge in dice.sample(edges, len(edges)):
            store.write_edges(kind, [EdgeRow(edge), EdgeRow(edge)])
    events = dice.sample(graphs.EVENTS, len(graphs.EVENTS))
    for place in range(0, len(events), 7):
        store.write_events(EventBatch.of(events[max(0, place - 2) : place + 7]))
    assert store.content_hash() == expected()


def test_versions_do_not_count(store: GraphStore) -> None:
    pin = Pin(Id("p"), "t")
    store.write_nodes(NodeKind.PIN, [NodeRow(pin)])
    before = store.content_hash()
    store.write_nodes(NodeKind.PIN, [NodeRow(pin, TimeMs(5))])
    assert store.content_hash() == before


def test_a_bare_node_counts_as_one_with_default_properties(store: GraphStore) -> None:
    store.ensure_nodes(NodeKind.PIN, [Id("p")])
    total = ContentHash()
    total.add([node_digest(Pin(Id("p")))])
    assert store.content_hash() == total.hexdigest()
    store.write_nodes(NodeKind.PIN, [NodeRow(Pin(Id("p")))])
    assert store.content_hash() == total.hexdigest()


def test_every_change_shows(store: GraphStore) -> None:
    def changed() -> None:
        seen.append(store.content_hash())
        assert len(set(seen)) == len(seen)

    seen: list[str] = []
    changed()
    store.ensure_nodes(NodeKind.USER, [Id("u"), Id("v")])
    changed()
    store.ensure_nodes(NodeKind.PIN, [Id("u")])
    changed()
    store.write_nodes(NodeKind.PIN, [NodeRow(Pin(Id("u"), ""))])
    changed()
    store.write_nodes(NodeKind.PIN, [NodeRow(Pin(Id("u"), ""), TimeMs(1), TimeMs(1))])
    changed()
    store.write_nodes(NodeKind.PIN, [NodeRow(Pin(Id("u"), ""), TimeMs(2), TimeMs(2))])
    changed()
    for version, board in enumerate(
        [Board(Id("b"), Id("u")), Board(Id("b"), Id("v")), Board(Id("b"), Id("v"), None, True)]
    ):
        store.write_nodes(NodeKind.BOARD, [NodeRow(board, TimeMs(version))])
        changed()
    store.write_nodes(NodeKind.INTEREST, graphs.NODES[NodeKind.INTEREST])
    changed()
    for version, score in enumerate([None, 0.5, 0.25]):
        store.write_edges(EdgeKind.ABOUT, [EdgeRow(About(Id("u"), Id("food"), score), TimeMs(version))])
        changed()
    for id_ in (None, "given", "given too"):
        store.write_events(EventBatch.of([event(EventKind.SAVE, "u", "u", TimeMs(1), board="b", event_id=id_)]))
        changed()
    store.write_events(EventBatch.of([event(EventKind.VIEW, "u", "u", TimeMs(1), weight=2.0)]))
    changed()


def test_where_an_event_came_from_does_not_count(store: GraphStore, open_again: OpenStore) -> None:
    graphs.fill(store)
    offsets = list(range(len(graphs.EVENTS)))
    store.write_events(EventBatch.of(graphs.EVENTS, offsets), log_offset=99)
    assert open_again().content_hash() == expected()
