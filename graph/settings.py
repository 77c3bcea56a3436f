"""Where things are kept, and how the store is reached: the settings that every command shares.

`TASTEGRAPH_*` names are ours; `NEO4J_URI`, `NEO4J_USERNAME` and `NEO4J_PASSWORD` keep the names that Neo4j's own tools use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


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


class GraphSettings(BaseSettings):
    """What the graph room reads from the environment."""

    model_config = SettingsConfigDict(env_prefix="TASTEGRAPH_", populate_by_name=True, extra="ignore")

    home: Path = Path(".tastegraph")
    """Everything of one installation is under this folder (TASTEGRAPH_HOME)."""
    store: str | None = Field(default=None, validation_alias=AliasChoices("TASTEGRAPH_STORE", "NEO4J_URI"))
    """URL of the store: sqlite:///PATH, bolt://…, neo4j://…; by default SQLite in the home."""
    neo4j_username: str = Field(default="neo4j", validation_alias=AliasChoices("NEO4J_USERNAME"))
    """User at Neo4j (NEO4J_USERNAME)."""
    neo4j_password: SecretStr | None = Field(default=None, validation_alias=AliasChoices("NEO4J_PASSWORD"))
    """Password at Neo4j (NEO4J_PASSWORD); never in a URL."""
    neo4j_acquire_timeout_s: float = 10.0
    """How long to wait for a connection before the store counts as unavailable."""
    neo4j_query_timeout_s: float = 120.0
    """How long one transaction may take."""

    def home_dir(self) -> Home:
        """The home as paths."""
        return Home(self.home)

    def store_url(self) -> str:
        """The store's URL, the default resolved."""
        return self.store or f"sqlite:///{self.home_dir().store_db}"
