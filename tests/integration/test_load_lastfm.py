"""A second real data set through the same path: lastfm-boards, where it is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from graph.model import EventKind, Id, NodeKind, Pin
from graph.stores import open_store
from tests.commands import run

LASTFM = Path(__file__).parents[3] / "shared" / "data" / "lastfm-boards"


@pytest.mark.skipif(not LASTFM.is_dir(), reason="lastfm-boards is not at hand (../shared/data/lastfm-boards)")
def test_lastfm_boards_loads_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path))
    summary = run(capsys, "load", LASTFM, "--json").result
    assert summary["read"] == 265_750
    assert summary["read"] == sum(
        summary[name] for name in ("written", "unchanged", "duplicates", "conflicts", "quarantined")
    )
    assert summary["quarantined"] == 0
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    counts = store.counts()
    assert counts.nodes == {"User": 1_892, "Pin": 18_022, "Board": 35_816, "Interest": 0, "Entity": 0}
    assert counts.events[EventKind.SAVE] == 186_478
    assert store.node(NodeKind.PIN, Id("2")) == Pin(Id("2"), "Diary of Dreams")
