"""Whatever the order of a file's rows and however often they come: the same content, and counts that add up."""

from __future__ import annotations

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.load import LoadOptions, load
from loaders.summary import LoadSummary

few = st.sampled_from("ab")
times = st.sampled_from(["", "1", "2", "2024-01-01T00:00:00Z"])
interactions = st.tuples(
    few, few, st.sampled_from(["", "b1", "b2", "nowhere"]), st.sampled_from(["SAVE", "UNSAVE", "VIEW", "HIDE", "LIKE"]), times,
    st.sampled_from(["", "", "e1", "e2"]), st.sampled_from(["", "0.5"]),
)  # fmt: skip
pins = st.tuples(few, st.sampled_from(["", "One", "Two"]), times, st.sampled_from(["", "1"]))
pin_interests = st.tuples(few, st.sampled_from(["i1", "nowhere"]), st.sampled_from(["", "0.5", "1", "2"]))

HEADERS = {
    "interactions": "user_id,pin_id,board_id,kind,at,event_id,weight",
    "pins": "id,title,updated_at,deleted_at",
    "pin_interests": "pin_id,interest_id,score",
    "boards": "id,owner_id",
    "interests": "id,name",
}
Tables = dict[str, list[tuple[str, ...]]]


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    return {
        "interactions": draw(st.lists(interactions, max_size=25)),
        "pins": draw(st.lists(pins, max_size=8)),
        "pin_interests": draw(st.lists(pin_interests, max_size=6)),
        "boards": [("b1", "a"), ("b2", "b")],
        "interests": [("i1", "Food")],
    }


@st.composite
def same_again(draw: st.DrawFn, given_tables: Tables) -> Tables:
    """The same rows, each at least once, in any order."""
    return {
        name: draw(st.permutations(rows + (draw(st.lists(st.sampled_from(rows), max_size=6)) if rows else [])))
        for name, rows in given_tables.items()
    }


def loaded(rows: Tables) -> LoadSummary:
    with TemporaryDirectory() as place:
        folder = Path(place, "data")
        folder.mkdir()
        for name, lines in rows.items():
            with (folder / f"{name}.csv").open("w", newline="") as file:
                file.write(HEADERS[name] + "\n")
                csv.writer(file, lineterminator="\n").writerows(lines)
        with patch.dict("os.environ", {"TASTEGRAPH_HOME": f"{place}/home", "TASTEGRAPH_LOAD_BATCH_ROWS": "4"}):
            return load(folder, f"sqlite:///{place}/store.db", LoadOptions(max_quarantined=1))


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_order_and_repetition_change_nothing(data: st.DataObject) -> None:
    rows = data.draw(tables())
    one, other = loaded(rows), loaded(data.draw(same_again(rows)))
    assert one.content_hash == other.content_hash
    for summary in (one, other):
        summary.check()
        assert summary.read == sum(part.read for part in summary.tables.values())
