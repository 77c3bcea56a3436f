"""The sample: MovieLens 100K with its knowledge graph, out of the recbole wheel, as a folder in interchange form.

The wheel comes by pip, is never installed, and is checked against the digest below. What is mapped to what is written into
the folder itself (`SOURCE.md`).
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from graph.errors import CorruptFileError
from loaders.dataset_folder import new_folder
from loaders.interchange import DATASET_FILE

_INSIDE: Final = "recbole/dataset_example/ml-100k/ml-100k"
SAVE_RATING: Final = 4.0
RATING_MAX: Final = 5.0
_ARTICLE: Final = re.compile(r"(.+), (The|A|An|Le|La|Les|L'|Il|El|Los|Las|Der|Die|Das|Det|O)")
_YEAR: Final = re.compile(r"(.+) \((\d{4})\)")
_UNKNOWN: Final = frozenset({"unknown", "unkonwn"})

_Row = Sequence[str | None]

SOURCE: Final = """\
# MovieLens 100K, with a knowledge graph

943 people rated 1,682 films 100,000 times between September 1997 and April 1998. The data set was collected by GroupLens
Research at the University of Minnesota; the links to Freebase are those of KB4Rec. Both were taken out of the example data in
the `recbole` 1.2.1 wheel.

Terms of MovieLens 100K: it may be used for research; it may not be redistributed without permission, nor used for commercial
or revenue-bearing purposes without permission from GroupLens; publications acknowledge it; no endorsement by the University
of Minnesota or GroupLens may be stated or implied. Full terms: https://files.grouplens.org/datasets/movielens/ml-100k-README.txt

Cite: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on
Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872. For the links: Wayne Xin Zhao et al. 2019.
KB4Rec: A Data Set for Linking Knowledge Bases with Recommender Systems. Data Intelligence 1, 2, 121-136.

| here | made from |
|---|---|
| users | the raters; age, gender, occupation and postcode are attributes |
| pins | the films, titled as people write them, with their year as an attribute |
| interests | the 19 genres |
| boards | a user's shelf for a genre, `USER/GENRE`, wherever the user saved a film to it |
| interactions | a rating of 4 or 5 is a SAVE to the shelf for the film's first genre; any other a VIEW that weighs rating / 5 |
| pin_interests | the genres of a film |
| entities, relations | Freebase's ids and triples; only films have names there |
| pin_entities | which entity a film is |
"""


@dataclass(frozen=True, slots=True)
class _Film:
    id: str
    title: str
    year: str | None
    genres: tuple[str, ...]


def write_sample(wheel: Path, folder: Path) -> dict[str, int]:
    """Writes the sample into a new folder, the same bytes each time; returns rows by table, and how many are saves.

    Raises CorruptFileError when the wheel does not hold what it should.
    """
    films = {film.id: film for film in map(_film, _read(wheel, "item"))}
    ratings = sorted(_read(wheel, "inter"), key=lambda row: (int(row[3]), int(row[0]), int(row[1])))
    links = sorted((film, entity) for film, entity in _read(wheel, "link") if film in films)
    relations = sorted({(head, predicate, tail) for head, predicate, tail in _read(wheel, "kg")})
    saves = [(user, film) for user, film, rating, _ in ratings if float(rating) >= SAVE_RATING]
    genres = sorted({genre for film in films.values() for genre in film.genres})
    tables: dict[str, tuple[str, Iterable[_Row]]] = {
        "users": ("id,age,gender,occupation,zip_code", sorted(_read(wheel, "user"), key=_number)),
        "pins": ("id,title,year", ((f.id, f.title, f.year) for f in films.values())),
        "interests": ("id,name", ((genre, _genre_name(genre)) for genre in genres)),
        "boards": ("id,owner_id,title", _shelves(saves, films)),
        "entities": ("id,name", _entities(links, relations, films)),
        "interactions": ("user_id,pin_id,board_id,kind,at,weight", _interactions(ratings, films)),
        "pin_interests": ("pin_id,interest_id", ((f.id, genre) for f in films.values() for genre in f.genres)),
        "pin_entities": ("pin_id,entity_id", links),
        "relations": ("head_id,predicate,tail_id", relations),
    }
    with new_folder(folder, again=True) as building:
        counts = {name: _write(building / f"{name}.csv.gz", *table) for name, table in tables.items()}
        (building / "SOURCE.md").write_text(SOURCE, "utf-8")
        (building / DATASET_FILE).write_bytes(orjson.dumps({"exported_at": _iso(ratings[-1][3])}) + b"\n")
    return {**counts, "saves": len(saves)}


def _read(wheel: Path, kind: str) -> Iterator[tuple[str, ...]]:
    """Rows of one of the wheel's tables, tab-separated, without its header."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            lines = archive.read(f"{_INSIDE}.{kind}").decode().splitlines()
    except (OSError, KeyError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise CorruptFileError(
            f"wheel {wheel} does not hold MovieLens 100K ({error}); fetch recbole 1.2.1 again"
        ) from None
    return (tuple(line.split("\t")) for line in lines[1:])


def _film(row: tuple[str, ...]) -> _Film:
    id_, title, year, genres = row
    if title in _UNKNOWN:
        return _Film(id_, "Unknown", None, tuple(genres.split(" ")))
    if (dated := _YEAR.fullmatch(title)) is not None:  # one title has its year inside
        title, year = dated.groups()
    return _Film(id_, f"{people_title(title)} ({year})", year, tuple(genres.split(" ")))


def people_title(title: str) -> str:
    """A catalogue's title as people say it: "Tin Drum, The (Blechtrommel, Die)" is "The Tin Drum (Die Blechtrommel)"."""
    name, opened, other = title.partition(" (")
    return _leading(name) + (f" ({_leading(other.removesuffix(')'))})" if opened else "")


def _leading(name: str) -> str:
    found = _ARTICLE.fullmatch(name)
    if found is None:
        return name
    rest, article = found.groups()
    return f"{article}{rest}" if article.endswith("'") else f"{article} {rest}"


def _genre_name(genre: str) -> str:
    return "Unknown" if genre in _UNKNOWN else genre


def _shelf(user: str, film: _Film) -> str:
    return f"{user}/{film.genres[0]}"


def _shelves(saves: Iterable[tuple[str, str]], films: dict[str, _Film]) -> Iterator[_Row]:
    shelves = {(int(user), films[film].genres[0]) for user, film in saves}
    for user, genre in sorted(shelves):
        yield f"{user}/{genre}", str(user), f"{_genre_name(genre)} shelf of user {user}"


def _interactions(ratings: Iterable[tuple[str, ...]], films: dict[str, _Film]) -> Iterator[_Row]:
    """A view is weighted by the rating, so that a film that was watched and disliked counts for less."""
    for user, film, rating, at in ratings:
        if float(rating) >= SAVE_RATING:
            yield user, film, _shelf(user, films[film]), "SAVE", _iso(at), None
        else:
            yield user, film, None, "VIEW", _iso(at), f"{float(rating) / RATING_MAX:g}"


def _entities(
    links: Iterable[tuple[str, str]], relations: Iterable[tuple[str, str, str]], films: dict[str, _Film]
) -> Iterator[_Row]:
    names = {entity: films[film].title for film, entity in links}
    ids = {end for head, _, tail in relations for end in (head, tail)} | names.keys()
    return ((id_, names.get(id_)) for id_ in sorted(ids))


def _number(row: tuple[str, ...]) -> int:
    return int(row[0])


def _iso(seconds: str) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _write(path: Path, header: str, rows: Iterable[_Row]) -> int:
    """A gzipped CSV without a time in it, so that its bytes depend on its rows alone."""
    written = list(rows)
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
        io.TextIOWrapper(packed, "utf-8", newline="") as text,
    ):
        text.write(header + "\n")
        csv.writer(text, lineterminator="\n").writerows(written)
    return len(written)
