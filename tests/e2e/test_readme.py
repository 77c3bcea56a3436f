"""The README's first screen, tried: its query gives its answer, and its commands are there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tastegraph import COMMANDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(name: str, language: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```{language}\n(.*?)```", README, re.DOTALL)
    assert found, f"the README has no {name} block"
    return found.group(1)


def test_the_readmes_query_gives_its_answer(demo_server: str) -> None:
    body = json.dumps({"query": block("query", "graphql")}).encode()
    with urlopen(Request(f"{demo_server}/graphql", body, {"content-type": "application/json"}), timeout=30) as response:
        answer = json.load(response)
    assert answer["data"] == json.loads(block("answer", "json"))


def test_every_command_that_the_readme_names_is_there() -> None:
    named = set(re.findall(r"`tastegraph ([a-z]+)", README)) | set(
        re.findall(r"^tastegraph ([a-z]+)", README, re.MULTILINE)
    )
    assert named
    assert named <= set(COMMANDS)
    targets = set(re.findall(r"make ([a-z-]+)", README))
    makefile = (ROOT / "Makefile").read_text()
    missing = {name for name in targets if not re.search(rf"^({name}|bench-%).*:", makefile, re.MULTILINE)}
    assert not missing
