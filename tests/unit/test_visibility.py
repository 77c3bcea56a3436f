"""Who sees what, on the graph that a person can read."""

from __future__ import annotations

import numpy as np
import pytest

from graph.adjacency import Side, around
from graph.model import NodeKind
from graph.neighbourhood import Cut, neighbourhood
from graph.schema import LINKS, Link
from graph.snapshot import Snapshot
from graph.visibility import ADMIN, STRANGER, Viewer, Visibility
from tests.graphs import tiny_snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return tiny_snapshot(tmp_path_factory.mktemp("visibility"))


def viewer(snapshot: Snapshot, who: str) -> Viewer:
    return {"stranger": STRANGER, "admin": ADMIN}.get(who) or Viewer(snapshot.nodes[NodeKind.USER].row_of(who))


def seen(snapshot: Snapshot, who: str, link: Link, *, outgoing: bool = True) -> set[tuple[str, str]]:
    """(source id, target id) of the edges of a kind that somebody sees, found from one side or the other."""
    side = Side(link, outgoing)
    rows = np.arange(len(snapshot.nodes[side.start]), dtype=np.int32)
    found = around(Visibility.of(snapshot, viewer(snapshot, who)), side, rows, 1_000)
    here, there = snapshot.nodes[side.start], snapshot.nodes[side.end]
    pairs = [
        (here.id_of(int(rows[place])), there.id_of(int(other)))
        for place, other in zip(found.place, found.other, strict=True)
    ]
    assert (found.place[:-1] <= found.place[1:]).all()
    return set(pairs if outgoing else [pair[::-1] for pair in pairs])


@pytest.mark.parametrize("outgoing", [True, False])
@pytest.mark.parametrize(
    ("who", "own"),
    [
        ("stranger", set()),
        ("ada", {("ada", "dress"), ("ada", "pie")}),
        ("bo", set()),
        ("admin", {("ada", "dress"), ("ada", "pie")}),
    ],
)
def test_saves_on_secret_boards_or_none_are_the_savers(
    snapshot: Snapshot, who: str, own: set[tuple[str, str]], outgoing: bool
) -> None:
    public = {("ada", "fern"), ("ada", "moss"), ("ada", "rose"), ("bo", "soup"), ("bo", "bread"), ("bo", "pie")}
    public |= {("cem", "fern"), ("cem", "pie")}
    assert seen(snapshot, who, Link.SAVED, outgoing=outgoing) == public | own


@pytest.mark.parametrize("outgoing", [True, False])
@pytest.mark.parametrize(
    ("link", "owner", "edges"),
    [
        (Link.VIEWED, "ada", {("ada", "soup")}),
        (Link.VIEWED, "cem", {("cem", "moss")}),
        (Link.CLICKED, "cem", {("cem", "moss")}),
        (Link.HID, "bo", {("bo", "dress")}),
        (Link.FOLLOWS_USER, "bo", {("bo", "ada")}),
        (Link.MUTED, "bo", {("bo", "weddings")}),
        (Link.BOOSTED, "cem", {("cem", "baking")}),
    ],
)
def test_what_is_private_is_its_users_and_admins(
    snapshot: Snapshot, link: Link, owner: str, edges: set[tuple[str, str]], outgoing: bool
) -> None:
    assert seen(snapshot, owner, link, outgoing=outgoing) == edges
    assert seen(snapshot, "admin", link, outgoing=outgoing) >= edges
    for other in ("stranger", "dot"):
        assert seen(snapshot, other, link, outgoing=outgoing) == set()


@pytest.mark.parametrize(
    ("link", "edge"),
    [(Link.OWNS, ("ada", "ada-wedding")), (Link.HOLDS, ("ada-wedding", "dress"))],
)
def test_edges_of_a_secret_board_are_its_owners(snapshot: Snapshot, link: Link, edge: tuple[str, str]) -> None:
    assert {who for who in ("stranger", "ada", "bo", "cem", "admin") if edge in seen(snapshot, who, link)} == {
        "ada",
        "admin",
    }


@pytest.mark.parametrize(
    "link", [Link.ABOUT, Link.CHILD_OF, Link.IS, Link.RELATES, Link.FOLLOWS_BOARD, Link.FOLLOWS_INTEREST]
)
def test_the_rest_is_public(snapshot: Snapshot, link: Link) -> None:
    everything = seen(snapshot, "admin", link)
    assert everything
    assert seen(snapshot, "stranger", link) == everything


def test_every_kind_of_edge_has_a_rule(snapshot: Snapshot) -> None:
    """A new link must be thought about here before strangers see it."""
    open_to_strangers = {link for link in LINKS if seen(snapshot, "stranger", link)}
    assert open_to_strangers == {
        Link.SAVED,
        Link.HOLDS,
        Link.FOLLOWS_BOARD,
        Link.FOLLOWS_INTEREST,
        Link.OWNS,
        Link.ABOUT,
        Link.CHILD_OF,
        Link.IS,
        Link.RELATES,
    }


def test_what_was_cut_is_said_for_people(snapshot: Snapshot) -> None:
    pie = snapshot.nodes[NodeKind.PIN].row_of("pie")
    assert pie is not None
    visible = Visibility.of(snapshot, STRANGER)
    near = neighbourhood(snapshot, NodeKind.PIN, pie, hops=1, first=2, links=[Link.SAVED], visible=visible)
    assert [cut.text(snapshot) for cut in near.cut] == ["SAVED into Pin pie: 1 of 2 left out"]
    unread = Cut((NodeKind.PIN, pie), Link.SAVED, outgoing=False, left_out=3_201, of=3_301, unread=True)
    assert unread.text(snapshot) == "SAVED into Pin pie: at least 3,201 of 3,301 left out"


def test_each_kind_of_edge_gets_its_share_of_the_room(snapshot: Snapshot) -> None:
    """A pin's savers do not crowd out its boards and interests."""
    pie = snapshot.nodes[NodeKind.PIN].row_of("pie")
    assert pie is not None
    visible = Visibility.of(snapshot, ADMIN)
    near = neighbourhood(snapshot, NodeKind.PIN, pie, hops=1, first=5, links=None, visible=visible)
    assert {node.kind for node in near.nodes} == set(NodeKind)
