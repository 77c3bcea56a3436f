"""Every error that tastegraph raises on purpose, in one tree, and the exit code each ends a command with.

The message is one line: what happened, and what to do about it. Terminal means that trying again changes nothing;
Transient means that the same call may succeed later.

    TastegraphError
    ├── TerminalError                    exit 1
    │   ├── InvalidInputError            exit 2   what the caller gave can't be used
    │   │   ├── InvalidIdError
    │   │   └── InvalidEventError
    │   ├── QuarantineThresholdError     exit 3   too many rows were refused
    │   ├── CorruptFileError             exit 1   a snapshot, artifact or release that is not what was written
    │   ├── NotFoundError                exit 1   nothing of that name is there
    │   ├── ConflictError                exit 1   another run holds what this one needs
    │   └── GateRefusedError             exit 1   a release worse than what it would replace
    └── TransientError                   exit 4
        └── StoreUnavailableError        exit 4   the store can't be reached, or refuses us
"""

from __future__ import annotations

from typing import ClassVar

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_QUARANTINED = 3
EXIT_UNAVAILABLE = 4
EXIT_INTERRUPTED = 130


class TastegraphError(Exception):
    """Base of the tree. `str(error)` is one line for a person."""

    exit_code: ClassVar[int] = EXIT_FAILED


class TerminalError(TastegraphError):
    """Trying again changes nothing."""


class TransientError(TastegraphError):
    """The same call may succeed later."""

    exit_code = EXIT_UNAVAILABLE


class InvalidInputError(TerminalError):
    """An argument, file or folder that can't be used as given."""

    exit_code = EXIT_USAGE


class InvalidIdError(InvalidInputError):
    """An id that breaks the rule of `graph.model.check_id`."""


class InvalidEventError(InvalidInputError):
    """An event whose fields contradict each other."""


class QuarantineThresholdError(TerminalError):
    """More rows were refused than the load allows."""

    exit_code = EXIT_QUARANTINED


class CorruptFileError(TerminalError):
    """A file of ours that is not what was written: truncated, changed, or of an unknown format."""


class NotFoundError(TerminalError):
    """Nothing of that name is there."""


class ConflictError(TerminalError):
    """Another run holds what this one needs."""


class GateRefusedError(TerminalError):
    """A release that is worse than the one it would replace."""


class StoreUnavailableError(TransientError):
    """The store can't be reached, or refuses our credentials."""
