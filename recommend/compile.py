"""`python -m recommend.compile`: compiles the walks once, at set-up, so that no first request waits for it.

numba keeps what it compiled beside the source; a graph of one save is enough to make it compile everything that answers need.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from graph.export import export_snapshot
from graph.model import Board, Event, EventKind, Id, NodeKind, NodeRow, Pin
from graph.ports import EventBatch
from graph.rules import derived_event_id
from graph.snapshot import Snapshot
from graph.stores import open_store
from graph.visibility import ADMIN
from recommend.feed import feed
from recommend.related import related
from recommend.serving import Serving


def main() -> None:
    """Answers two questions about a graph of one user, one board and two pins."""
    with tempfile.TemporaryDirectory(prefix="tastegraph-") as place:
        with closing(open_store(f"sqlite:///{place}/store.db")) as store:
            store.migrate()
            user, board, pins = Id("u"), Id("b"), [Id("p"), Id("q")]
            store.ensure_nodes(NodeKind.USER, [user])
            store.write_nodes(NodeKind.BOARD, [NodeRow(Board(board, user))])
            store.write_nodes(NodeKind.PIN, [NodeRow(Pin(pin)) for pin in pins])
            save, kind = EventKind.SAVE, NodeKind.PIN
            ids = [derived_event_id(save, user, kind, pin, board) for pin in pins]
            events = [Event(id_, save, user, kind, pin, board) for id_, pin in zip(ids, pins, strict=True)]
            store.write_events(EventBatch.of(events))
            snapshot = Snapshot.open(export_snapshot(store, Path(place) / "snapshots"))
        serving = Serving.of(snapshot)
        related(serving, NodeKind.PIN, 0, NodeKind.PIN, first=1, viewer=ADMIN)
        feed(serving, 0, first=1, viewer=ADMIN)


if __name__ == "__main__":
    main()
