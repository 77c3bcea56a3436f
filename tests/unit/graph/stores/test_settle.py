"""Counting rows: each is in exactly one column, and what is written does not depend on how rows are cut into calls."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.ports import EventBatch, Outcome
from graph.rules import wins
from graph.stores.settle import Held, Settled, settle_events, settle_versions

Row = tuple[str, int | None, bytes]

keys = st.sampled_from(["a", "b"])
digests = st.sampled_from([bytes([number]) * 16 for number in range(4)])
rows = st.lists(st.tuples(keys, st.sampled_from([None, 1, 2]), digests), max_size=10)
holdings = st.dictionaries(keys, st.builds(Held, st.sampled_from([None, 1, 2]), digests))


def settle(batch: list[Row], held: dict[str, Held]) -> Settled:
    return settle_versions([r[0] for r in batch], [r[1] for r in batch], [r[2] for r in batch], held)


def after(batch: list[Row], held: dict[str, Held]) -> dict[str, Held]:
    return held | {batch[i][0]: Held(*batch[i][1:]) for i in settle(batch, held).write}


@settings(max_examples=300)
@given(rows, holdings, st.integers(0, 10))
def test_cutting_a_call_in_two_leaves_the_same(batch: list[Row], held: dict[str, Held], cut: int) -> None:
    whole = after(batch, held)
    assert after(batch[cut:], after(batch[:cut], held)) == whole
    assert after(batch[::-1], held) == whole
    for key, holds in whole.items():
        candidates = [(version, digest) for k, version, digest in batch if k == key]
        candidates += [(held[key].version, held[key].digest)] if key in held else []  # type: ignore[list-item]
        assert (holds.version, holds.digest) in candidates
        assert holds.digest is not None
        assert not any(wins(version, digest, holds.version, holds.digest) for version, digest in candidates)


@settings(max_examples=300)
@given(rows, holdings)
def test_every_row_is_counted_once(batch: list[Row], held: dict[str, Held]) -> None:
    settled = settle(batch, held)
    outcome = settled.outcome
    assert outcome.rows == len(batch)
    assert outcome.duplicates == len(batch) - len(set(batch))
    assert outcome.written <= len(settled.write) <= outcome.written + outcome.conflicts
    assert settle(batch[::-1], held).outcome == outcome
    again = settle(batch, after(batch, held))
    assert again.write == []
    assert again.outcome.written == 0


def batch_of(ids: list[str], payloads: list[bytes], offsets: list[int]) -> EventBatch:
    """Columns of which only these three matter here."""
    none: list[None] = [None] * len(ids)
    return EventBatch(ids, ids, ids, ids, ids, none, none, none, none, payloads, offsets)


@given(rows, st.dictionaries(keys, digests))
def test_events_are_counted_once(batch: list[Row], held: dict[str, bytes]) -> None:
    ids, payloads = [row[0] for row in batch], [row[2] for row in batch]
    offsets = [-1 if row[1] is None else row[1] for row in batch]
    settled = settle_events(batch_of(ids, payloads, offsets), held)
    assert settled.outcome.rows == len(batch)
    assert settled.outcome.duplicates == len(batch) - len(set(zip(ids, payloads, strict=True)))
    now = held | {ids[i]: payloads[i] for i in settled.write}
    for id_ in {*ids, *held}:
        seen = [digest for i, digest in zip(ids, payloads, strict=True) if i == id_]
        assert now[id_] == min([*seen, held[id_]] if id_ in held else seen)
    assert settle_events(batch_of(ids, payloads, offsets), now).write == []
    for i in settled.write:
        same = [offsets[j] for j in range(len(batch)) if (ids[j], payloads[j]) == (ids[i], payloads[i])]
        assert offsets[i] == min(same)


def test_a_bare_node_loses_to_every_row() -> None:
    assert settle([("a", None, b"x" * 16)], {"a": Held(None, None)}) == Settled([0], Outcome(written=1))
