"""Commands that compose the rooms: thin functions that read options, call a run, and print its result."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import orjson
from cyclopts import App, Parameter

from graph.console import emit
from graph.errors import InvalidInputError, TerminalError
from graph.settings import GraphSettings

Json = Annotated[bool, Parameter("--json", negative=())]


def snapshot(*, store: str | None = None, json: Json = False) -> None:
    """Exports what the store holds into an immutable, memory-mapped snapshot.

    Parameters
    ----------
    store
        URL of the store: sqlite:///PATH, bolt://… or neo4j://… (default: TASTEGRAPH_STORE, else SQLite in the home).
    json
        Print the result as one JSON object.
    """
    from pipeline.snapshot import run_snapshot

    emit(run_snapshot(GraphSettings(), store), as_json=json)


def doctor(*, store: str | None = None, abandon: str | None = None, json: Json = False) -> None:
    """Look whether store and home are well, and say how to mend what is not. Exit code 0: all is well; 1: something is not.

    Everything is read, nothing is changed, unless a load is given up.

    Parameters
    ----------
    store
        URL of the store: sqlite:///PATH, bolt://… or neo4j://… (default: TASTEGRAPH_STORE, else SQLite in the home).
    abandon
        Give up this interrupted load instead of looking: what it wrote stays, and snapshots can be made again. Refused while
        the load is running.
    json
        Print the result as one JSON object.
    """
    from pipeline.doctor import report, run_abandon, run_doctor, table

    settings = GraphSettings()
    if abandon is not None:
        emit(run_abandon(settings, abandon, store), as_json=json)
        return
    checks = run_doctor(settings, store)
    if json:
        emit(report(checks), as_json=True)
    else:
        sys.stdout.writelines(f"{line}\n" for line in table(checks))
    if wrong := [check.name for check in checks if not check.ok]:
        raise TerminalError(f"{len(wrong)} of {len(checks)} checks found something wrong: {', '.join(wrong)}")


def train(*, force: bool = False, seed: int | None = None, threads: int | None = None, json: Json = False) -> None:
    """Train embeddings on the newest snapshot, measure them on held-out saves, and publish them with that snapshot.

    More settings: TASTEGRAPH_TRAIN_* (see the documentation of settings).

    Parameters
    ----------
    force
        Publish also what is worse than popularity or than what is served, or can't be measured.
    seed
        What everything random comes from (default: 7).
    threads
        Threads of the numeric libraries (default: one a core).
    json
        Print the result as one JSON object.
    """
    from pipeline.train import run_train
    from pipeline.trial import chosen

    emit(run_train(GraphSettings(), chosen(seed=seed, threads=threads), force=force), as_json=json)


def evaluate(
    *,
    train: Path | None = None,
    test: Path | None = None,
    protocol: Literal["full", "leave-one-out"] = "full",
    data: Path | None = None,
    split: Literal["time", "random"] = "time",
    seed: int = 7,
    threads: int | None = None,
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Train with default settings and measure beside the baselines, on a public split or an interchange folder.

    Nothing is published. A table with intervals goes to stderr.

    Parameters
    ----------
    train
        Public split: what to learn from, one line `user item item …` a user.
    test
        Public split: what is asked for, the same form.
    protocol
        full: rank all items, recall@20 and NDCG@20; leave-one-out: one item a user among 99 others, HR@10 and NDCG@10.
    data
        Instead of files: a folder in interchange form.
    split
        How that folder is cut: time (the last fifth of the saves) or random (a fifth of each user's pins).
    seed
        What everything random comes from.
    threads
        Threads of the numeric libraries (default: one a core).
    out
        Also write everything, with intervals, curves and settings, to this JSON file.
    json
        Print the result as one JSON object.
    """
    from pipeline.evaluate import run_evaluate, split_of_files, split_of_folder
    from pipeline.trial import chosen

    if data is not None and train is None and test is None:
        cut = split_of_folder(data, split, seed)
    elif data is None and train is not None and test is not None:
        cut = split_of_files(train, test, protocol)
    else:
        raise InvalidInputError("give either --train FILE --test FILE, or --data DIR")
    emit(run_evaluate(cut, chosen(seed=seed, threads=threads), out), as_json=json)


def rollback(release: str | None = None, *, json: Json = False) -> None:
    """Serve an earlier release again, after checking that all of it is whole.

    Parameters
    ----------
    release
        Name of the release to go back to (default: the one before what is served).
    json
        Print the result as one JSON object.
    """
    from pipeline.rollback import run_rollback

    emit(run_rollback(GraphSettings(), release), as_json=json)


def demo(*, port: int | None = None) -> None:
    """Bring a real data set (MovieLens 100K), load it, train on it, and serve it with GraphiQL.

    Steps that are done already are skipped. With DEMO_SERVE=0 in the environment it stops after one real query, whose answer it
    prints as `SELFCHECK {json}`.

    Parameters
    ----------
    port
        Port to serve on (default: 8000).
    """
    from gql.cli import serve
    from pipeline.demo import run_demo, selfcheck

    settings = GraphSettings()
    run_demo(settings)
    if os.environ.get("DEMO_SERVE") == "0":
        sys.stdout.write(f"SELFCHECK {orjson.dumps(selfcheck(settings.home_dir())).decode()}\n")
        return
    serve(port=port)


export = App(name="export", help="Write parts of what is served to files, for other tools.")


@export.command
def ego(
    id: str,
    *,
    out: Path,
    kind: Literal["user", "pin", "board", "interest", "entity"] = "pin",
    hops: int = 2,
    first: int = 1_000,
    format: Literal["graphml", "json"] = "graphml",
    json: Json = False,
) -> None:
    """Write the ego network of a node: who and what is within a few hops, with centrality and communities.

    Parameters
    ----------
    id
        Id of the node in its middle, as it was loaded.
    out
        File to write, whole or not at all.
    kind
        Kind of that node.
    hops
        How far to go: 1 to 3.
    first
        How many nodes at most; what was cut is said in the file.
    format
        graphml (Gephi, yEd, Cytoscape) or json (networkx's node-link form).
    json
        Print the result as one JSON object.
    """
    from pipeline.ego import run_export_ego

    emit(run_export_ego(GraphSettings(), kind, id, out=out, hops=hops, first=first, format=format), as_json=json)


@export.command
def embeddings(*, out: Path, json: Json = False) -> None:
    """Write the vectors of the current release as Parquet, a file a kind, with their lineage.

    Parameters
    ----------
    out
        Folder to write, which must not be there: whole or not at all, readable by its owner only.
    json
        Print the result as one JSON object.
    """
    from pipeline.exports import run_export_embeddings

    emit(run_export_embeddings(GraphSettings(), out), as_json=json)


@export.command
def profiles(*, out: Path, json: Json = False) -> None:
    """Write what every user cares for as Parquet, a row a user and interest, with its lineage.

    Parameters
    ----------
    out
        Folder to write, which must not be there: whole or not at all, readable by its owner only.
    json
        Print the result as one JSON object.
    """
    from pipeline.exports import run_export_profiles

    emit(run_export_profiles(GraphSettings(), out), as_json=json)
