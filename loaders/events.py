"""Rows of interactions and follows get their ids and digests here, and become the event batches that a store takes.

`identified` is `graph.rules.payload_digest` and `derived_event_id` for a million rows: what is hashed is put together column
by column. A property test holds the two together.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from graph.model import EventKind
from graph.ports import EventBatch

DIGEST_BYTES: Final = 16
_NULL: Final = b"\xff\xff\xff\xff"
_LENGTHS: Final = pl.Series([f"\0\0\0{chr(length)}" for length in range(128)])
"""Lengths as four bytes, of what is no longer than an id; such bytes are text too."""
_FOLLOWS: Final = (EventKind.FOLLOW.value, EventKind.UNFOLLOW.value)


def batch_of(events: pl.DataFrame) -> EventBatch:
    """Events of a batch load, identified."""
    columns = events.to_dict(as_series=False)
    return EventBatch(
        event_id=columns["event_id"],
        kind=columns["kind"],
        user=columns["user"],
        target_kind=columns["target_kind"],
        target=columns["target"],
        board=columns["board"],
        at=columns["at"],
        weight=columns["weight"],
        group_id=columns["group_id"],
        digest=columns["digest"],
        log_offset=[-1] * events.height,
    )


def identified(events: pl.DataFrame) -> pl.DataFrame:
    """The rows with `digest`, that of their payload (Binary, 16 bytes), and with an `event_id` where they had none.

    `events`: event_id, kind, user, target_kind, target, board, at, weight, group_id.
    """
    said = _said(events)
    identity = _digests(said)
    says_more = events.select(
        (pl.col("weight").is_not_null() & (pl.col("weight") != 1.0)) | pl.col("group_id").is_not_null()
    ).to_series()
    payload = identity
    if says_more.any():
        more = events.filter(says_more)
        rest = _numbers(more["weight"], ">f8") + more.select(_optional("group_id")).to_series()
        payload = identity.clone().scatter(says_more.arg_true(), _digests(said.filter(says_more) + rest))
    return events.with_columns(pl.col("event_id").fill_null(identity.bin.encode("hex")), payload.alias("digest"))


def _said(events: pl.DataFrame) -> pl.Series:
    """What the identity of each event is hashed of, and its payload begins with."""
    of_follow = pl.when(pl.col("kind").is_in(_FOLLOWS)).then(_text("target_kind")).otherwise(pl.lit(""))
    parts = [_text("kind"), _text("user"), of_follow, _text("target")]
    named = events.select((pl.concat_str(parts).cast(pl.Binary) + _optional("board")).alias("said")).to_series()
    return named + _numbers(events["at"], ">i8")


def _text(name: str) -> pl.Expr:
    """A column of text, each prefixed by its length."""
    return pl.concat_str(pl.lit(_LENGTHS).gather(pl.col(name).str.len_bytes()), pl.col(name))


def _optional(name: str) -> pl.Expr:
    return _text(name).cast(pl.Binary).fill_null(_NULL)


def _numbers(values: pl.Series, dtype: str) -> pl.Series:
    """Numbers as eight big-endian bytes, prefixed by that length."""
    fields = np.empty(len(values), [("length", ">u4"), ("value", dtype)])
    fields["length"], fields["value"] = 8, values.fill_null(0).to_numpy()
    return _binary(fields.tobytes(), fields.itemsize).set(values.is_null(), _NULL)


def _digests(texts: pl.Series) -> pl.Series:
    hashes = b"".join([blake2b(text, digest_size=DIGEST_BYTES).digest() for text in texts.to_list()])
    return _binary(hashes, DIGEST_BYTES)


def _binary(joined: bytes, width_bytes: int) -> pl.Series:
    """Equally long pieces of some bytes."""
    column = pa.Array.from_buffers(pa.binary(width_bytes), len(joined) // width_bytes, [None, pa.py_buffer(joined)])
    return pl.Series(pl.from_arrow(column))
