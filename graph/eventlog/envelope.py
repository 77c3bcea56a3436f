"""The envelope of the event log: one record, whatever carries it (SQLite or Kafka). Version 1.

Decoding validates; a record that can't be decoded, or whose version is unknown, is for the dead letters, never dropped.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from graph.errors import InvalidEventError

VERSION: Final = 1
RECORD_BYTES_MAX: Final = 64 * 1024


class RecordType(StrEnum):
    """What a record's payload is."""

    INTERACTION = "interaction"
    FOLLOW = "follow"
    TASTE = "taste"
    EXPOSURE = "exposure"
    ERASURE = "erasure"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One record of the log. Times are UTC milliseconds; `actor` is the subject that the request was authorised as.

    `payload` by type: interaction {kind, user, pin, board?, weight?, group_id?}; follow {kind, user, target_kind, target};
    taste {kind, user, interest}; exposure and erasure as their issues define them.
    """

    v: int
    type: RecordType
    event_id: str
    at: int
    received_at: int
    actor: str
    payload: dict[str, Any]


_decoder = msgspec.json.Decoder(Envelope)
_encoder = msgspec.json.Encoder()


def encode(envelope: Envelope) -> bytes:
    """The record as JSON bytes. Raises InvalidEventError above 64 KiB."""
    data = _encoder.encode(envelope)
    if len(data) > RECORD_BYTES_MAX:
        raise InvalidEventError(
            f"event {envelope.event_id} takes {len(data)} bytes; at most {RECORD_BYTES_MAX} fit the log"
        )
    return data


def decode(data: bytes) -> Envelope:
    """The record of some bytes. Raises InvalidEventError, which says what is wrong and where."""
    if len(data) > RECORD_BYTES_MAX:
        raise InvalidEventError(f"record takes {len(data)} bytes; at most {RECORD_BYTES_MAX} are read")
    try:
        envelope = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise InvalidEventError(f"record is no event envelope: {error}") from None
    if envelope.v != VERSION:
        raise InvalidEventError(f"record has version {envelope.v}; this reader knows {VERSION}")
    return envelope
