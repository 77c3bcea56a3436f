"""The interchange form: which tables a folder may hold, and which columns each has.

Says what is there; reading it is for `loaders.sources`, judging it for `loaders.validation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from graph.console import say
from graph.errors import InvalidInputError
from graph.model import TimeMs
from loaders.coverage import LogRange
from loaders.validation.times import FUTURE_MS, parse_time

if TYPE_CHECKING:
    from loaders.mapping import MappedTable

DATASET_FILE: Final = "dataset.json"
SUFFIXES: Final = (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz")


class Table(StrEnum):
    """A table of the interchange form; the value is the file's name before its suffix."""

    USERS = "users"
    PINS = "pins"
    BOARDS = "boards"
    INTERESTS = "interests"
    ENTITIES = "entities"
    INTERACTIONS = "interactions"
    FOLLOWS = "follows"
    PIN_INTERESTS = "pin_interests"
    PIN_ENTITIES = "pin_entities"
    RELATIONS = "relations"


class Cell(Enum):
    """What a column holds, and so which rule its cells obey."""

    ID = auto()
    TEXT = auto()
    WORD = auto()  # one of a few, known to the table
    PREDICATE = auto()
    TIME = auto()
    NUMBER = auto()
    FLAG = auto()
    ATTRIBUTES = auto()  # one JSON object
    ANY = auto()  # of a user's own export: a single value of any type, read as text


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    cell: Cell
    required: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """The columns of a table. With `attributes`, any other column is an attribute of the node."""

    columns: tuple[Column, ...]
    attributes: bool = False

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        return [column.name for column in self.columns if column.required]


_NAMES: Final = frozenset(table.value for table in Table)


def _id(name: str) -> Column:
    return Column(name, Cell.ID, required=True)


_UPDATED: Final = (Column("updated_at", Cell.TIME), Column("deleted_at", Cell.TIME))
_CREATED: Final = (Column("created_at", Cell.TIME), *_UPDATED, Column("attributes", Cell.ATTRIBUTES))

TABLES: Final[dict[Table, TableSpec]] = {
    Table.USERS: TableSpec((_id("id"), *_CREATED), attributes=True),
    Table.PINS: TableSpec(
        (_id("id"), Column("title", Cell.TEXT), Column("description", Cell.TEXT), *_CREATED), attributes=True
    ),
    Table.BOARDS: TableSpec(
        (_id("id"), _id("owner_id"), Column("title", Cell.TEXT), Column("secret", Cell.FLAG), *_UPDATED)
    ),
    Table.INTERESTS: TableSpec((_id("id"), Column("name", Cell.TEXT, required=True), Column("parent_id", Cell.ID))),
    Table.ENTITIES: TableSpec((_id("id"), Column("name", Cell.TEXT))),
    Table.INTERACTIONS: TableSpec(
        (
            _id("user_id"),
            _id("pin_id"),
            Column("board_id", Cell.ID),
            Column("kind", Cell.WORD, required=True),
            Column("at", Cell.TIME),
            Column("weight", Cell.NUMBER),
            Column("event_id", Cell.ID),
            Column("group_id", Cell.ID),
        )
    ),
    Table.FOLLOWS: TableSpec(
        (
            _id("user_id"),
            Column("target_kind", Cell.WORD, required=True),
            _id("target_id"),
            Column("kind", Cell.WORD),
            Column("at", Cell.TIME),
            Column("event_id", Cell.ID),
        )
    ),
    Table.PIN_INTERESTS: TableSpec((_id("pin_id"), _id("interest_id"), Column("score", Cell.NUMBER))),
    Table.PIN_ENTITIES: TableSpec((_id("pin_id"), _id("entity_id"))),
    Table.RELATIONS: TableSpec(
        (_id("head_id"), Column("predicate", Cell.PREDICATE, required=True), _id("tail_id")),
    ),
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that holds rows of one table. mapped: how its columns become the table's, where they are not."""

    table: Table
    path: Path
    mapped: MappedTable | None = None

    @property
    def spec(self) -> TableSpec:
        """The columns of the file."""
        return TABLES[self.table] if self.mapped is None else self.mapped.spec

    @property
    def compressed(self) -> bool:
        return self.path.name.endswith(".gz")

    @property
    def format(self) -> str:
        """csv, jsonl or parquet."""
        return self.path.name.removesuffix(".gz").rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in interchange form. `exported_at` is the version of rows that have none of their own.

    ranges: what of logs it holds, where it was read from logs. mapping: what reads it in another way than by its names.
    """

    path: Path
    files: dict[Table, tuple[SourceFile, ...]]
    exported_at: TimeMs | None
    ranges: tuple[LogRange, ...] = ()
    mapping: str = ""

    @property
    def all_files(self) -> list[SourceFile]:
        return [file for files in self.files.values() for file in files]


def open_folder(path: Path, now_ms: int) -> Folder:
    """What a folder holds. `now_ms`: when the load began.

    Raises InvalidInputError when it is no folder, holds no table, or holds one table twice. Files that are no table of the
    form are named on stderr and left out.
    """
    if not path.is_dir():
        raise InvalidInputError(f"{path} is no folder; give one that holds tables such as interactions.csv")
    files: dict[Table, SourceFile] = {}
    for entry in sorted(path.iterdir()):
        name = next(
            (entry.name.removesuffix(s) for s in sorted(SUFFIXES, key=len)[::-1] if entry.name.endswith(s)), None
        )
        if name is None or not entry.is_file():
            continue
        if name not in _NAMES:
            say(f"{entry.name} is no table of the interchange form and is left out")
            continue
        table = Table(name)
        if table in files:
            raise InvalidInputError(f"{path} holds {table} twice, {files[table].path.name} and {entry.name}; keep one")
        files[table] = SourceFile(table, entry)
    if not files:
        raise InvalidInputError(
            f"{path} holds no table; expected are {', '.join(Table)}, each as {', '.join(SUFFIXES)}"
        )
    return Folder(path, {table: (files[table],) for table in Table if table in files}, exported_at(path, now_ms))


def check_columns(file: SourceFile, found: Sequence[str]) -> None:
    """Raises InvalidInputError when a required column is missing or one is there twice; names unknown ones on stderr."""
    if missing := [name for name in file.spec.required if name not in found]:
        raise InvalidInputError(
            f"{file.path.name} lacks the column {', '.join(missing)}; its columns are {_listed(found)}"
        )
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise InvalidInputError(f"{file.path.name} has the column {', '.join(twice)} twice; keep one")
    unknown = [name for name in found if name not in file.spec.names]
    if unknown and not file.spec.attributes:
        say(f"{file.path.name}: columns that {file.table} does not have are left out: {_listed(unknown)}")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name if name.isprintable() and name else repr(name) for name in names[:20]) or "none"
    return shown[:500] + ("…" if len(names) > 20 or len(shown) > 500 else "")


def exported_at(folder: Path, now_ms: int) -> TimeMs | None:
    """What the folder's dataset.json says. Raises InvalidInputError when it says it otherwise than it must."""
    path = folder / DATASET_FILE
    if not path.is_file():
        return None
    expected = f'{path.name} must be one JSON object like {{"exported_at": "2024-01-31T00:00:00Z"}}'
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InvalidInputError(f"{expected}; it can't be read ({error})") from None
    if not isinstance(content, dict):
        raise InvalidInputError(expected)
    value = cast("dict[str, Any]", content).get("exported_at")
    if value is None:
        return None
    at = parse_time(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if at is None:
        raise InvalidInputError(f"{expected}; exported_at is {value!r}")
    if at > now_ms + FUTURE_MS:
        raise InvalidInputError(
            f"{path.name}: exported_at {value} is over 24 h in the future; mend it, or this machine's clock"
        )
    return TimeMs(at)
