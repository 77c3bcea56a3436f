"""`make bench-serve`: requests a second, beside @neo4j/graphql on Apollo Server with Neo4j, and beside aiohttp alone.

One synthetic graph is served by `tastegraph serve` and loaded into Neo4j behind the peer. Each question is put to both about
the same nodes and the answers compared; then wrk asks every server in turn, several rounds, and medians are printed. aiohttp
alone answers bytes that ours answered. Smaller and quicker, for development:

    python -m benchmarks.serve --users 5000 --pins 10000 --boards 2500 --interactions 200000 --seconds 2 --no-peer
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import servers
from benchmarks.figure import machine, report
from benchmarks.peer_graph import load_peer
from benchmarks.questions import QUESTIONS, Question
from benchmarks.wrk import Load, check_wrk, load
from embeddings.release import Release, publish
from graph.model import NodeKind
from graph.schema import Link
from graph.settings import Home
from graph.snapshot import Snapshot
from loaders.synthetic import Sizes
from loaders.synthetic_snapshot import write_synthetic_snapshot
from tests.neo4j.server import STEADY_STATE, Neo4jServer

OURS, PEER, BARE = "tastegraph", "@neo4j/graphql", "bare aiohttp"
COMPARED = 50
"""Answers of each question that are compared."""
ASKED = 2_000
"""Nodes that each question is asked about, in turn."""
WARM_UP_ROUNDS = 2
"""Rounds of load before anything is counted: the JVM and V8 compile what is hot."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and the requests that put one question to it."""

    name: str
    url: str
    bodies: Sequence[str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark; prints figures on stdout, progress on stderr."""
    given = _parse(arguments)
    check_wrk()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-serve-")))
        sizes = Sizes(given.users, given.pins, given.boards, given.interactions)
        home, snapshot = _home(folder / "home", sizes)
        keys = _keys(snapshot)
        _say("starting tastegraph serve, once to make its indexes")
        with servers.ours(home.path, workers=1):
            pass
        _report_start(home, keys)
        ours = stack.enter_context(servers.ours(home.path, workers=given.workers))
        peer = None if given.no_peer else _start_peer(stack, snapshot)
        bodies = {q.name: [q.body(key, peer=False) for key in keys[q.about]] for q in QUESTIONS}
        answers = {f"/{q.name}": json.dumps(servers.ask(ours, bodies[q.name][0])) for q in QUESTIONS}
        bare = stack.enter_context(servers.bare(answers, folder))
        for question in QUESTIONS:
            targets = [Target(OURS, ours, bodies[question.name])]
            if peer is not None and question.peer_query is not None:
                _compare(question, keys, ours, peer)
                targets.append(Target(PEER, peer, [question.body(key, peer=True) for key in keys[question.about]]))
            targets.append(Target(BARE, f"{bare}/{question.name}", bodies[question.name]))
            _report(question, _measure(targets, given), workers=given.workers)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=(__doc__ or "").split("\n\n")[0])
    for name, default in (("users", 50_000), ("pins", 100_000), ("boards", 25_000), ("interactions", 2_200_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=10.0, help="of load on a server, each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, default=1, help="of tastegraph serve")
    parser.add_argument("--no-peer", action="store_true", help="leave out Neo4j and @neo4j/graphql")
    return parser.parse_args(arguments)


def _home(path: Path, sizes: Sizes) -> tuple[Home, Snapshot]:
    """A home that serves a synthetic snapshot without vectors."""
    _say(f"making a graph of {sizes.users:,} users and {sizes.interactions:,} interactions")
    path.mkdir()
    home = Home(path)
    snapshot = Snapshot.open(write_synthetic_snapshot(home.snapshots, sizes, seed=7))
    publish(home, Release("20240101T000000Z-000000", "2024-01-01T00:00:00Z", snapshot.version, {}))
    _say(f"{len(snapshot.links[Link.SAVED]):,} saves, {len(snapshot.links[Link.HOLDS]):,} places on boards")
    return home, snapshot


def _keys(snapshot: Snapshot) -> Mapping[str, list[str]]:
    """Users with more than 20 saves, and pins on 10 boards or more, in an order of their own."""
    enough = {
        NodeKind.USER: snapshot.links[Link.SAVED].out.degrees() > 20,
        NodeKind.PIN: snapshot.links[Link.HOLDS].into.degrees() >= 10,
    }
    random = np.random.default_rng(7)
    chosen = {kind: random.permutation(np.flatnonzero(rows))[:ASKED].tolist() for kind, rows in enough.items()}
    return {kind.value: snapshot.nodes[kind].values("id", rows) for kind, rows in chosen.items()}


def _report_start(home: Home, keys: Mapping[str, list[str]]) -> None:
    """From the command to the first answer."""
    body = QUESTIONS[0].body(keys[QUESTIONS[0].about][0], peer=False)
    started = time.perf_counter()
    with servers.ours(home.path, workers=1) as url:
        servers.ask(url, body)
        report("serve_start_seconds", time.perf_counter() - started, "s")


def _start_peer(stack: ExitStack, snapshot: Snapshot) -> str:
    _say("loading Neo4j")
    neo4j = stack.enter_context(Neo4jServer(heap_mb=2048, pagecache_mb=1024, jvm=STEADY_STATE))
    counts = load_peer(snapshot, neo4j.uri, neo4j.auth)
    _say(f"loaded {counts}; starting the peer")
    return stack.enter_context(servers.peer(neo4j.uri, neo4j.auth))


def _compare(question: Question, keys: Mapping[str, list[str]], ours: str, peer: str) -> None:
    """Raises SystemExit where the two servers answer differently."""
    for key in keys[question.about][:COMPARED]:
        one = servers.ask(ours, question.body(key, peer=False))["data"]
        other = servers.ask(peer, question.body(key, peer=True))["data"]
        if not question.agree(one, other):
            raise SystemExit(f"{question.name} about {key} is answered differently:\n{one}\n{other}")
    _say(f"{question.name}: {COMPARED} answers agree")


def _measure(targets: Sequence[Target], given: argparse.Namespace) -> Mapping[str, Load]:
    """Loads the targets in turn, after a warm-up; the median of the rounds by target."""
    run: Callable[[Target, float], Load] = lambda target, seconds: load(  # noqa: E731
        target.url, target.bodies, connections=given.connections, seconds=seconds
    )
    for target in targets:
        run(target, WARM_UP_ROUNDS * given.seconds)
    rounds = [{target.name: run(target, given.seconds) for target in targets} for _ in range(given.rounds)]
    return {target.name: _median([one[target.name] for one in rounds]) for target in targets}


def _median(loads: Sequence[Load]) -> Load:
    return Load(
        requests_per_s=median(one.requests_per_s for one in loads),
        p50_ms=median(one.p50_ms for one in loads),
        p99_ms=median(one.p99_ms for one in loads),
        failed=sum(one.failed for one in loads),
    )


def _report(question: Question, loads: Mapping[str, Load], *, workers: int) -> None:
    ours = loads[OURS]
    many = "" if workers == 1 else f"_{workers}_workers"
    for name, suffix in ((PEER, "peer"), (BARE, "bare")):
        if name not in loads:
            continue
        other = loads[name]
        report(
            f"serve_{question.name}_beside_{suffix}{many}", ours.requests_per_s, "requests/s",
            reference=name, reference_value=other.requests_per_s,
            p50_ms=round(ours.p50_ms, 2), p99_ms=round(ours.p99_ms, 2), failed=ours.failed,
            reference_p50_ms=round(other.p50_ms, 2), reference_p99_ms=round(other.p99_ms, 2),
            reference_failed=other.failed, **machine(),
        )  # fmt: skip


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
