"""What a command prints: data on stdout, everything for people on stderr. Shared by the `cli.py` of every room."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def emit(result: Mapping[str, Any], *, as_json: bool) -> None:
    """A command's result on stdout: one JSON object on one line, or a table of two columns for people."""
    if as_json:
        sys.stdout.write(orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY).decode() + "\n")
        sys.stdout.flush()
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in result.items():
        table.add_row(name.replace("_", " "), Text(_cell(value)))
    Console(highlight=False, soft_wrap=True).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Mapping | list | tuple):
        return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return str(value)


def say(message: str) -> None:
    """One line for a person, on stderr."""
    stderr.print(message, markup=False)


def progress() -> Progress:
    """Bars on stderr; silent when stderr is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=stderr,
        disable=not stderr.is_terminal,
        transient=True,
    )
