"""API keys: who asks, and what they may do.

A key is 256 random bits, shown once when it is made; what is kept is its SHA-256 (nothing slower is needed for what can't be
guessed), in one file of the home that only its owner may read. Where there is neither this file nor a key in the environment,
the server answers loopback only, as admin; a file without keys lets nobody in.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, cast

import orjson

from gql.errors import Code, HttpError
from graph.errors import ConflictError, CorruptFileError, InvalidInputError, NotFoundError
from graph.model import NodeKind
from graph.sealed import write_atomically
from graph.settings import Home
from graph.snapshot import Snapshot
from graph.visibility import ADMIN, STRANGER, Viewer

FORMAT: Final = 1
FILE: Final = "api_keys.json"
ENVIRONMENT_KEY: Final = "TASTEGRAPH_API_KEY"
"""A key with the scope `admin` that is in no file: compose takes it from `.env`."""
PREFIX: Final = "tg_"
"""Begins every key that we make, so that a leaked one is found by a search."""
_SCHEME: Final = "bearer "


class Scope(StrEnum):
    """What a key may do. `admin` may do everything."""

    READ = "read"
    """Ask for what is public."""
    PERSONAL_READ = "personal:read"
    """Ask for what is private to the key's user."""
    PERSONAL_WRITE = "personal:write"
    """Tell what the key's user did."""
    WRITE = "write"
    """Tell what anyone did: producers."""
    ERASE = "erase"
    """Have a user forgotten."""
    ADMIN = "admin"


PERSONAL: Final = frozenset({Scope.PERSONAL_READ, Scope.PERSONAL_WRITE})
"""Scopes that need a user."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a name for logs, scopes, and the id of the user that personal scopes are for."""

    name: str
    scopes: frozenset[Scope]
    user: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether a scope is among those given."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def viewer(self, snapshot: Snapshot) -> Viewer:
        """What this means on a snapshot. A user who is not in it yet sees what a stranger sees."""
        if Scope.ADMIN in self.scopes:
            return ADMIN
        if self.user is None or Scope.PERSONAL_READ not in self.scopes:
            return STRANGER
        return Viewer(user_row=snapshot.nodes[NodeKind.USER].row_of(self.user))


DEVELOPER: Final = Principal("developer", frozenset({Scope.ADMIN}))
"""Whoever reaches a server without keys: it listens on loopback alone."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept. sha256: hex, of the whole key."""

    name: str
    sha256: str
    scopes: list[str]
    user: str | None
    created_at: str


class Keys:
    """The keys of a server. Cheap to ask; `fresh` looks whether the file has changed.

    Whether a key is needed is settled at the start: revoking the last key of a running server opens it to nobody.
    """

    def __init__(self, home: Home, environment: Mapping[str, str] = os.environ) -> None:
        self._path = home.keys / FILE
        self._given = environment.get(ENVIRONMENT_KEY) or None
        self._seen: tuple[int, int] | None = None
        self._by_hash: dict[str, Principal] = {}
        self.needed = self._given is not None or self._path.exists()
        """Whether who asks must send a key."""
        self._read()

    def fresh(self) -> None:
        """Reads the file again if it is another. Raises CorruptFileError, and keeps the keys it had, when it can't be read."""
        if _stamp(self._path) != self._seen:
            self._read()

    def _read(self) -> None:
        seen = _stamp(self._path)
        found = {key.sha256: _principal(key) for key in read_keys(self._path)}
        if self._given is not None:
            found[_hash(self._given)] = Principal("environment", frozenset({Scope.ADMIN}))
        self._seen, self._by_hash = seen, found

    def principal(self, authorization: str | None) -> Principal:
        """Who sends this `Authorization` header. Raises HttpError (401) for none of ours, where there are keys."""
        if not self.needed:
            return DEVELOPER
        if authorization is not None and authorization[: len(_SCHEME)].lower() == _SCHEME:
            found = self._by_hash.get(_hash(authorization[len(_SCHEME) :].strip()))
            if found is not None:
                return found
        raise HttpError(
            401,
            Code.UNAUTHENTICATED,
            "send `Authorization: Bearer KEY` with a key of this server; `tastegraph keys add` makes one",
            {"WWW-Authenticate": "Bearer"},
        )


def add_key(home: Home, name: str, scopes: Iterable[str], user: str | None = None) -> str:
    """Makes a key and returns it, for the only time.

    Raises ConflictError for a name that is taken; InvalidInputError for an unknown scope, none, or a personal one without user.
    """
    chosen = sorted(set(scopes))
    if unknown := [scope for scope in chosen if scope not in set(Scope)]:
        raise InvalidInputError(f"there is no scope {unknown[0]}; choose among {', '.join(Scope)}")
    if not chosen:
        raise InvalidInputError(f"a key needs a --scope; choose among {', '.join(Scope)}")
    if user is None and PERSONAL & set(chosen):
        raise InvalidInputError("a personal scope is for one user; give --user ID")
    keys = read_keys(home.keys / FILE)
    if any(key.name == name for key in keys):
        raise ConflictError(f"there is a key {name} already; revoke it first, or give another name")
    secret = PREFIX + secrets.token_urlsafe(32)
    made = Key(name, _hash(secret), chosen, user, datetime.now(UTC).isoformat(timespec="seconds"))
    _write(home, [*keys, made])
    return secret


def revoke_key(home: Home, name: str) -> None:
    """Forgets a key; running servers within seconds. Raises NotFoundError when there is none of that name."""
    keys = read_keys(home.keys / FILE)
    kept = [key for key in keys if key.name != name]
    if len(kept) == len(keys):
        raise NotFoundError(f"there is no key {name}; `tastegraph keys list` tells which there are")
    _write(home, kept)


def read_keys(path: Path) -> list[Key]:
    """All keys of a file; none where there is no file. Raises CorruptFileError."""
    try:
        found = orjson.loads(path.read_bytes())
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']}")
        return [Key(**cast("dict[str, Any]", key)) for key in found["keys"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptFileError(f"{path} can't be read as API keys ({error}); restore it, or remove it") from None


def _write(home: Home, keys: list[Key]) -> None:
    home.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = {"format": FORMAT, "keys": [asdict(key) for key in keys]}
    write_atomically(home.keys / FILE, orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n", mode=0o600)


def _principal(key: Key) -> Principal:
    return Principal(key.name, frozenset(Scope(scope) for scope in key.scopes), key.user)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
