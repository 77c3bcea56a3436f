"""What a benchmark prints: one JSON object a line, the same fields always, compared with the goal in goals.toml."""

from __future__ import annotations

import json
import os
import platform
import sys
import tomllib
from pathlib import Path
from typing import Any

GOALS = Path(__file__).with_name("goals.toml")


def goal_of(figure: str) -> dict[str, Any]:
    """The goal of a figure: `{"ratio_min": 3.0}`, `{"value_max": 500}` and so on; empty where none is stated."""
    return tomllib.loads(GOALS.read_text()).get(figure, {})


def met(goal: dict[str, Any], value: float, ratio: float | None) -> bool | None:
    """Whether a figure reaches its goal; None where no goal is stated."""
    checks = {
        "value_min": lambda bound: value >= bound,
        "value_max": lambda bound: value <= bound,
        "ratio_min": lambda bound: ratio is not None and ratio >= bound,
        "ratio_max": lambda bound: ratio is not None and ratio <= bound,
    }
    bounds = {name: bound for name, bound in goal.items() if name in checks}
    return all(checks[name](bound) for name, bound in bounds.items()) if bounds else None


def report(
    figure: str,
    value: float,
    unit: str,
    *,
    reference: str | None = None,
    reference_value: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Prints a figure and returns it. `ratio` is value / reference_value; `more` is printed with it."""
    ratio = value / reference_value if reference_value else None
    goal = goal_of(figure)
    line = {
        "figure": figure,
        "value": round(value, 4),
        "unit": unit,
        "reference": reference,
        "reference_value": None if reference_value is None else round(reference_value, 4),
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal or None,
        "met": met(goal, value, ratio),
        **more,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    return line


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cores": os.cpu_count(), "memory_gib": round(memory_gib, 1), "python": platform.python_version()}
