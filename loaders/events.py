"""Rows of interactions and follows as the event batches that a store takes, with ids and digests.

`digests` is `graph.rules.payload_digest` for a million rows: fields are encoded once a distinct value. A property test holds
the two together.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from graph.model import EventKind
from graph.ports import EventBatch

_NULL: Final = b"\xff\xff\xff\xff"
_length = struct.Struct(">I").pack
_time = struct.Struct(">Iq").pack
_number = struct.Struct(">Id").pack
_FOLLOWS: Final = frozenset({EventKind.FOLLOW.value, EventKind.UNFOLLOW.value})


def batch_of(events: pl.DataFrame) -> EventBatch:
    """Events of a batch load; an id that is missing is derived."""
    columns = events.to_dict(as_series=False)
    identity, payload = digests(columns)
    return EventBatch(
        event_id=[own or derived.hex() for own, derived in zip(columns["event_id"], identity, strict=True)],
        kind=columns["kind"],
        user=columns["user"],
        target_kind=columns["target_kind"],
        target=columns["target"],
        board=columns["board"],
        at=columns["at"],
        weight=columns["weight"],
        group_id=columns["group_id"],
        digest=payload,
        log_offset=[-1] * events.height,
    )


def digests(columns: Mapping[str, Sequence[Any]]) -> tuple[list[bytes], list[bytes]]:
    """Of each row the digest of its identity (`rules.derived_event_id`, as bytes) and that of its payload.

    `columns`: kind, user, target_kind, target, board, at, weight, group_id, of one length.
    """
    blake2b = hashlib.blake2b
    kinds = _texts(columns["kind"])
    if not _FOLLOWS.isdisjoint(columns["kind"]):
        named = zip(columns["kind"], _texts(columns["target_kind"]), strict=True)
        targets = [
            (target_kind if kind in _FOLLOWS else b"") + target
            for (kind, target_kind), target in zip(named, _texts(columns["target"]), strict=True)
        ]
    else:
        targets = _texts(columns["target"])
    boards, times = _texts(columns["board"]), _times(columns["at"])
    said = [
        kind + user + target + board + at
        for kind, user, target, board, at in zip(kinds, _texts(columns["user"]), targets, boards, times, strict=True)
    ]
    identity = [blake2b(row, digest_size=16).digest() for row in said]
    payload = identity.copy()
    for index, (weight, group) in enumerate(zip(columns["weight"], columns["group_id"], strict=True)):
        if group is not None or (weight is not None and weight != 1.0):
            tail = (_NULL if weight is None else _number(8, weight)) + _text(group)
            payload[index] = blake2b(said[index] + tail, digest_size=16).digest()
    return identity, payload


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    data = value.encode()
    return _length(len(data)) + data


def _texts(values: Sequence[str | None]) -> list[bytes]:
    encoded = {value: _text(value) for value in set(values)}
    return [encoded[value] for value in values]


def _times(values: Sequence[int | None]) -> list[bytes]:
    return [_NULL if value is None else _time(8, value) for value in values]
