"""What the server or the driver refuses, as one line that says what to do. A mistake in our own Cypher is not touched.

No message repeats a password: the driver's messages hold none, and an address with credentials in it is never accepted.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from neo4j.exceptions import (
    ConnectionAcquisitionTimeoutError,
    DatabaseError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
    UnsupportedServerProduct,
)

from graph.errors import InvalidInputError, StoreUnavailableError, TastegraphError

_SECURITY: Final = "Neo.ClientError.Security."
_FORBIDDEN: Final = "Neo.ClientError.Security.Forbidden"
_RATE_LIMIT: Final = "Neo.ClientError.Security.AuthenticationRateLimit"
_NO_DATABASE: Final = ("Neo.ClientError.Database.", "Neo.TransientError.General.DatabaseUnavailable")
_REASON: Final = re.compile(r"\(reason (.+?)\)$")
_TIMED_OUT: Final = "Neo.ClientError.Transaction.TransactionTimedOut"
_ENDED: Final = ("Neo.ClientError.Transaction.Terminated", "Neo.ClientError.Transaction.LockClientStopped")
"""By the server, in the middle: it stops, or somebody who may has ended it."""


def check_url(url: str) -> str:
    """The URL as the store is known by. Raises InvalidInputError when it names no server, or more than one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInputError("store URL can't be read; write bolt://HOST:PORT or neo4j://HOST:PORT") from None
    if "@" in parts.netloc:
        raise InvalidInputError(
            f"store URL of {parts.hostname} holds credentials, which end up in logs and shell histories;"
            " leave them out and set NEO4J_USERNAME and NEO4J_PASSWORD"
        )
    if not parts.hostname or port == 0:
        raise InvalidInputError(f"store URL {url} names no host; write {parts.scheme}://HOST:PORT")
    if parts.path.strip("/") or parts.fragment:
        raise InvalidInputError(f"store URL {url} has a path; name a database by NEO4J_DATABASE instead")
    if parts.query and not parts.scheme.startswith("neo4j"):
        raise InvalidInputError(f"store URL {url} has parameters, which only neo4j:// takes; leave them out")
    return url.rstrip("/")


def one_line(error: Neo4jError | DriverError) -> str:
    """What an error says, on one line of bounded length; of a chain of reasons the last."""
    said = (error.message if isinstance(error, Neo4jError) else None) or str(error) or type(error).__name__
    said = " ".join(said.split())
    if reason := _REASON.search(said):
        said = reason[1]
    return said[:300]


def told(error: Neo4jError | DriverError, url: str, username: str, database: str | None) -> TastegraphError | None:
    """An error of the driver as one of ours; None for a mistake of ours, which must be seen as it is."""
    if isinstance(error, Neo4jError):
        return _told_by_server(error, url, username, database)
    if isinstance(error, ConnectionAcquisitionTimeoutError):
        return StoreUnavailableError(
            f"Neo4j at {url} gave no connection in time; is it overloaded?"
            " try again later, or raise TASTEGRAPH_NEO4J_ACQUIRE_TIMEOUT_S"
        )
    if isinstance(error, UnsupportedServerProduct):
        return StoreUnavailableError(
            f"what answers at {url} is no Neo4j that we can talk to; set NEO4J_URI (or --store) to where one is"
        )
    if isinstance(error, ServiceUnavailable | SessionExpired):
        return StoreUnavailableError(
            f"no Neo4j answers at {url} ({one_line(error)}); start it, or set NEO4J_URI (or --store) to where it is"
        )
    return None


def _told_by_server(error: Neo4jError, url: str, username: str, database: str | None) -> TastegraphError | None:
    code, said = error.code or "", one_line(error)
    if code == _FORBIDDEN:
        what = f"does not let user {username!r} do this ({said}); grant it, or set NEO4J_USERNAME"
    elif code == _RATE_LIMIT:
        what = f"has locked user {username!r} out after wrong passwords; wait some seconds, and set NEO4J_PASSWORD"
    elif code.startswith(_SECURITY):
        what = f"refuses user {username!r}; set NEO4J_USERNAME and NEO4J_PASSWORD to its credentials"
    elif code.startswith(_NO_DATABASE):
        name = "its home database" if database is None else f"database {database!r}"
        what = f"can't give us {name} ({said}); start it, or set NEO4J_DATABASE to another"
    elif code.startswith(_TIMED_OUT):
        what = (
            f"ended a transaction that took too long ({said}); write smaller batches, or raise"
            " TASTEGRAPH_NEO4J_QUERY_TIMEOUT_S"
        )
    elif code in _ENDED:
        what = f"ended a transaction before it was done ({said}); try again"
    elif isinstance(error, TransientError | DatabaseError):
        what = f"failed ({said}); see its log, and try again later"
    else:
        return None
    return StoreUnavailableError(f"Neo4j at {url} {what}")
