"""The rules on columns are the domain's rules on values, and the fast digests are the domain's digests."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import InvalidEventError, InvalidIdError
from graph.model import Event, EventId, EventKind, Id, NodeKind, TimeMs, check_id
from graph.ports import EventBatch
from graph.rules import derived_event_id, event_digest
from loaders.events import batch_of, identified
from loaders.interchange import Table
from loaders.sources.chunk import RawChunk
from loaders.validation.cells import first_reason, id_rules
from loaders.validation.tables import check_rows
from loaders.validation.times import parse_time, parse_times

NOW_MS = 1_800_000_000_000
odd_characters = st.sampled_from("\0\x01\x1f\x7f\x80\x9f\xa0 \u2028é漢🙂aA")
texts = st.one_of(
    st.text(max_size=70),
    st.text(odd_characters, max_size=70),
    st.sampled_from(["x" * 64, "x" * 65, "é" * 32, "é" * 33]),
)


@given(st.lists(texts.filter(bool), min_size=1, max_size=20))
def test_ids_are_taken_and_refused_as_by_check_id(ids: list[str]) -> None:
    def fits(text: str) -> bool:
        try:
            check_id(text)
        except InvalidIdError:
            return False
        return True

    reasons = first_reason(pl.DataFrame({"id": ids}), [*id_rules("id")])
    assert reasons.is_null().to_list() == [fits(text) for text in ids]


iso_times = st.one_of(
    st.datetimes().map(lambda t: t.isoformat()),
    st.datetimes().map(lambda t: t.isoformat(" ", "seconds")),
    st.datetimes(timezones=st.timezones()).map(lambda t: t.isoformat()),
    st.from_regex(
        r"[0-9]{4}-[0-1][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,10})?(Z|z|\+01:00)?",
        fullmatch=True,
    ),
    st.integers(-(2**63), 2**63).map(str),
    st.from_regex(r"[-+]?[0-9]{1,20}", fullmatch=True),
    st.text("0123456789-:TZ+. ", max_size=30),
)


@settings(max_examples=300)
@given(st.lists(st.none() | iso_times, max_size=20))
def test_times_of_a_column_are_read_as_one_by_one(values: list[str | None]) -> None:
    column = pl.Series("at", values, pl.String)
    assert parse_times(column).to_list() == [None if text is None else parse_time(text) for text in values]


ids = st.text("abcé漢", min_size=1, max_size=8)
times = st.none() | st.integers(-(2**62), NOW_MS)
weights = st.none() | st.sampled_from([1.0, 0.5, 1e6, 3e-9])
groups = st.none() | ids


@st.composite
def events(draw: st.DrawFn) -> tuple[Event, bool]:
    """An event, and whether its id is its own rather than derived."""
    kind = draw(st.sampled_from([*EventKind]))
    follow = kind in {EventKind.FOLLOW, EventKind.UNFOLLOW}
    taste = kind in {EventKind.MUTE, EventKind.BOOST, EventKind.CLEAR}
    pin_or_interest = NodeKind.INTEREST if taste else NodeKind.PIN
    target_kind = (
        draw(st.sampled_from([NodeKind.USER, NodeKind.BOARD, NodeKind.INTEREST])) if follow else pin_or_interest
    )
    user, target = Id(draw(ids)), Id(draw(ids))
    board = Id(draw(ids)) if kind in {EventKind.SAVE, EventKind.UNSAVE} and draw(st.booleans()) else None
    at = draw(times)
    weight = (draw(weights) or 1.0) if kind in {EventKind.VIEW, EventKind.CLICK} else None
    own = draw(st.booleans())
    event_id = EventId(draw(ids)) if own else derived_event_id(kind, user, target_kind, target, board, at)
    at_ms = None if at is None else TimeMs(at)
    return Event(event_id, kind, user, target_kind, target, board, at_ms, weight, draw(groups)), own


@given(st.lists(events(), min_size=1, max_size=20))
def test_batches_have_the_ids_and_digests_of_their_events(drawn: list[tuple[Event, bool]]) -> None:
    made = [event for event, _ in drawn]
    expected = EventBatch.of(made)
    columns: dict[str, Sequence[object]] = {
        "event_id": [event.event_id if own else None for event, own in drawn],
        "kind": expected.kind,
        "user": expected.user,
        "target_kind": expected.target_kind,
        "target": expected.target,
        "board": expected.board,
        "at": expected.at,
        "weight": expected.weight,
        "group_id": expected.group_id,
    }
    schema = {"event_id": pl.String, "board": pl.String, "at": pl.Int64, "weight": pl.Float64, "group_id": pl.String}
    assert batch_of(identified(pl.DataFrame(columns, schema_overrides=schema))) == expected
    assert expected.digest == [event_digest(event) for event in made]


rows = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["SAVE", "UNSAVE", "VIEW", "CLICK", "HIDE", "FOLLOW", "view", ""]),
        "board_id": st.sampled_from(["", "b1"]),
        "weight": st.sampled_from(["", "1", "0", "-1", "0.25", "1e6", "1000001", "nan", "inf", "1e-320"]),
    }
)


@given(st.lists(rows, min_size=1, max_size=10))
def test_an_interaction_is_taken_just_when_it_makes_an_event(drawn: list[dict[str, str]]) -> None:
    cells = {name: [row[name] for row in drawn] for name in ("kind", "board_id", "weight")}
    frame = pl.DataFrame(
        {**cells, "user_id": "u", "pin_id": "p", "line": range(len(drawn))}, schema_overrides={"line": pl.Int64}
    )
    checked = check_rows(Table.INTERACTIONS, RawChunk(frame), NOW_MS)

    def makes_an_event(row: dict[str, str]) -> bool:
        if row["kind"] not in {"SAVE", "UNSAVE", "VIEW", "CLICK", "HIDE"}:
            return False
        weight = float(row["weight"] or 1) if row["kind"] in {"VIEW", "CLICK"} else None
        try:
            Event(
                EventId("e"),
                EventKind(row["kind"]),
                Id("u"),
                NodeKind.PIN,
                Id("p"),
                Id("b1") if row["board_id"] else None,
                weight=weight,
            )
        except InvalidEventError:
            return False
        return True

    assert checked.frame["line"].to_list() == [line for line, row in enumerate(drawn) if makes_an_event(row)]
