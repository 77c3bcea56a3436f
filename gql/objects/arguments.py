"""Arguments that many fields share, described once and checked once."""

from __future__ import annotations

from typing import Annotated, Final

import strawberry

from gql.errors import bad_input
from gql.objects.kinds import EdgeKind
from gql.settings import FIRST_MAX

FIRST_DEFAULT: Final = 20

First = Annotated[
    int | None,
    strawberry.argument(description=f"How many edges at most, 1 to {FIRST_MAX}; null means {FIRST_DEFAULT}."),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="Only what comes after this cursor, `endCursor` of the page before; null starts at the beginning."
    ),
]
EdgeKindsArgument = Annotated[
    list[EdgeKind] | None, strawberry.argument(description="Only over these kinds of edges; null means all.")
]


def edges_wanted(first: int | None) -> int:
    """How many edges a page shall have. Raises ApiError (BAD_USER_INPUT)."""
    return within("first", FIRST_DEFAULT if first is None else first, FIRST_MAX)


def within(name: str, value: int, most: int, least: int = 1) -> int:
    """`value` if it lies within its bounds. Raises ApiError (BAD_USER_INPUT)."""
    if not least <= value <= most:
        raise bad_input(f"`{name}` is {value}; give {least} to {most}")
    return value
