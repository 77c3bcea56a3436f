"""`tastegraph serve`, `schema`, `keys` and `documents`."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from gql.settings import ServeSettings
from graph.console import emit
from graph.settings import GraphSettings

Json = Annotated[bool, Parameter("--json")]


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on; a loopback one. Default 127.0.0.1.")] = None,
    port: Annotated[int | None, Parameter(help="Port of the API; 0 takes a free one. Default 8000.")] = None,
    workers: Annotated[int | None, Parameter(help="Processes on that port. Default 1.")] = None,
    metrics_port: Annotated[
        int | None, Parameter(help="Port of /metrics, always on loopback. Default: the API's + 1.")
    ] = None,
) -> None:
    """Serve what is published: the API and GraphiQL at /graphql, /healthz, /readyz, /version; /metrics apart.

    Options win over TASTEGRAPH_SERVE_*. SIGTERM and Ctrl-C let requests in flight end. Exit codes: 0 stopped, 1 nothing to
    serve or port in use, 2 an option can't be used.
    """
    # Nothing that is imported is garbage: looking through it for some takes a twentieth of the start.
    gc.disable()
    from gql.server import serve as run

    gc.enable()
    options: dict[str, Any] = {"host": host, "port": port, "workers": workers, "metrics_port": metrics_port}
    settings = ServeSettings(**{name: value for name, value in options.items() if value is not None})
    run(GraphSettings().home_dir(), settings)


def schema() -> None:
    """Print the GraphQL schema on stdout; `schema.graphql` in the repository is what it printed last."""
    from gql.schema import make_schema, sdl

    sys.stdout.write(sdl(make_schema()))


keys = App(
    name="keys", help="API keys: who may ask, and what. Without any, `serve` answers this machine alone, as admin."
)


@keys.command
def add(name: str, *, scope: list[str], user: str | None = None, json: Json = False) -> None:
    """Make a key, and print it for the only time; a running server takes it within seconds.

    Parameters
    ----------
    name
        What logs and `keys list` call it.
    scope
        What it may do; may be repeated: read, personal:read, personal:write, write, erase, admin.
    user
        Id of the user that personal scopes are for.
    json
        Print the result as one JSON object.
    """
    from gql.keys import add_key

    emit({"name": name, "key": add_key(GraphSettings().home_dir(), name, scope, user)}, as_json=json)


@keys.command(name="list")
def list_(*, json: Json = False) -> None:
    """Tell which keys there are, by name, with their scopes; the keys themselves are known to nobody.

    Parameters
    ----------
    json
        Print the result as one JSON object.
    """
    from gql.keys import FILE, read_keys

    found = read_keys(GraphSettings().home_dir().keys / FILE)
    emit({key.name: {"scopes": key.scopes, "user": key.user, "made": key.created_at} for key in found}, as_json=json)


@keys.command
def revoke(name: str, *, json: Json = False) -> None:
    """Forget a key; a running server refuses it within seconds.

    Parameters
    ----------
    name
        Its name.
    json
        Print the result as one JSON object.
    """
    from gql.keys import revoke_key

    revoke_key(GraphSettings().home_dir(), name)
    emit({"revoked": name}, as_json=json)


documents = App(name="documents", help="Trusted documents: what a server in production answers, and nothing else.")


@documents.command
def build(folder: Path, *, out: Path, json: Json = False) -> None:
    """Make the manifest of a client's documents: every operation in *.graphql below a folder, checked against the schema.

    Parameters
    ----------
    folder
        Folder with the client's documents; fragments may be in files of their own.
    out
        The manifest to write: TASTEGRAPH_SERVE_DOCUMENTS of the server.
    json
        Print the result, hashes by operation, as one JSON object.
    """
    from gql.schema import make_schema
    from gql.trusted import build as build_manifest

    emit(build_manifest(make_schema(), folder, out), as_json=json)
