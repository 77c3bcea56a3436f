"""The `tastegraph` command: mounts the commands of every room, lazily, and turns errors into one line and an exit code.

Exit codes: 0 ok, 1 failed, 2 usage, 3 rows quarantined over the threshold, 4 store unavailable, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import NoReturn

from cyclopts import App, CycloptsError

from graph import errors
from graph.console import say

app = App(
    name="tastegraph",
    help="Load user–pin–board interactions, train embeddings on them, and serve them over GraphQL.",
    version=lambda: version("tastegraph"),
    help_format="plaintext",
    # `run` gives the exit code and tells of an interruption; left to itself cyclopts would end the process.
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

COMMANDS = {
    "sample": "loaders.cli:sample",
    "synth": "loaders.cli:synth",
    "load": "loaders.cli:load",
    "project": "loaders.cli:project",
    "snapshot": "pipeline.cli:snapshot",
    "train": "pipeline.cli:train",
    "evaluate": "pipeline.cli:evaluate",
    "rollback": "pipeline.cli:rollback",
    "export": "pipeline.cli:export",
    "doctor": "pipeline.cli:doctor",
    "demo": "pipeline.cli:demo",
    "serve": "gql.cli:serve",
    "schema": "gql.cli:schema",
    "keys": "gql.cli:keys",
    "documents": "gql.cli:documents",
}
"""Name of a command, and where its function is; nothing is imported before it is called for."""

for name, place in COMMANDS.items():
    app.command(place, name=name)


def main() -> NoReturn:
    """Runs a command and exits."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs a command and returns its exit code; what went wrong is one line on stderr."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except errors.TastegraphError as error:
        say(f"tastegraph: {error}")
        return error.exit_code
    except CycloptsError as error:
        say(f"tastegraph: {error}; see `tastegraph {' '.join(arguments[:1])} --help`".replace("\n", " "))
        return errors.EXIT_USAGE
    except KeyboardInterrupt:
        say("tastegraph: interrupted; what was done is kept, run the same command again to go on")
        return errors.EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.EXIT_OK
    return errors.EXIT_OK


if __name__ == "__main__":
    main()
