"""How a part of a plan says that it is not for this."""

from __future__ import annotations


class Uncovered(Exception):  # noqa: N818 - no error: nothing went wrong
    """No plan can answer this; graphql-core shall."""
