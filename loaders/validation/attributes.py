"""Attributes of users and pins: columns that the table does not name, as one canonical JSON object a row."""

from __future__ import annotations

from typing import Any, cast

import orjson
import polars as pl

from graph.errors import InvalidInputError
from graph.rules import canonical_json


def canonical(texts: pl.Series, extra: list[dict[str, Any]] | None) -> tuple[pl.Series, pl.Series]:
    """Canonical objects and the reasons why some are refused, both a row each.

    `texts`: the column `attributes`, each a JSON object or null; `extra`: the other columns, which win over it.
    """
    if extra is None and texts.null_count() == len(texts):
        return pl.Series("attributes", ["{}"] * len(texts)), pl.Series([None] * len(texts), dtype=pl.String)
    objects: list[str] = []
    reasons: list[str | None] = []
    for index, text in enumerate(texts.to_list()):
        made, reason = _one(text, extra[index] if extra is not None else {})
        objects.append(made)
        reasons.append(reason)
    return pl.Series("attributes", objects), pl.Series(reasons, dtype=pl.String)


def _one(text: str | None, extra: dict[str, Any]) -> tuple[str, str | None]:
    if not text and not extra:
        return "{}", None
    given: dict[str, Any] = {}
    if text:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return "{}", "attributes is not JSON"
        if not isinstance(value, dict):
            return "{}", "attributes is no JSON object"
        given = cast("dict[str, Any]", value)
    try:
        return canonical_json(given | extra), None
    except InvalidInputError as error:
        return "{}", "attributes are over 8 KiB" if "bytes" in str(error) else "attributes are not plain JSON"
