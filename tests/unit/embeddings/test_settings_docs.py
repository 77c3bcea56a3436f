from __future__ import annotations

import re
from pathlib import Path

from embeddings.settings import TrainSettings

DOCS = Path(__file__).parents[3] / "docs" / "training.md"


def test_every_setting_is_in_the_docs_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|([^|]*)\|", DOCS.read_text(), re.MULTILINE))
    assert list(rows) == list(TrainSettings.model_fields)
    for name, field in TrainSettings.model_fields.items():
        if isinstance(field.default, float):
            assert float(rows[name]) == field.default, name
        elif field.default is not None:
            assert rows[name].strip() == str(field.default), name
