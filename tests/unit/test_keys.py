"""API keys: made once, kept as hashes, found by the header, forgotten when they are revoked."""

from __future__ import annotations

from pathlib import Path

import pytest

from gql.errors import HttpError
from gql.keys import DEVELOPER, FILE, Keys, Principal, Scope, add_key, revoke_key
from graph.errors import ConflictError, CorruptFileError, InvalidInputError, NotFoundError
from graph.model import NodeKind
from graph.settings import Home
from graph.visibility import ADMIN, STRANGER, Viewer
from tests.commands import run
from tests.graphs import tiny_snapshot


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def refused(keys: Keys, authorization: str | None) -> None:
    with pytest.raises(HttpError) as error:
        keys.principal(authorization)
    assert error.value.status == 401
    assert error.value.headers["WWW-Authenticate"] == "Bearer"


def test_without_keys_everyone_is_the_developer(home: Home) -> None:
    keys = Keys(home, {})
    assert not keys.needed
    assert keys.principal(None) == keys.principal("Bearer whatever") == DEVELOPER


def test_a_key_is_known_by_its_header_and_nothing_else_is(home: Home) -> None:
    secret = add_key(home, "feed service", ["read", "personal:read"], "ada")
    keys = Keys(home, {})
    expected = Principal("feed service", frozenset({Scope.READ, Scope.PERSONAL_READ}), "ada")
    assert keys.principal(f"Bearer {secret}") == keys.principal(f"bearer  {secret} ") == expected
    for header in (None, "", secret, f"Basic {secret}", f"Bearer {secret}x", f"Bearer {secret[:-1]}", "Bearer \udcff"):
        refused(keys, header)


def test_the_key_itself_is_kept_nowhere_and_only_its_owner_reads_the_file(home: Home) -> None:
    secret = add_key(home, "one", ["read"])
    file = home.keys / FILE
    assert secret not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_a_running_server_takes_new_keys_and_refuses_revoked_ones(home: Home) -> None:
    first = add_key(home, "first", ["read"])
    keys = Keys(home, {})
    second = add_key(home, "second", ["admin"])
    keys.fresh()
    assert keys.principal(f"Bearer {second}").name == "second"
    revoke_key(home, "first")
    keys.fresh()
    refused(keys, f"Bearer {first}")


def test_revoking_the_last_key_opens_nothing(home: Home) -> None:
    only = add_key(home, "only", ["read"])
    keys = Keys(home, {})
    revoke_key(home, "only")
    keys.fresh()
    for still_running_or_started_anew in (keys, Keys(home, {})):
        refused(still_running_or_started_anew, f"Bearer {only}")
        refused(still_running_or_started_anew, None)


def test_the_environments_key_is_admin(home: Home) -> None:
    keys = Keys(home, {"TASTEGRAPH_API_KEY": "secret of compose"})
    assert keys.principal("Bearer secret of compose").scopes == {Scope.ADMIN}
    refused(keys, None)


def test_a_file_that_can_not_be_read_keeps_the_keys_that_were(home: Home) -> None:
    secret = add_key(home, "one", ["read"])
    keys = Keys(home, {})
    (home.keys / FILE).write_text("{")
    with pytest.raises(CorruptFileError, match="restore it, or remove it"):
        keys.fresh()
    assert keys.principal(f"Bearer {secret}").name == "one"
    with pytest.raises(CorruptFileError):
        Keys(home, {})


@pytest.mark.parametrize(
    ("scopes", "user", "error", "said"),
    [
        ([], None, InvalidInputError, "needs a --scope"),
        (["reed"], None, InvalidInputError, "no scope reed"),
        (["personal:read"], None, InvalidInputError, "--user"),
        (["read"], None, ConflictError, "already"),
    ],
)
def test_what_makes_no_key(home: Home, scopes: list[str], user: str | None, error: type[Exception], said: str) -> None:
    add_key(home, "taken", ["read"])
    with pytest.raises(error, match=said):
        add_key(home, "taken" if error is ConflictError else "new", scopes, user)
    with pytest.raises(NotFoundError, match="no key new"):
        revoke_key(home, "new")


def test_what_a_principal_sees(tmp_path: Path) -> None:
    snapshot = tiny_snapshot(tmp_path)
    row = snapshot.nodes[NodeKind.USER].row_of("ada")
    personal = frozenset({Scope.READ, Scope.PERSONAL_READ})
    assert Principal("a", frozenset({Scope.ADMIN})).viewer(snapshot) == ADMIN
    assert Principal("a", personal, "ada").viewer(snapshot) == Viewer(user_row=row)
    assert Principal("a", personal, "nobody").viewer(snapshot) == STRANGER
    assert Principal("a", frozenset({Scope.READ}), "ada").viewer(snapshot) == STRANGER
    assert Principal("a", frozenset({Scope.WRITE})).viewer(snapshot) == STRANGER


def test_the_commands(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TASTEGRAPH_HOME", str(home.path))
    made = run(capsys, "keys", "add", "app", "--scope", "read", "--scope", "write", "--json").result
    assert Keys(home, {}).principal(f"Bearer {made['key']}").may(Scope.WRITE)
    assert run(capsys, "keys", "list", "--json").result["app"]["scopes"] == ["read", "write"]
    assert run(capsys, "keys", "revoke", "app").code == 0
    assert run(capsys, "keys", "revoke", "app").code == 1
    assert run(capsys, "keys", "list", "--json").result == {}
