"""The commands of this room: `sample`, `synth`, `load`, `project`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from graph.console import emit
from graph.errors import InvalidInputError

Json = Annotated[bool, Parameter("--json")]


def load(
    source: str | None = None,
    *,
    store: str | None = None,
    mapping: Path | None = None,
    from_quarantine: bool = False,
    bulk: bool = False,
    engine: Literal["spark"] | None = None,
    dry_run: bool = False,
    limit: int | None = None,
    since: str | None = None,
    max_quarantined: float | None = None,
    strict: bool = False,
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
    mapping
        A TOML file that says which files of a folder hold what, and what their columns mean.
    from_quarantine
        Load the rows of a quarantine file, mended: SOURCE, by default the newest one of the home.
    engine
        spark: read, judge and group in Spark, on this machine or a cluster, and write to Neo4j from its partitions.
    bulk
        Into an empty Neo4j, by its own importer: the server is stopped and started again. Needs neo4j-admin on this machine.
    dry_run
        Read and judge everything, write nothing.
    limit
        Read only the first so many rows of interactions, and of follows; other tables are read whole.
    since
        Leave out interactions and follows before this time, and those without one (ISO 8601 or milliseconds).
    max_quarantined
        The share of rows that may be refused, from 0 to 1. Default: 0.01; with --from-quarantine 1.
    strict
        Write nothing if the source is unlike the last ones that were loaded: other kinds, empty columns, other times.
    json
        Print the summary as one JSON object.
    """
    from loaders import load as loading
    from loaders.decode import Selection
    from loaders.opening import Opening
    from loaders.validation.times import parse_time

    since_ms = None if since is None else parse_time(since)
    if since is not None and since_ms is None:
        raise InvalidInputError(
            f"--since {since} is no time; give one like 2024-01-31T00:00:00Z, or integer milliseconds"
        )
    if limit is not None and limit < 1:
        raise InvalidInputError(f"--limit {limit} reads nothing; give 1 or more")
    if max_quarantined is None:
        max_quarantined = 1.0 if from_quarantine else loading.MAX_QUARANTINED
    if not 0 <= max_quarantined <= 1:
        raise InvalidInputError(f"--max-quarantined {max_quarantined} is no share; give 0 to 1, such as 0.01")
    if mapping is not None and from_quarantine:
        raise InvalidInputError("--mapping is not for a quarantine: its rows have the columns of their tables already")
    options = loading.LoadOptions(
        Selection(limit, since_ms), max_quarantined, Opening(mapping, from_quarantine), strict
    )
    if engine is not None and (bulk or dry_run):
        raise InvalidInputError("--engine goes with neither --bulk nor --dry-run; drop one")
    run = loading.dry_run if dry_run else loading.bulk_load if bulk else loading.load
    run = run if engine is None else loading.spark_load
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
    snapshot: bool = False,
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
    snapshot
        Write the snapshot that loading the data set would give instead, to FOLDER/snapshots: FOLDER is then a home.
    json
        Print the counts as one JSON object.
    """
    from loaders.synthetic import Sizes, write_synthetic

    sizes = Sizes(users, pins, boards, interactions, interests)
    if snapshot:
        from loaders.synthetic_snapshot import write_synthetic_snapshot

        made = write_synthetic_snapshot(folder / "snapshots", sizes, seed)
        emit({"folder": str(folder), "seed": seed, "snapshot": made.name}, as_json=json)
        return
    emit({"folder": str(folder), "seed": seed, **write_synthetic(folder, sizes, seed)}, as_json=json)


def project(*, store: str | None = None, log: str | None = None, once: bool = False, json: Json = False) -> None:
    """Write what the event log holds into the store, and follow it until SIGTERM or Ctrl-C.

    `tastegraph serve` does this itself as long as the log is a file of the home. Each record takes effect once, also when this
    is killed. What can't be applied is kept in quarantine/dead-letters.jsonl of the home, with the reason.

    Parameters
    ----------
    store
        URL of the store: sqlite:///PATH, bolt://HOST:PORT or neo4j://HOST:PORT. Default: TASTEGRAPH_STORE, else SQLite in
        the home.
    log
        URL of the event log: sqlite:///PATH or kafka://HOST:PORT/TOPIC. Default: TASTEGRAPH_LOG, else SQLite in the home.
    once
        Stop when all is written that the log holds now.
    json
        Print the counts as one JSON object.
    """
    from graph.settings import GraphSettings
    from loaders.projecting import run_project

    emit(run_project(GraphSettings(), store, log, once=once), as_json=json)
