"""The commands of this room: `sample`, `synth`, `load`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from graph.console import emit
from graph.errors import InvalidInputError

Json = Annotated[bool, Parameter("--json")]


def load(
    source: str,
    *,
    store: str | None = None,
    bulk: bool = False,
    dry_run: bool = False,
    limit: int | None = None,
    since: str | None = None,
    max_quarantined: float = 0.01,
    json: Json = False,
) -> None:
    """Load a folder in interchange form, or topics of Kafka, into the store.

    Rows that can't be used go to a quarantine file; when they are too many, nothing is written and the exit code is 3. Loading
    the same source again changes nothing; a load that was interrupted goes on where it stopped.

    Parameters
    ----------
    source
        A folder of tables such as users, pins, boards and interactions, as .csv, .jsonl (or .gz of these) or .parquet.
        Or topics of Kafka, kafka://HOST:PORT/TOPIC?table=TABLE&from=START: what they hold now, a JSON row a record.
    store
        URL of the store: sqlite:///PATH, bolt://HOST:PORT or neo4j://HOST:PORT. Default: TASTEGRAPH_STORE, else SQLite in
        the home.
    bulk
        Into an empty Neo4j, by its own importer: the server is stopped and started again. Needs neo4j-admin on this machine.
    dry_run
        Read and judge everything, write nothing.
    limit
        Read only the first so many rows of interactions, and of follows; other tables are read whole.
    since
        Leave out interactions and follows before this time, and those without one (ISO 8601 or milliseconds).
    max_quarantined
        The share of rows that may be refused, from 0 to 1.
    json
        Print the summary as one JSON object.
    """
    from loaders import load as loading
    from loaders.decode import Selection
    from loaders.validation.times import parse_time

    since_ms = None if since is None else parse_time(since)
    if since is not None and since_ms is None:
        raise InvalidInputError(
            f"--since {since} is no time; give one like 2024-01-31T00:00:00Z, or integer milliseconds"
        )
    if limit is not None and limit < 1:
        raise InvalidInputError(f"--limit {limit} reads nothing; give 1 or more")
    if not 0 <= max_quarantined <= 1:
        raise InvalidInputError(f"--max-quarantined {max_quarantined} is no share; give 0 to 1, such as 0.01")
    options = loading.LoadOptions(Selection(limit, since_ms), max_quarantined)
    run = loading.dry_run if dry_run else loading.bulk_load if bulk else loading.load
    emit(run(source, store, options).as_dict(), as_json=json)


def sample(folder: Path, *, wheel: Path | None = None, json: Json = False) -> None:
    """Write a real data set in interchange form: MovieLens 100K with its knowledge graph.

    Parameters
    ----------
    folder
        A new folder to write to.
    wheel
        The recbole 1.2.1 wheel, if it can't be fetched. Default: the cached one in the home, else by pip.
    json
        Print the counts as one JSON object.
    """
    from graph.settings import GraphSettings
    from loaders.samples import write_sample
    from loaders.wheel import checked_wheel, fetched_wheel

    found = checked_wheel(wheel) if wheel else fetched_wheel(GraphSettings().home_dir().path / "downloads")
    emit({"folder": str(folder), **write_sample(found, folder)}, as_json=json)


def synth(
    folder: Path,
    *,
    users: int = 10_000,
    pins: int = 20_000,
    boards: int = 15_000,
    interactions: int = 500_000,
    interests: int = 40,
    seed: int = 7,
    json: Json = False,
) -> None:
    """Write a synthetic data set with planted interests, Zipf popularity and times; the same bytes for the same seed.

    Parameters
    ----------
    folder
        A new folder to write to.
    users
        How many users.
    pins
        How many pins.
    boards
        How many boards.
    interactions
        How many saves, views, clicks and so on.
    interests
        How many interests, the groups above them aside.
    seed
        Another seed, another data set.
    json
        Print the counts as one JSON object.
    """
    from loaders.synthetic import Sizes, write_synthetic

    rows = write_synthetic(folder, Sizes(users, pins, boards, interactions, interests), seed)
    emit({"folder": str(folder), "seed": seed, **rows}, as_json=json)
