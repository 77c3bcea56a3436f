"""docs/api.md keeps up: every code, setting and path is in it, and it promises none that is not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from gql.errors import Code
from gql.settings import ServeSettings

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of a section's table, by what is in code style in the first."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_every_code_is_documented_and_no_other():
    assert set(rows("Errors")) == {code.value for code in Code}


def test_every_setting_is_documented_with_its_default():
    documented = rows("Settings")
    assert set(documented) == {name.upper() for name in ServeSettings.model_fields}
    for name, field in ServeSettings.model_fields.items():
        default: Any = field.get_default(call_default_factory=True)
        if name != "metrics_port":
            text = default if isinstance(default, str) else orjson.dumps(default).decode()
            assert documented[name.upper()][0] == f"`{text}`"


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TASTEGRAPH_SERVE_DEPTH_MAX", "7")
    monkeypatch.setenv("TASTEGRAPH_SERVE_ALLOWED_HOSTS", '["a.example"]')
    settings = ServeSettings()
    assert (settings.depth_max, settings.allowed_hosts) == (7, ["a.example"])


def test_every_code_has_its_sentence():
    source = Path(Code.__module__.replace(".", "/") + ".py")
    text = (Path(__file__).parents[2] / source).read_text()
    for code in Code:
        assert re.search(rf'^    {code.value} = "{code.value}"\n    """', text, re.MULTILINE), code


async def test_every_path_is_documented_and_answers(tiny):
    paths = set(rows("Where"))
    served = {route.resource.canonical for route in tiny.client.app.router.routes() if route.resource is not None}
    assert paths - {"/metrics"} == served - {"/", "/graphiql/{name}"}
