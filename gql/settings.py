"""What the server reads from the environment: where it listens, and a limit on everything that a client can ask for."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from graph.environment import EnvironmentSettings
from graph.errors import InvalidInputError

FIRST_MAX: Final = 100
"""Edges that one page of a connection has at most."""
RANKED_MAX: Final = 200
"""Items of one ranking that can be paged through."""
IDS_MAX: Final = 1000
"""Ids that one argument takes at most."""
KIB: Final = 1024


class ServeSettings(EnvironmentSettings):
    """TASTEGRAPH_SERVE_* in the environment; `tastegraph serve` has options for the first ones."""

    model_config = SettingsConfigDict(env_prefix="TASTEGRAPH_SERVE_", extra="ignore")

    host: str = "127.0.0.1"
    """Address to listen on. Without API keys only a loopback address is accepted."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port of the API; 0 takes a free one, which the log names."""
    workers: int = Field(default=1, ge=1, le=64)
    """Processes on that port. They share the mapped snapshot; caches, limits and rankings are each worker's own."""
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of `/metrics`, on loopback always; by default the API's port + 1 (a free one where that is a free one)."""

    mode: Literal["development", "production"] = "development"
    """production: only documents of the manifest are answered, and there is no GraphiQL; so nobody can explore the schema."""
    documents: Path | None = None
    """Manifest of trusted documents, made by `tastegraph documents build`; production needs one."""
    allowed_hosts: list[str] = Field(default_factory=list[str])
    """Names besides loopback ones that `Host` may have, without port (a JSON list): those of a proxy in front."""
    public_attributes: list[str] = Field(default_factory=list[str])
    """Attributes of users that everybody may see (a JSON list); the rest are private to the user."""

    body_bytes_max: int = 1024 * KIB
    """Bytes of a request's body: a thousand interactions with long ids."""
    document_bytes_max: int = 32 * KIB
    """Bytes of a GraphQL document."""
    document_tokens_max: int = 1000
    """Tokens of a document; the lexer stops there."""
    depth_max: int = 16
    """Fields from the operation down to a leaf; the introspection query of common clients has 15."""
    fields_max: int = 1000
    """Fields of an operation with its fragments spread out."""
    aliases_max: int = 50
    """Aliased fields of an operation with its fragments spread out."""
    fields_per_name_max: int = 20
    """Fields that merge under one name of one object in the answer: validation compares each pair of them."""
    documents_cached: int = 256
    """Documents kept parsed and validated, the least recently used leaving first."""

    deadline_s: float = Field(default=10.0, gt=0)
    """Seconds after which a request is answered with DEADLINE_EXCEEDED."""
    drain_s: float = Field(default=10.0, ge=0)
    """Seconds that requests in flight have to end after SIGTERM."""
    threads: int = Field(default=4, ge=1, le=64)
    """Threads a worker ranks and traverses in, away from the event loop."""

    poll_s: float = Field(default=1.0, gt=0)
    """Seconds between looks at `releases/CURRENT`."""
    keep_old_s: float = Field(default=600.0, ge=0)
    """Seconds that the release before stays open after a swap."""

    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    """debug, info, warning or error. Each request is logged at debug, slow and failed ones above it."""
    slow_s: float = 1.0
    """Seconds from which a request is logged as slow."""

    def check_exposure(self, *, keyed: bool) -> None:
        """Raises InvalidInputError when the server would answer other machines and ask nobody for a key."""
        if not keyed and not is_loopback(self.host):
            raise InvalidInputError(
                f"host {self.host} is open to other machines and there are no API keys; make one with `tastegraph keys add`,"
                " or listen on 127.0.0.1"
            )


def is_loopback(host: str) -> bool:
    """Whether a host name or address never leaves this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
