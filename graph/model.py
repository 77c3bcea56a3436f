"""The domain: users, pins, boards, interests, entities, and what happened between them.

Types only, and the rules that a single value must obey. What a *set* of events means is in `graph.rules`. Nothing here knows
how anything is stored, read or served.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from graph.errors import InvalidEventError, InvalidIdError

ID_BYTES_MAX: Final = 64
TEXT_BYTES_MAX: Final = 8 * 1024
ATTRIBUTES_BYTES_MAX: Final = 8 * 1024
WEIGHT_MAX: Final = 1e6
TIME_MS_MIN: Final = -(2**62)
TIME_MS_MAX: Final = 2**62

Id = NewType("Id", str)
"""Valid UTF-8, 1 to 64 bytes, no control characters, never normalised, unique per node kind."""
EventId = NewType("EventId", str)
"""Same rule as `Id`; unique over all event kinds."""
TimeMs = NewType("TimeMs", int)
"""UTC, milliseconds since 1970; negative is legal."""


class NodeKind(StrEnum):
    """What a node is. The value is its label in Neo4j and its name in a global id."""

    USER = "User"
    PIN = "Pin"
    BOARD = "Board"
    INTEREST = "Interest"
    ENTITY = "Entity"


BARE_KINDS: Final = frozenset({NodeKind.USER, NodeKind.PIN, NodeKind.ENTITY})
"""Kinds without a required property: a row that merely mentions one creates it."""


class EventKind(StrEnum):
    """What somebody did."""

    SAVE = "SAVE"
    UNSAVE = "UNSAVE"
    VIEW = "VIEW"
    CLICK = "CLICK"
    HIDE = "HIDE"
    FOLLOW = "FOLLOW"
    UNFOLLOW = "UNFOLLOW"
    MUTE = "MUTE"
    BOOST = "BOOST"
    CLEAR = "CLEAR"


PIN_EVENTS: Final = frozenset({EventKind.SAVE, EventKind.UNSAVE, EventKind.VIEW, EventKind.CLICK, EventKind.HIDE})
FOLLOW_EVENTS: Final = frozenset({EventKind.FOLLOW, EventKind.UNFOLLOW})
TASTE_EVENTS: Final = frozenset({EventKind.MUTE, EventKind.BOOST, EventKind.CLEAR})
BOARD_EVENTS: Final = frozenset({EventKind.SAVE, EventKind.UNSAVE})
WEIGHTED_EVENTS: Final = frozenset({EventKind.VIEW, EventKind.CLICK})
FOLLOWABLE: Final = frozenset({NodeKind.USER, NodeKind.BOARD, NodeKind.INTEREST})


class EdgeKind(StrEnum):
    """Edges that are not events: each holds or does not, with no history of its own."""

    OWNS = "OWNS"
    ABOUT = "ABOUT"
    CHILD_OF = "CHILD_OF"
    IS = "IS"
    RELATES = "RELATES"


def check_id(text: str, what: str = "id") -> Id:
    """`text` as an `Id`.

    Raises InvalidIdError, with `what` named, when it is empty, longer than 64 bytes in UTF-8, not encodable, or holds a
    control character (C0, DEL or C1).
    """
    if not text:
        raise InvalidIdError(f"{what} is empty; give 1 to {ID_BYTES_MAX} bytes of UTF-8")
    if len(text) > ID_BYTES_MAX:
        raise InvalidIdError(f"{what} is longer than {ID_BYTES_MAX} bytes: {text[:16]!r}…")
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidIdError(f"{what} is not valid UTF-8: {text!r}") from None
    if size_bytes > ID_BYTES_MAX:
        raise InvalidIdError(f"{what} is longer than {ID_BYTES_MAX} bytes: {text[:16]!r}…")
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in text):
        raise InvalidIdError(f"{what} holds a control character: {text!r}")
    return Id(text)


@dataclass(frozen=True, slots=True)
class User:
    """A person. `attributes` is one canonical JSON object (`graph.rules.canonical_json`), at most 8 KiB."""

    id: Id
    created_at: TimeMs | None = None
    attributes: str = "{}"


@dataclass(frozen=True, slots=True)
class Pin:
    """A thing that can be saved."""

    id: Id
    title: str | None = None
    description: str | None = None
    created_at: TimeMs | None = None
    attributes: str = "{}"


@dataclass(frozen=True, slots=True)
class Board:
    """A user's collection of pins; a secret one is seen only by its owner."""

    id: Id
    owner: Id
    title: str | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Interest:
    """A node of the taxonomy; `parent` is None at its top. Its level follows from its ancestors."""

    id: Id
    name: str
    parent: Id | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """A node of the knowledge graph: a director, a place."""

    id: Id
    name: str | None = None


Node = User | Pin | Board | Interest | Entity

NODE_TYPES: Final[dict[NodeKind, type[Node]]] = {
    NodeKind.USER: User,
    NodeKind.PIN: Pin,
    NodeKind.BOARD: Board,
    NodeKind.INTEREST: Interest,
    NodeKind.ENTITY: Entity,
}


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One statement of what a node is: the winner is by `version_at` (None is earliest), then by the smaller digest.

    `deleted_at` hides the node and keeps its edges.
    """

    node: Node
    version_at: TimeMs | None = None
    deleted_at: TimeMs | None = None


@dataclass(frozen=True, slots=True)
class About:
    """Pin → Interest, with a score in (0, 1]; None where the source gives none."""

    pin: Id
    interest: Id
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Is:
    """Pin → Entity: the pin shows this thing."""

    pin: Id
    entity: Id


@dataclass(frozen=True, slots=True)
class Relates:
    """Entity → Entity under a predicate."""

    head: Id
    predicate: str
    tail: Id


PlainEdge = About | Is | Relates


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One statement of a plain edge; versions win as for `NodeRow`."""

    edge: PlainEdge
    version_at: TimeMs | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a user did, once. Identity is `event_id`; `at` None is earlier than any time.

    `weight` is for VIEW and CLICK only, where it defaults to 1; `board` for SAVE and UNSAVE only.
    """

    event_id: EventId
    kind: EventKind
    user: Id
    target_kind: NodeKind
    target: Id
    board: Id | None = None
    at: TimeMs | None = None
    weight: float | None = None
    group_id: str | None = None

    def __post_init__(self) -> None:
        """Raises InvalidEventError when fields contradict the kind."""
        kind = self.kind
        if kind in PIN_EVENTS:
            fits = self.target_kind is NodeKind.PIN
        elif kind in FOLLOW_EVENTS:
            fits = self.target_kind in FOLLOWABLE
        else:
            fits = self.target_kind is NodeKind.INTEREST
        if not fits:
            raise InvalidEventError(f"{kind} can't have a {self.target_kind} as its target")
        if self.board is not None and kind not in BOARD_EVENTS:
            raise InvalidEventError(f"{kind} takes no board; only SAVE and UNSAVE do")
        if (self.weight is not None) != (kind in WEIGHTED_EVENTS):
            raise InvalidEventError(f"{kind}: a weight is needed for VIEW and CLICK, and not allowed for others")
        if self.weight is not None and not 0 < self.weight <= WEIGHT_MAX:
            raise InvalidEventError(f"{kind} has weight {self.weight}; give more than 0 and at most {WEIGHT_MAX:g}")


def edges_of(kind: EventKind, *, board: bool) -> int:
    """How many edges of the property graph one event is: two for a save on a board (SAVED and HOLDS), else one."""
    return 2 if board and kind in BOARD_EVENTS else 1
