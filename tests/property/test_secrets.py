"""For a stranger no answer changes when secret data comes or goes: answers over both graphs, by id, are the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.artifact import Artifact
from graph.ego import ego, export_ego
from graph.model import NodeKind
from graph.neighbourhood import neighbourhood
from graph.paths import shortest_paths
from graph.snapshot import Snapshot
from graph.visibility import STRANGER
from recommend.ranked import Answer
from recommend.related import related, related_interests
from recommend.search import search
from recommend.serving import Serving
from tests.crowds import Crowd, artifact_of

seeds = st.integers(0, 10_000)


class Told:
    """Answers to a stranger, with ids for rows."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self.snapshot = serving.snapshot
        self.visible = serving.visible(STRANGER)

    def name(self, kind: NodeKind, row: int) -> str:
        return f"{kind}:{self.snapshot.nodes[kind].id_of(row)}"

    def rows(self, kind: NodeKind) -> list[int]:
        return [row for row in range(len(self.snapshot.nodes[kind])) if self.visible.node(kind, row)]

    def neighbourhood(self, kind: NodeKind, row: int) -> Any:
        for first in (6, 1_000):
            near = neighbourhood(self.snapshot, kind, row, hops=2, first=first, links=None, visible=self.visible)
            yield [(self.name(n.kind, n.row), n.distance) for n in near.nodes]
            yield sorted((e.link, self.name(*e.source), self.name(*e.target)) for e in near.edges)
            yield [cut.text(self.snapshot) for cut in near.cut]

    def paths(self, start: tuple[NodeKind, int], end: tuple[NodeKind, int]) -> Any:
        paths = shortest_paths(self.snapshot, start, end, max_hops=5, visible=self.visible)
        return [[self.name(*ref) for ref in path.nodes] for path in paths], paths.more, paths.cut

    def answer(self, answer: Answer) -> Any:
        return answer.source, [
            (
                self.name(item.kind, item.row),
                item.score,
                [
                    (r.source, r.share, r.text, [(s.link, self.name(*s.source), self.name(*s.target)) for s in r.steps])
                    for r in item.reasons
                ],
            )
            for item in answer.items
        ]

    def related(self, kind: NodeKind, row: int, to: NodeKind) -> Any:
        return self.answer(related(self.serving, kind, row, to, first=20, viewer=STRANGER))

    def search(self, text: str) -> Any:
        hits = search(self.serving, text, kinds=None, first=50, viewer=STRANGER)
        return [(self.name(hit.kind, hit.row), hit.score) for hit in hits.items], hits.total, hits.more


def everything(told: Told) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for kind in NodeKind:
        for row in told.rows(kind)[:2]:
            name = told.name(kind, row)
            answers[f"near {name}"] = list(told.neighbourhood(kind, row))
            for other in NodeKind:
                end = (other, told.rows(other)[-1])
                answers[f"path {name} {other}"] = told.paths((kind, row), end)
                if kind is not NodeKind.ENTITY and other is not NodeKind.ENTITY:
                    answers[f"related {name} {other}"] = told.related(kind, row, other)
    several = told.answer(related_interests(told.serving, [0, 1], first=10, viewer=STRANGER))
    return {**answers, "interests": several, **{text: told.search(text) for text in ("board", "bord", "pin p0", "u0")}}


def both(folder: Path, seed: int, artifact: Callable[[Snapshot], Artifact | None]) -> tuple[Told, Told]:
    crowd = Crowd.of(seed)
    without = crowd.without_secrets().snapshot(folder)
    vectors = artifact(without)
    return Told(Serving.of(crowd.snapshot(folder), vectors)), Told(Serving.of(without, vectors))


@settings(max_examples=5)
@given(seed=seeds)
def test_a_stranger_learns_nothing_of_secrets(folder: Path, seed: int) -> None:
    secret, public = (everything(told) for told in both(folder, seed, lambda _: None))
    assert secret == public


@settings(max_examples=5)
@given(seed=seeds)
def test_nor_where_vectors_take_part(folder: Path, seed: int) -> None:
    """Vectors are trained without secret boards, so that one artifact serves both."""
    secret, public = (everything(told) for told in both(folder, seed, lambda s: artifact_of(s, folder, seed=seed)))
    assert secret == public


@pytest.mark.parametrize("seed", range(3))
def test_nor_where_a_board_became_secret_after_training(folder: Path, seed: int) -> None:
    """Vectors of boards that are secret now are in the artifact; it says nothing of them."""
    crowd = Crowd.of(seed)
    snapshot = crowd.snapshot(folder)
    serving = Serving.of(snapshot, artifact_of(snapshot, folder, seed=seed))
    secret = {snapshot.nodes[NodeKind.BOARD].row_of(id_) for id_ in crowd.secret_boards()}
    assert secret
    answers = [related(serving, NodeKind.PIN, pin, NodeKind.BOARD, first=50, viewer=STRANGER) for pin in range(10)]
    assert "GNN" in {answer.source for answer in answers}
    assert not secret & {item.row for answer in answers for item in answer.items}


def test_an_exported_ego_network_holds_nothing_secret(folder: Path) -> None:
    crowd = Crowd.of(5)
    files: list[bytes] = []
    for graph in (crowd, crowd.without_secrets()):
        path = folder / "ego.json"
        network = ego(graph.snapshot(folder), NodeKind.PIN, "p00", hops=3)
        del network.graph["snapshot"]
        export_ego(network, path, "json")
        files.append(path.read_bytes())
    assert b"SAVED" in files[0]
    assert files[0].count(b'"source"') == files[1].count(b'"source"')
    assert not any(b"Board:" + board.encode() in files[0] for board in crowd.secret_boards())
