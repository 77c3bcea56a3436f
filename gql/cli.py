"""`tastegraph serve` and `tastegraph schema`."""

from __future__ import annotations

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from gql.settings import ServeSettings
from graph.settings import GraphSettings


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
    from gql.server import serve as run

    options: dict[str, Any] = {"host": host, "port": port, "workers": workers, "metrics_port": metrics_port}
    settings = ServeSettings(**{name: value for name, value in options.items() if value is not None})
    run(GraphSettings().home_dir(), settings)


def schema() -> None:
    """Print the GraphQL schema on stdout; `schema.graphql` in the repository is what it printed last."""
    from gql.schema import make_schema, sdl

    sys.stdout.write(sdl(make_schema()))
