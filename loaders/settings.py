"""What the loaders read from the environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from graph.environment import EnvironmentSettings
from graph.ports import BATCH_ROWS_MAX
from loaders.cells import PARTS


class LoadSettings(EnvironmentSettings):
    """How a load is cut; what it ends in does not depend on it."""

    model_config = SettingsConfigDict(env_prefix="TASTEGRAPH_LOAD_", extra="ignore")

    batch_rows: int = Field(default=20_000, ge=1, le=BATCH_ROWS_MAX)
    """Rows of one transaction (TASTEGRAPH_LOAD_BATCH_ROWS)."""
    writers: int = Field(default=2, ge=1, le=PARTS)
    """Transactions that Neo4j is sent at once (TASTEGRAPH_LOAD_WRITERS)."""
