"""The stores that keep the record, one package each, behind the ports of `graph.ports`; picked by the URL's scheme."""

from __future__ import annotations

from pathlib import Path

from graph.errors import InvalidInputError
from graph.ports import GraphStore
from graph.settings import GraphSettings

SCHEMES = "sqlite:///PATH, bolt://HOST:PORT or neo4j://HOST:PORT"


def by_event_id(url: str) -> bool:
    """Whether the store at a URL is quickest with events in the order of their ids, rather than grouped by their users.

    SQLite is: its index over all ids is the largest thing that a load writes, and so it is written page after page. Neo4j
    writes relationships, and is quickest if those of one node come together.
    """
    return url.startswith("sqlite:")


def open_store(url: str | None = None, settings: GraphSettings | None = None) -> GraphStore:
    """The store at a URL (by default the settings' one). Its schema is not touched: call `migrate()` before writing.

    Raises InvalidInputError for a URL of no known kind, StoreUnavailableError when the server can't be reached or refuses
    the credentials.
    """
    settings = settings or GraphSettings()
    url = url or settings.store_url()
    scheme = url.partition("://")[0]
    if scheme == "sqlite":
        from graph.stores.sqlite.store import SqliteStore

        path = url.removeprefix("sqlite:///")
        if not path or path == url:
            raise InvalidInputError(f"store URL {url} names no file; write sqlite:///PATH")
        return SqliteStore(Path(path))
    if scheme in {"bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"}:
        from graph.stores.neo4j.store import Neo4jStore

        return Neo4jStore.connect(url, settings)
    raise InvalidInputError(f"store URL {url} is of no known kind; use {SCHEMES}")
