"""Where things are kept, and how the store is reached: the settings that every command shares.

`TASTEGRAPH_*` names are ours; `NEO4J_URI`, `NEO4J_USERNAME`, `NEO4J_PASSWORD` and `NEO4J_DATABASE` keep the names that Neo4j's
own tools use.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from graph.environment import EnvironmentSettings
from graph.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds everything of one installation. Nothing is created until it is needed."""

    path: Path

    @property
    def store_db(self) -> Path:
        return self.path / "store.db"

    @property
    def log_db(self) -> Path:
        return self.path / "log.db"

    @property
    def projector_lock(self) -> Path:
        return self.path / "projector.lock"

    @property
    def snapshots(self) -> Path:
        return self.path / "snapshots"

    @property
    def artifacts(self) -> Path:
        return self.path / "artifacts"

    @property
    def releases(self) -> Path:
        return self.path / "releases"

    @property
    def indexes(self) -> Path:
        return self.path / "indexes"

    @property
    def quarantine(self) -> Path:
        return self.path / "quarantine"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def experiments(self) -> Path:
        return self.path / "experiments"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def runs(self) -> Path:
        """The run ledger."""
        return self.path / "runs"


class GraphSettings(EnvironmentSettings):
    """What the graph room reads from the environment."""

    model_config = SettingsConfigDict(env_prefix="TASTEGRAPH_", populate_by_name=True, extra="ignore")

    home: Path = Path(".tastegraph")
    """Everything of one installation is under this folder (TASTEGRAPH_HOME)."""
    store: str | None = Field(default=None, validation_alias=AliasChoices("TASTEGRAPH_STORE", "NEO4J_URI"))
    """URL of the store: sqlite:///PATH, bolt://…, neo4j://…; by default SQLite in the home."""
    log: str | None = None
    """URL of the event log (TASTEGRAPH_LOG): sqlite:///PATH or kafka://HOST:PORT/TOPIC; by default SQLite in the home."""
    neo4j_username: str = Field(default="neo4j", validation_alias=AliasChoices("NEO4J_USERNAME"))
    """User at Neo4j (NEO4J_USERNAME)."""
    neo4j_password: SecretStr | None = Field(default=None, validation_alias=AliasChoices("NEO4J_PASSWORD"))
    """Password at Neo4j (NEO4J_PASSWORD); never in a URL."""
    neo4j_database: str | None = Field(default=None, validation_alias=AliasChoices("NEO4J_DATABASE"))
    """Database at Neo4j (NEO4J_DATABASE); by default the user's home database."""
    neo4j_acquire_timeout_s: float = 10.0
    """How long to wait for a connection before the store counts as unavailable."""
    neo4j_query_timeout_s: float = 120.0
    """How long one transaction may take."""
    neo4j_retry_timeout_s: float = 30.0
    """How long a transaction that failed for a passing reason (a restart, a deadlock) is begun again."""
    neo4j_admin: str | None = None
    """The command neo4j-admin, for --bulk; by default the one of NEO4J_HOME, else of the PATH."""
    neo4j_stop: str | None = None
    """A command that stops Neo4j, for --bulk; by default whoever runs us is asked to."""
    neo4j_start: str | None = None
    """A command that starts it again, and returns."""
    neo4j_start_timeout_s: float = 600.0
    """How long Neo4j may take to stop or start."""

    def home_dir(self) -> Home:
        """The home as paths."""
        return Home(self.home)

    def store_url(self) -> str:
        """The store's URL, the default resolved."""
        return self.store or f"sqlite:///{self.home_dir().store_db}"

    def log_url(self) -> str:
        """The event log's URL, the default resolved."""
        return self.log or f"sqlite:///{self.home_dir().log_db}"


class KafkaSettings(EnvironmentSettings):
    """How Kafka is reached, as event log and as a source of loads (`TASTEGRAPH_KAFKA_*`). Credentials are never in a URL."""

    model_config = SettingsConfigDict(env_prefix="TASTEGRAPH_KAFKA_", extra="ignore")

    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Kafka's own name for what protects the connection."""
    ca_file: Path | None = None
    """Certificates (PEM) that the brokers' are checked against; by default those of the system."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How we sign in, with SASL."""
    username: str | None = None
    """Who signs in, with SASL."""
    password: SecretStr | None = None
    """With what, with SASL."""
    timeout_s: float = 15.0
    """How long a broker may stay silent before it counts as unavailable."""

    def client_options(self, bootstrap: str) -> dict[str, Any]:
        """What every client of aiokafka is made with: where, as whom, and how patient.

        Raises InvalidInputError when settings contradict each other. Needs no aiokafka.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": bootstrap,
            "client_id": "tastegraph",
            "request_timeout_ms": int(self.timeout_s * 1000),
            "security_protocol": self.security,
        }
        if self.security.endswith("SSL"):
            options["ssl_context"] = _ssl_context(self.ca_file)
        if self.security.startswith("SASL"):
            if self.username is None or self.password is None:
                raise InvalidInputError(
                    f"{self.security} signs in: set TASTEGRAPH_KAFKA_USERNAME and TASTEGRAPH_KAFKA_PASSWORD"
                )
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password.get_secret_value()
        return options


def _ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise InvalidInputError(
            f"TASTEGRAPH_KAFKA_CA_FILE {ca_file} can't be read as PEM certificates: {error}"
        ) from None
