"""Neo4j's own importer: a whole graph from CSV files into a database that is empty, while the server is stopped.

Commands of Neo4j are run as they are configured; where there is none to stop or start the server with, whoever started us is
asked to. Knows headers and commands, and not where the rows come from.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.console import say
from graph.errors import ConflictError, InvalidInputError, StoreUnavailableError, TerminalError
from graph.model import EdgeKind, EventKind, NodeKind
from graph.settings import GraphSettings
from graph.stores.neo4j.cypher.names import EDGE_TYPES, LABELS, PAIRED, TYPES
from graph.stores.neo4j.store import Neo4jStore

_POLL_S: Final = 0.5
_DATABASE: Final = "neo4j"
_VERSIONED: Final = ("version_at:long", "deleted_at:long", "digest:byte[]")
NODE_HEADERS: Final[dict[NodeKind, tuple[str, ...]]] = {
    NodeKind.USER: ("id:ID(User)", *_VERSIONED, "created_at:long", "attributes:string"),
    NodeKind.PIN: (
        "id:ID(Pin)",
        *_VERSIONED,
        "created_at:long",
        "attributes:string",
        "title:string",
        "description:string",
    ),
    NodeKind.BOARD: ("id:ID(Board)", *_VERSIONED, "title:string", "secret:boolean"),
    NodeKind.INTEREST: ("id:ID(Interest)", *_VERSIONED, "name:string"),
    NodeKind.ENTITY: ("id:ID(Entity)", *_VERSIONED, "name:string"),
}
"""Columns in the order of `nodes.row_of`."""
HEX_IDS: Final = ("TastegraphState", "name\ngiven_hex_ids\n")
"""A label and its CSV: what `cypher.events.REMEMBER_HEX_IDS` makes."""


@dataclass(frozen=True, slots=True)
class Header:
    """A relationship's type, and the columns of its CSV."""

    type: str
    columns: tuple[str, ...]


def event_header(kind: EventKind, target: NodeKind) -> Header:
    """user, target, event_key, at, weight, board, event_id, group_id."""
    properties = ("event_key:long", "at:long", "weight:double", "board:string", "event_id:string", "group_id:string")
    return Header(TYPES[kind], (":START_ID(User)", f":END_ID({LABELS[target]})", *properties))


def paired_header(kind: EventKind) -> Header:
    """board, pin, at, by, event_id: what an event on a board is between the board and the pin."""
    columns = (":START_ID(Board)", ":END_ID(Pin)", "at:long", "by:string", "event_id:string")
    return Header(PAIRED[kind], columns)


def edge_header(kind: EdgeKind, source: NodeKind, target: NodeKind) -> Header:
    """source, target, and for plain edges version_at, score, predicate."""
    ends = (f":START_ID({LABELS[source]})", f":END_ID({LABELS[target]})")
    carried = kind in {EdgeKind.OWNS, EdgeKind.CHILD_OF}
    return Header(EDGE_TYPES[kind], ends if carried else (*ends, "version_at:long", "score:double", "predicate:string"))


class Offline:
    """One server that is stopped for an import, and started again."""

    def __init__(self, url: str, settings: GraphSettings) -> None:
        if url.partition(":")[0] == "sqlite":
            raise InvalidInputError(
                "--bulk is Neo4j's own importer; give --store bolt://HOST:PORT, or load without --bulk"
            )
        self.url = url
        self._settings = settings
        self._overwrite = False

    def check_empty(self) -> None:
        """Raises ConflictError when the server runs and its database is not empty. One that does not run can't be asked: its
        files are looked at by the importer.
        """
        if (store := self._running()) is None:
            return
        try:
            empty = store.is_empty()
        finally:
            store.close()
        if not empty:
            raise ConflictError(
                f"the database at {self.url} is not empty, and --bulk loads only into an empty one; load without --bulk"
            )
        self._overwrite = True

    def stop(self) -> None:
        """Returns when nobody answers any more."""
        if self._running_now():
            self._run_or_ask(self._settings.neo4j_stop, f"stop Neo4j at {self.url} now, to import into it")
            self._await(lambda: not self._running_now(), "did not stop")

    def start(self) -> Neo4jStore:
        """The store, once the server answers."""
        self._run_or_ask(self._settings.neo4j_start, f"imported; start Neo4j at {self.url} now")
        found: list[Neo4jStore] = []

        def running() -> bool:
            if (store := self._running()) is not None:
                found.append(store)
            return bool(found)

        self._await(running, "did not start")
        return found[0]

    def import_all(
        self,
        nodes: Iterable[tuple[str, Path]],
        relationships: Iterable[tuple[str, Path]],
        log: Path,
        *,
        multiline: bool,
    ) -> None:
        """Runs the importer over CSV files, by label and by type. Raises TerminalError when it refuses anything."""
        command = [
            *self._admin(),
            "database",
            "import",
            "full",
            *(f"--nodes={label}={path}" for label, path in nodes),
            *(f"--relationships={name}={path}" for name, path in relationships),
            "--id-type=string",
            "--bad-tolerance=0",
            f"--overwrite-destination={str(self._overwrite).lower()}",
            f"--multiline-fields={str(multiline).lower()}",
            f"--report-file={log.with_suffix('.report')}",
            self._settings.neo4j_database or _DATABASE,
        ]
        _run(command, log)

    def _admin(self) -> list[str]:
        if self._settings.neo4j_admin is not None:
            return shlex.split(self._settings.neo4j_admin)
        home = os.environ.get("NEO4J_HOME")
        return [str(Path(home, "bin", "neo4j-admin"))] if home else ["neo4j-admin"]

    def _run_or_ask(self, command: str | None, request: str) -> None:
        if command is None:
            say(request)
            return
        try:
            # What to run is the setting's whole point.
            done = subprocess.run(  # noqa: S603
                shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        except OSError as error:
            raise InvalidInputError(
                f"{command} can't be run: {error.strerror}; see TASTEGRAPH_NEO4J_STOP and _START"
            ) from None
        if done.returncode:
            raise TerminalError(
                f"{command} exited with {done.returncode}: {_last_line(done.stderr or done.stdout)}; mend it, and try again"
            )

    def _running(self) -> Neo4jStore | None:
        try:
            return Neo4jStore.connect(self.url, self._settings)
        except StoreUnavailableError as error:
            if "refuses user" in str(error):
                raise
            return None

    def _running_now(self) -> bool:
        if (store := self._running()) is None:
            return False
        store.close()
        return True

    def _await(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._settings.neo4j_start_timeout_s
        while not done():
            if time.monotonic() > deadline:
                raise StoreUnavailableError(
                    f"Neo4j at {self.url} {what} within {self._settings.neo4j_start_timeout_s:.0f} s;"
                    " see its log, and TASTEGRAPH_NEO4J_START_TIMEOUT_S"
                )
            time.sleep(_POLL_S)


def _run(command: list[str], log: Path) -> None:
    try:
        with log.open("wb") as output:
            done = subprocess.run(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
            )
    except OSError as error:
        raise InvalidInputError(
            f"{command[0]} can't be run ({error.strerror}); set TASTEGRAPH_NEO4J_ADMIN to the command, or NEO4J_HOME"
        ) from None
    if done.returncode:
        raise TerminalError(
            f"neo4j-admin database import exited with {done.returncode}: {_last_line(log.read_bytes())};"
            " nothing was imported: the database must be stopped, and empty"
        )


def _last_line(output: bytes) -> str:
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if "rror" in line or "xception" in line]
    return (told or lines or ["it said nothing"])[-1][:300]
