"""A wrong value in the environment is told in one line, by the variable's name, and the command ends as for wrong usage."""

from __future__ import annotations

import pytest

from graph import errors
from tastegraph import run


@pytest.mark.parametrize(
    ("variable", "value", "command"),
    [
        ("TASTEGRAPH_LOAD_BATCH_ROWS", "many", ["load", "."]),
        ("TASTEGRAPH_TRAIN_DIM", "0", ["train"]),
        ("TASTEGRAPH_SERVE_PORT", "70000", ["serve"]),
        ("TASTEGRAPH_SERVE_ALLOWED_HOSTS", "example.org", ["serve"]),
        ("TASTEGRAPH_NEO4J_ACQUIRE_TIMEOUT_S", "", ["snapshot", "--store", "bolt://127.0.0.1:1"]),
    ],
)
def test_the_variable_is_named(
    variable: str, value: str, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    assert run(command) == errors.InvalidInputError.exit_code
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert variable in told or variable.removeprefix("TASTEGRAPH_SERVE_").lower() in told
