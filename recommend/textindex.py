"""The full-text index of a snapshot's titles and names, in tantivy: what `search` asks.

What everyone sees is in one index, secret boards in another: term statistics, counts and ranks of the first do not depend on
the second. A hit's score is how its words match, times a prior: popularity raises it, a long title lowers it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tantivy import Document as Entry
from tantivy import (
    Filter,
    Index,
    Occur,
    Query,
    Schema,
    SchemaBuilder,
    TextAnalyzer,
    TextAnalyzerBuilder,
    Tokenizer,
)

from graph.adjacency import KIND_ORDER
from graph.model import NodeKind
from graph.snapshot import Snapshot
from graph.visibility import Secrets
from recommend.public import Popularity

HITS_MAX: Final = 1_000
"""Hits of one text that are ranked."""
TERMS_MAX: Final = 12
HEAP_BYTES: Final = 64_000_000

EXACT: Final = 1.0
PREFIX: Final = 0.7
TYPO: Final = 0.4
WHOLE: Final = 2.0
"""What a word of the text adds that is a word of the title, begins one, or nearly is one; and a text that is the title."""

_KINDS: Final = tuple(NodeKind)
_COLUMNS: Final = {NodeKind.PIN: "title", NodeKind.BOARD: "title", NodeKind.INTEREST: "name", NodeKind.ENTITY: "name"}


class Found(NamedTuple):
    """A hit: kind, row and score."""

    kind: NodeKind
    row: int
    score: float


def _schema() -> Schema:
    builder = SchemaBuilder()
    builder.add_text_field("name", tokenizer_name="words", index_option="basic")
    builder.add_text_field("whole", tokenizer_name="whole", index_option="basic")
    builder.add_unsigned_field("kind", indexed=True, fast=True)
    builder.add_unsigned_field("row", fast=True)
    builder.add_unsigned_field("owner", indexed=True)
    builder.add_float_field("prior", fast=True)
    return builder.build()


def _analyzer(tokenizer: Tokenizer) -> TextAnalyzer:
    return TextAnalyzerBuilder(tokenizer).filter(Filter.lowercase()).filter(Filter.ascii_fold()).build()


SCHEMA: Final = _schema()
WORDS: Final = _analyzer(Tokenizer.simple())
WHOLES: Final = _analyzer(Tokenizer.raw())


@dataclass(frozen=True, slots=True)
class TextIndex:
    """Two indexes over one snapshot. Safe to share between threads."""

    public: Index
    secret: Index

    @classmethod
    def build(
        cls, snapshot: Snapshot, secrets: Secrets, popularity: Popularity, folder: Path | None = None
    ) -> TextIndex:
        """Writes both below a folder, or in memory where there is none."""
        public, secret = (_empty(folder / name if folder else None) for name in ("public", "secret"))
        _fill(public, _public_entries(snapshot, secrets, popularity))
        _fill(secret, _secret_entries(snapshot, secrets, popularity))
        return cls(public, secret)

    @classmethod
    def open(cls, folder: Path) -> TextIndex:
        """Maps what `build` wrote. Raises ValueError when it is not an index."""
        public, secret = (Index.open(str(folder / name)) for name in ("public", "secret"))
        for index in (public, secret):
            _register(index)
        return cls(public, secret)

    def find(
        self, text: str, kinds: Collection[NodeKind], owner: int | None, *, admin: bool
    ) -> tuple[list[Found], int]:
        """The best HITS_MAX hits of a text, and how many there are. `owner`: whose secret boards are searched too.

        All words must match; if nothing has them all, with typos; if still nothing does, any of them.
        """
        terms = WORDS.analyze(text)[:TERMS_MAX]
        if not terms or not kinds:
            return [], 0
        for typos, occur in ((False, Occur.Must), (True, Occur.Must), (True, Occur.Should)):
            query = _query(text, terms, kinds, typos=typos, occur=occur)
            found, count = _search(self.public, query)
            if NodeKind.BOARD in kinds and (admin or owner is not None):
                mine = query if admin else _with(query, Query.term_query(SCHEMA, "owner", owner))
                more, more_count = _search(self.secret, mine)
                found, count = [*found, *more], count + more_count
            if found:
                found.sort(key=lambda hit: (-hit.score, KIND_ORDER[hit.kind], hit.row))
                return found[:HITS_MAX], count
        return [], 0


def _register(index: Index) -> None:
    index.register_tokenizer("words", WORDS)
    index.register_tokenizer("whole", WHOLES)


def _empty(folder: Path | None) -> Index:
    if folder is not None:
        folder.mkdir(parents=True)
    index = Index(SCHEMA, path=None if folder is None else str(folder))
    _register(index)
    return index


def _fill(index: Index, entries: Iterator[dict[str, object]]) -> None:
    writer = index.writer(heap_size=HEAP_BYTES, num_threads=1)
    for entry in entries:
        writer.add_document(Entry.from_dict(entry, SCHEMA))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()


def _public_entries(snapshot: Snapshot, secrets: Secrets, popularity: Popularity) -> Iterator[dict[str, object]]:
    for kind in NodeKind:
        for row, name in enumerate(_names(snapshot, kind)):
            if kind is not NodeKind.BOARD or not secrets.secret[row]:
                yield _entry(kind, row, name, popularity[kind])


def _secret_entries(snapshot: Snapshot, secrets: Secrets, popularity: Popularity) -> Iterator[dict[str, object]]:
    names = _names(snapshot, NodeKind.BOARD)
    for row in np.flatnonzero(secrets.secret).tolist():
        entry = _entry(NodeKind.BOARD, row, names[row], popularity[NodeKind.BOARD])
        owner = int(secrets.owner[row])
        yield entry if owner < 0 else {**entry, "owner": owner}


def _names(snapshot: Snapshot, kind: NodeKind) -> list[str]:
    """What a node is found by: its title or name, its id where it has none; users by their ids."""
    table = snapshot.nodes[kind].table
    ids: list[str] = table.column("id").to_pylist()
    if kind not in _COLUMNS:
        return ids
    return [name or id_ for name, id_ in zip(table.column(_COLUMNS[kind]).to_pylist(), ids, strict=True)]


def _entry(kind: NodeKind, row: int, name: str, counts: NDArray[np.float32]) -> dict[str, object]:
    prior = (1 + 0.25 * float(np.log1p(counts[row]))) / (1 + 0.05 * len(WORDS.analyze(name)))
    return {"name": name, "whole": name, "kind": KIND_ORDER[kind], "row": row, "prior": prior}


def _query(text: str, terms: list[str], kinds: Collection[NodeKind], *, typos: bool, occur: Occur) -> Query:
    last = len(terms) - 1
    words = [(occur, _word(term, prefix=place == last, typos=typos)) for place, term in enumerate(terms)]
    whole = WHOLES.analyze(text.strip())
    query = Query.boolean_query(words)
    if whole:
        same = Query.const_score_query(Query.term_query(SCHEMA, "whole", whole[0]), WHOLE)
        query = Query.boolean_query([(Occur.Must, query), (Occur.Should, same)])
    if len(kinds) == len(_KINDS):
        return query
    allowed = [(Occur.Should, Query.term_query(SCHEMA, "kind", KIND_ORDER[kind])) for kind in sorted(kinds)]
    return _with(query, Query.boolean_query(allowed))


def _with(query: Query, condition: Query) -> Query:
    """A query under a condition that adds nothing to the score."""
    return Query.boolean_query([(Occur.Must, query), (Occur.Must, Query.const_score_query(condition, 0.0))])


def _word(term: str, *, prefix: bool, typos: bool) -> Query:
    ways = [(Query.term_query(SCHEMA, "name", term), EXACT)]
    if prefix:
        ways.append((Query.fuzzy_term_query(SCHEMA, "name", term, distance=0, prefix=True), PREFIX))
    distance = 0 if len(term) <= 3 else 1 if len(term) <= 5 else 2
    if typos and distance:
        ways.append((Query.fuzzy_term_query(SCHEMA, "name", term, distance=distance, prefix=prefix), TYPO))
    return Query.disjunction_max_query([Query.const_score_query(query, score) for query, score in ways])


def _search(index: Index, query: Query) -> tuple[list[Found], int]:
    searcher = index.searcher()
    result = searcher.search(query, limit=HITS_MAX, weight_by_field="prior")
    places = [place for _, place in result.hits]
    kinds, rows = (searcher.fast_field_values(name, places) for name in ("kind", "row"))
    found = [
        Found(_KINDS[int(kind or 0)], int(row or 0), float(score))
        for (score, _), kind, row in zip(result.hits, kinds, rows, strict=True)
    ]
    return found, int(result.count or 0)  # pyright: ignore[reportAttributeAccessIssue] the stub lacks it
