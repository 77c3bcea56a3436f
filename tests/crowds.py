"""Random graphs of a few dozen nodes, large enough for hubs, ties, parallel edges and secrets; and vectors for them.

Unlike `tests.property.worlds` they do not shrink: a seed names one.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import cast

import numpy as np
import pyarrow as pa

from embeddings.artifact import FORMAT, MANIFEST, Artifact
from embeddings.release import Release, publish
from graph.export import export_snapshot
from graph.model import (
    FOLLOW_EVENTS,
    PIN_EVENTS,
    About,
    Board,
    EdgeKind,
    EdgeRow,
    Entity,
    Event,
    EventKind,
    Id,
    Interest,
    Is,
    Node,
    NodeKind,
    NodeRow,
    Pin,
    PlainEdge,
    Relates,
    User,
)
from graph.ports import EventBatch
from graph.sealed import building, folder_sums, seal
from graph.settings import Home
from graph.snapshot import Snapshot
from graph.stores.sqlite.store import SqliteStore
from tests.graphs import day, event

NOW = datetime(2024, 6, 1, tzinfo=UTC)
PRIVATE_EVENTS = frozenset(
    {EventKind.VIEW, EventKind.CLICK, EventKind.HIDE, EventKind.MUTE, EventKind.BOOST, EventKind.CLEAR}
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Nodes, plain edges and events of a graph."""

    nodes: dict[NodeKind, list[Node]]
    edges: list[PlainEdge]
    events: list[Event]

    @classmethod
    def of(cls, seed: int, *, size: int = 10, events: int = 120) -> Crowd:
        """A random one: `size` users, pins, boards and entities, 4 interests in a tree."""
        chance = random.Random(seed)
        users, pins, boards, entities = ([f"{letter}{n:02}" for n in range(size)] for letter in "upbe")
        interests = ["art", "birds", "cars", "dance"]
        nodes: dict[NodeKind, list[Node]] = {
            NodeKind.USER: [User(Id(user)) for user in users],
            NodeKind.PIN: [Pin(Id(pin), f"Pin {pin}") for pin in pins],
            NodeKind.BOARD: [
                Board(Id(board), Id(chance.choice(users)), f"Board {board}", chance.random() < 0.3) for board in boards
            ],
            NodeKind.INTEREST: [
                Interest(Id(id_), id_.title(), None if n < 2 else Id(interests[n - 2]))
                for n, id_ in enumerate(interests)
            ],
            NodeKind.ENTITY: [Entity(Id(entity), f"Thing {entity}") for entity in entities],
        }
        edges: dict[PlainEdge, None] = {}
        for _ in range(size * 2):
            edges[About(Id(chance.choice(pins)), Id(chance.choice(interests)))] = None
            edges[Is(Id(chance.choice(pins)), Id(chance.choice(entities)))] = None
            edges[Relates(Id(chance.choice(entities)), "near", Id(chance.choice(entities)))] = None
        kinds = [*EventKind, *[EventKind.SAVE] * 10]
        made = [_an_event(chance, chance.choice(kinds), users, pins, boards, interests) for _ in range(events)]
        return cls(nodes, list(edges), made)

    def secret_boards(self) -> set[str]:
        return {b.id for b in self.nodes[NodeKind.BOARD] if cast("Board", b).secret}

    def without_secrets(self) -> Crowd:
        """What is left for a stranger: no secret boards, no saves on them or on none, nothing that is private."""
        secret = self.secret_boards()
        boards = [node for node in self.nodes[NodeKind.BOARD] if node.id not in secret]

        def is_public(each: Event) -> bool:
            if each.kind is EventKind.SAVE:
                return each.board is not None and each.board not in secret
            if each.kind in FOLLOW_EVENTS:
                return each.target_kind is not NodeKind.USER and each.target not in secret
            return each.kind not in PRIVATE_EVENTS and each.board not in secret

        return replace(
            self,
            nodes={**self.nodes, NodeKind.BOARD: boards},
            events=[each for each in self.events if is_public(each)],
        )

    def snapshot(self, folder: Path) -> Snapshot:
        """The graph, stored and exported below a folder."""
        place = Path(mkdtemp(dir=folder))
        store = SqliteStore(place / "store.db")
        try:
            store.migrate()
            for kind, nodes in self.nodes.items():
                store.write_nodes(kind, [NodeRow(node) for node in nodes])
            for kind, type_ in ((EdgeKind.ABOUT, About), (EdgeKind.IS, Is), (EdgeKind.RELATES, Relates)):
                store.write_edges(kind, [EdgeRow(edge) for edge in self.edges if isinstance(edge, type_)])
            store.write_events(EventBatch.of(self.events))
            return Snapshot.open(export_snapshot(store, place / "snapshots", NOW), verify=False)
        finally:
            store.close()


def _an_event(
    chance: random.Random, kind: EventKind, users: list[str], pins: list[str], boards: list[str], interests: list[str]
) -> Event:
    user, at = chance.choice(users), chance.choice([None, *map(day, range(20))])
    if kind in PIN_EVENTS:
        # The first pins are hubs.
        pin = pins[min(int(chance.expovariate(3 / len(pins))), len(pins) - 1)]
        on_board = kind in (EventKind.SAVE, EventKind.UNSAVE) and chance.random() < 0.9
        return event(kind, user, pin, at, board=chance.choice(boards) if on_board else None)
    if kind in FOLLOW_EVENTS:
        target_kind, targets = chance.choice(
            [(NodeKind.USER, users), (NodeKind.BOARD, boards), (NodeKind.INTEREST, interests)]
        )
        return event(kind, user, chance.choice(targets), at, target_kind=target_kind)
    return event(kind, user, chance.choice(interests), at, target_kind=NodeKind.INTEREST)


def artifact_of(
    snapshot: Snapshot,
    folder: Path,
    *,
    seed: int = 0,
    dim: int = 8,
    exponent: float = 1.0,
    without: Callable[[NodeKind, str], bool] = lambda _kind, _id: False,
    kinds: Iterable[NodeKind] = tuple(NodeKind),
) -> Artifact:
    """An artifact with random vectors for the nodes of a snapshot, each drawn from its id; some may be left out."""
    version = f"20240601T000000Z-{seed:012x}"
    final = folder / "artifacts" / "test" / version
    with building(final.parent) as place:
        (place / "vectors").mkdir()
        for kind in kinds:
            table = snapshot.nodes[kind]
            ids = [table.id_of(row) for row in range(len(table)) if not without(kind, table.id_of(row))]
            drawn = [np.random.default_rng([seed, *f"{kind}:{id_}".encode()]).standard_normal(dim) for id_ in ids]
            np.save(place / "vectors" / f"{kind}.npy", np.array(drawn, np.float32).reshape(-1, dim))
            column = pa.table({"id": pa.array(ids, pa.large_string())})
            path = str(place / "vectors" / f"{kind}.ids.arrow")
            with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, column.schema) as writer:
                writer.write_table(column)
        manifest = {
            "format": FORMAT,
            "model": "test",
            "version": version,
            "kinds": [kind.value for kind in kinds],
            "snapshot": {"version": snapshot.version, "content_hash": snapshot.content_hash},
            "dim": dim,
            "score_exponent": exponent,
            "erasure_epoch": 0,
            "files": folder_sums(place),
        }
        seal(place, final, MANIFEST, manifest)
    return Artifact.open(final)


def published_home(folder: Path) -> Home:
    """A home in which a crowd's snapshot and an artifact of it are published."""
    home = Home(folder)
    snapshot = Crowd.of(5).snapshot(folder)
    home.snapshots.mkdir()
    shutil.move(snapshot.path, home.snapshots / snapshot.version)
    artifact = artifact_of(snapshot, folder)
    release = Release(
        "20240601T000000Z-000000", "2024-06-01T00:00:00Z", snapshot.version, {artifact.model: artifact.version}
    )
    publish(home, release)
    return home
