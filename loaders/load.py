"""Loads a source into a store: read and judge everything, stop if too much is bad, then write it in checkpointed batches.

Killed at any moment and run again, a load ends as one that was never killed, with the same summary: rows are the same, so
batches have the same names, and those that are done are not done again but counted as they were.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Final, Protocol

import orjson

from graph.console import progress, say
from graph.errors import InvalidInputError, NotFoundError, TastegraphError, TerminalError
from graph.model import Id, NodeKind
from graph.ports import GraphStore, LoadState, Outcome
from graph.sealed import building
from graph.settings import GraphSettings, Home
from graph.stores import by_event_id, open_store
from loaders import sources
from loaders.coverage import remember, settle
from loaders.decode import Decoded, Selection, Tally, decode
from loaders.drift import drift, history, told
from loaders.drift import remember as remember_profile
from loaders.fingerprint import Fingerprint, fingerprint
from loaders.interchange import Folder, Table
from loaders.mending import set_aside
from loaders.opening import Opening, opened
from loaders.quarantine import Quarantine
from loaders.settings import LoadSettings
from loaders.summary import DryRun, LoadSummary, frequent, keep_proof, read_proof, table_summaries, unchanged
from loaders.validation.references import References
from loaders.write import write_all

MAX_QUARANTINED: Final = 0.01


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What to load of a folder, and how.

    max_quarantined: the share of rows that may be refused. strict: whether a source that looks unlike the last ones is refused.
    """

    wanted: Selection = field(default_factory=Selection)
    max_quarantined: float = MAX_QUARANTINED
    opening: Opening = field(default_factory=Opening)
    strict: bool = False


_DEFAULT: Final = LoadOptions()


class Judged(Protocol):
    """What a first pass counted, whoever made it."""

    @property
    def tallies(self) -> dict[Table, Tally]: ...
    @property
    def read(self) -> int: ...
    @property
    def left_out(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Job:
    """A folder whose columns are right, what is wanted of it, and when the load began."""

    folder: Folder
    identity: Fingerprint
    options: LoadOptions
    home: Home
    now_ms: int

    @classmethod
    @contextmanager
    def of(cls, source: Path | str | None, options: LoadOptions, home: Home) -> Generator[_Job]:
        """The job of a source; what was fetched for it is gone afterwards."""
        now_ms = int(time.time() * 1000)
        with opened(source, options.opening, home, now_ms) as folder:
            for file in folder.all_files:
                sources.check_file(file)
            identity = fingerprint(folder, options.wanted.limit, options.wanted.since_ms)
            yield cls(folder, identity, options, home, now_ms)

    def proof(self, store: GraphStore) -> Path:
        """Where it is remembered how this load ended in a store."""
        return self._beside(store, "json")

    def ranges(self, store: GraphStore) -> Path:
        """Where it is remembered what of logs this load reads, until it ends in a store."""
        return self._beside(store, "ranges")

    def set_aside(self, summary: LoadSummary) -> None:
        """Takes a quarantine file that was loaded out of the way."""
        if self.options.opening.from_quarantine:
            set_aside(self.folder.path, summary.quarantine_file)

    def check_drift(self, store: GraphStore, decoded: Decoded) -> None:
        """Tells how the source differs from the last ones; raises TerminalError for it when the load is strict."""
        before = history(self._profiles(store))
        before.pop(self.identity.load_id, None)
        if not self._whole or not (found := drift(decoded.profile, before.values())):
            return
        if self.options.strict:
            raise TerminalError(
                f"the source is unlike the last ones (--strict): {told(found)}; nothing was written; mend it, or load it"
                " without --strict"
            )
        for line in found:
            say(f"unlike the last loads: {line}")

    def keep_profile(self, store: GraphStore, decoded: Decoded) -> None:
        """Remembers how the source looked, for the next ones."""
        if self._whole:
            remember_profile(self._profiles(store), self.identity.load_id, decoded.profile)

    @property
    def _whole(self) -> bool:
        """Whether all of a source is read: a choice of its rows, or those that were refused, look unlike it."""
        return self.options.wanted == Selection() and not self.options.opening.from_quarantine

    def settle(self, store: GraphStore) -> None:
        """Finishes the interrupted loads that this one, now finished, makes up for: it must have read all of its source."""
        if self.options.wanted == Selection():
            settle(self.ranges(store), self.folder.ranges, store)
        self.ranges(store).unlink(missing_ok=True)

    def _profiles(self, store: GraphStore) -> Path:
        return self.home.checkpoints / f"profiles-{_place(store)}.json"

    def _beside(self, store: GraphStore, suffix: str) -> Path:
        return self.home.checkpoints / f"{self.identity.load_id}-{_place(store)}.{suffix}"


def _place(store: GraphStore) -> str:
    return blake2b(store.url.encode(), digest_size=4).hexdigest()


def load(source: Path | str | None, store_url: str | None = None, options: LoadOptions = _DEFAULT) -> LoadSummary:
    """Loads a folder, a kafka:// URL or a quarantine (`LoadOptions.opening`) into a store, by default the settings' one.

    Raises InvalidInputError for a source that can't be used, QuarantineThresholdError when too many rows are refused (nothing
    is written then), ConflictError while another load holds the store, StoreUnavailableError when it can't be reached.
    """
    began = time.monotonic()
    settings, cut = GraphSettings(), LoadSettings()
    with _Job.of(source, options, settings.home_dir()) as job, closing(open_store(store_url, settings)) as store:
        store.migrate()
        if (before := _proven(store, job)) is not None:
            job.settle(store)
            job.set_aside(before)
            return unchanged(before, time.monotonic() - began)
        with (
            _decoded(job, by_event_id(store.url), store.missing) as (decoded, refusals),
            _checked_for_drift(store, job, decoded),
            _holding(store, job) as state,
        ):
            with progress() as bars:
                outcomes = write_all(store, state, decoded, cut, bars)
            summary = _finished(store, state, decoded, refusals, outcomes, began)
        keep_proof(job.proof(store), summary)
        job.settle(store)
        job.set_aside(summary)
    return summary


def bulk_load(source: Path | str | None, store_url: str | None = None, options: LoadOptions = _DEFAULT) -> LoadSummary:
    """`load` into an empty Neo4j by its own importer; the server is stopped for it and started again (`Offline`).

    Raises also ConflictError when the database is not empty, TerminalError when the importer fails.
    """
    from graph.stores.neo4j.offline import Offline
    from loaders.bulk import Bulk

    began, settings = time.monotonic(), GraphSettings()
    offline = Offline(store_url or settings.store_url(), settings)
    offline.check_empty()
    with (
        _Job.of(source, options, settings.home_dir()) as job,
        building(job.home.checkpoints) as workspace,
        _decoded(job, True, lambda _, ids: set(ids)) as (decoded, refusals),
    ):
        with Bulk(workspace / "csv") as bulk:
            bulk.add_all(decoded)
        offline.stop()
        bulk.run(offline)
        with closing(offline.start()) as store:
            store.migrate()
            bulk.check(store.counts())
            with _holding(store, job) as state:
                summary = _finished(store, state, decoded, refusals, bulk.outcomes, began)
            keep_proof(job.proof(store), summary)
            job.settle(store)
    return summary


def spark_load(source: Path | str | None, store_url: str | None = None, options: LoadOptions = _DEFAULT) -> LoadSummary:
    """`load` by Spark into Neo4j; needs the dependency group `spark`.

    Raises also InvalidInputError for a choice of rows, and for SQLite, which has one writer; TerminalError when Spark fails.
    """
    try:
        from loaders.spark import spark_load_of
    except ModuleNotFoundError as error:
        raise InvalidInputError(f"--engine spark needs {error.name}: install requirements/spark.txt") from None
    began, settings = time.monotonic(), GraphSettings()
    if options.wanted != Selection():
        raise InvalidInputError("--limit and --since are not for --engine spark; load without it")
    with _Job.of(source, options, settings.home_dir()) as job, closing(open_store(store_url, settings)) as store:
        if not store.parallel:
            raise InvalidInputError(
                f"--engine spark writes to Neo4j; {store.url} has one writer: load without --engine"
            )
        store.migrate()
        with (
            building(job.home.checkpoints) as workspace,
            Quarantine(job.home.quarantine, job.identity.load_id, workspace, job.folder.exported_at) as refusals,
            spark_load_of(job.folder, job.now_ms) as decoded,
        ):
            decoded.judge(store.missing, refusals)
            _accept(job, decoded, refusals)
            with _holding(store, job) as state:
                summary = _finished(store, state, decoded, refusals, decoded.write_all(store, state), began)
            keep_proof(job.proof(store), summary)
    return summary


def dry_run(source: Path | str | None, store_url: str | None = None, options: LoadOptions = _DEFAULT) -> DryRun:
    """Everything that `load` does but the writing: the store is only asked what it has, and need not be there yet."""
    settings = GraphSettings()
    with _Job.of(source, options, settings.home_dir()) as job, closing(open_store(store_url, settings)) as store:

        def missing(kind: NodeKind, ids: Sequence[Id]) -> set[Id]:
            try:
                return store.missing(kind, ids)
            except NotFoundError:
                return set(ids)

        with _decoded(job, by_event_id(store.url), missing) as (decoded, refusals):
            job.check_drift(store, decoded)
            return DryRun(
                load_id=job.identity.load_id,
                store=store.url,
                read=decoded.read,
                valid=decoded.read - refusals.rows,
                quarantined=refusals.rows,
                left_out=decoded.left_out,
                quarantine_file=str(refusals.path) if refusals.rows else None,
                reasons=frequent(refusals.by_reason),
                tables={table.value: tally.read for table, tally in decoded.tallies.items()},
            )


@contextmanager
def _decoded(
    job: _Job, by_event_id: bool, missing: Callable[[NodeKind, Sequence[Id]], set[Id]]
) -> Generator[tuple[Decoded, Quarantine]]:
    """The first pass; what it put aside is gone afterwards, but for the quarantine's file."""
    with (
        building(job.home.checkpoints) as workspace,
        Quarantine(job.home.quarantine, job.identity.load_id, workspace, job.folder.exported_at) as refusals,
    ):
        decoded = Decoded(job.folder, workspace, by_event_id=by_event_id)
        with progress() as bars:
            decode(job.folder, decoded, References(missing), refusals, job.options.wanted, job.now_ms, bars)
        _accept(job, decoded, refusals)
        yield decoded, refusals


def _accept(job: _Job, judged: Judged, refusals: Quarantine) -> None:
    """The end of a first pass: what was read is what is there, and what was refused is kept and not too much."""
    job.identity.check_unchanged()
    refusals.keep()
    refusals.check(judged.read, job.options.max_quarantined)


@contextmanager
def _checked_for_drift(store: GraphStore, job: _Job, decoded: Decoded) -> Generator[None]:
    """Around the writing: what the source looks like is judged before, and remembered when it was loaded."""
    job.check_drift(store, decoded)
    yield
    job.keep_profile(store, decoded)


@contextmanager
def _holding(store: GraphStore, job: _Job) -> Generator[LoadState]:
    """The store, held for this load; given back on any error, so that the same load can go on later."""
    remember(job.ranges(store), job.folder.ranges)
    state = _begin(store, job)
    try:
        yield state
    except BaseException:
        with suppress(TastegraphError):  # what went wrong first is what is told
            store.release_load(state.load_id)
        raise


def _begin(store: GraphStore, job: _Job) -> LoadState:
    """Begins the load, or goes on with it; when it was finished before, begins its next pass."""
    for number in count(1):
        load_id = job.identity.load_id if number == 1 else f"{job.identity.load_id}.{number}"
        state = store.begin_load(load_id, job.folder.path.name)
        if not state.finished:
            return state
        store.release_load(state.load_id)
    raise AssertionError("count() ends")


def _proven(store: GraphStore, job: _Job) -> LoadSummary | None:
    """How this load ended, if nothing has changed since: neither the folder (its identity says so) nor the store."""
    before = read_proof(job.proof(store))
    if before is None or any(name.startswith(job.identity.load_id) for name in store.unfinished_loads()):
        return None
    if store.content_hash() != before.content_hash:
        return None
    state = store.begin_load(before.load_id, job.folder.path.name)
    store.release_load(before.load_id)
    return before if state.finished else None


def _finished(
    store: GraphStore,
    state: LoadState,
    decoded: Judged,
    refusals: Quarantine,
    outcomes: dict[Table, Outcome],
    began: float,
) -> LoadSummary:
    """Adds up the load and ends it in the store. Raises where the counts don't add up: then it is not done."""
    store.renew_load(state.load_id)
    content_hash = store.content_hash()
    total = sum(outcomes.values(), Outcome())
    seconds = time.monotonic() - began
    summary = LoadSummary(
        load_id=state.load_id,
        store=store.url,
        read=decoded.read,
        written=total.written,
        unchanged=total.unchanged,
        duplicates=total.duplicates,
        conflicts=total.conflicts,
        quarantined=refusals.rows,
        left_out=decoded.left_out,
        edges_written=total.edges_written,
        content_hash=content_hash,
        rows_per_s=decoded.read / seconds,
        seconds=seconds,
        quarantine_file=str(refusals.path) if refusals.rows else None,
        reasons=frequent(refusals.by_reason),
        tables=table_summaries(decoded.tallies, outcomes),
    )
    summary.check()
    store.finish_load(state.load_id, orjson.dumps(summary.as_dict()).decode())
    return summary
