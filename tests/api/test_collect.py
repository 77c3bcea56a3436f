"""Telling what people did: recorded when acknowledged, once whatever is repeated, refused item by item, by who may tell it."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gql.app import make_app
from gql.keys import Principal, Scope
from gql.projection import add_collecting
from gql.release import Releases
from gql.settings import ServeSettings
from graph.errors import StoreUnavailableError
from graph.eventlog import open_log
from graph.eventlog.envelope import decode
from graph.eventlog.sqlite import SqliteLog
from graph.model import EventKind, Id, NodeKind
from graph.settings import GraphSettings, Home
from graph.stores.sqlite.store import SqliteStore
from tests.api.conftest import Asker, Serve, gid

RECORD = """mutation ($input: [InteractionInput!]!) {
    recordInteractions(input: $input) { accepted refused { index code reason } }
}"""
NDJSON = {"content-type": "application/x-ndjson"}


def now(ahead_s: float = 0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ahead_s))


def item(event_id: str, kind: str = "SAVE", user: str = "ada", pin: str = "soup", **more: Any) -> dict[str, Any]:
    board = more.pop("board", None)
    ids = {} if board is None else {"boardId": gid(NodeKind.BOARD, board)}
    named = {"userId": gid(NodeKind.USER, user), "pinId": gid(NodeKind.PIN, pin)}
    return {"eventId": event_id, "kind": kind, "at": now(), **named, **ids, **more}


@pytest.fixture
def home(own_home: Home) -> Home:
    """With the store that its snapshot was exported from."""
    shutil.copy(own_home.path / "tiny.db", own_home.store_db)
    return own_home


class Collecting(Asker):
    """A server that records, and its home's log and store."""

    def see_as_key(self, *scopes: Scope, user: str | None = None) -> None:
        asking = Principal("a-key", frozenset(scopes), user)
        self.api.principal = lambda _: asking  # type: ignore[method-assign]

    async def record(self, *items: dict[str, Any]) -> dict[str, Any]:
        return (await self.data(RECORD, input=list(items)))["recordInteractions"]

    async def send(self, *lines: dict[str, Any] | str, **headers: str) -> tuple[int, dict[str, Any]]:
        body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        response = await self.client.post("/v1/interactions", data=body, headers={**NDJSON, **headers})
        return response.status, await response.json()

    async def logged(self) -> list[Any]:
        log = open_log(f"sqlite:///{self.home.log_db}")
        found = [decode(record.data) for record in await log.read(0, 10_000)]
        await log.close()
        return found

    async def projected(self) -> SqliteStore:
        """The store, once it has all that the log holds."""
        store, head = SqliteStore(self.home.store_db), len(await self.logged())
        async with asyncio.timeout(30):
            while store.log_offset() < head - 1:
                await asyncio.sleep(0.02)
        return store


async def started(home: Home) -> Collecting:
    settings = ServeSettings(poll_s=3600, keep_old_s=0)
    app = make_app(settings, Releases(home, keep_old_s=0))
    add_collecting(app, GraphSettings(home=home.path))
    client = TestClient(TestServer(app))
    await client.start_server()
    return Collecting(home, client)


@pytest.fixture
async def asker(home: Home) -> AsyncGenerator[Collecting]:
    asker = await started(home)
    yield asker
    await asker.client.close()
    del asker.api.releases


async def test_what_is_recorded_reaches_the_store(asker: Collecting):
    answer = await asker.record(
        item("one", board="ada-garden"),
        item("two", "VIEW", pin="bread", weight=2.5),
        item("three", "HIDE", user="newcomer", pin="new-pin"),
    )
    assert answer == {"accepted": 3, "refused": []}
    store = await asker.projected()
    assert store.saves(Id("ada"), 1)[0][:2] == ("soup", "ada-garden")
    assert [(e.event_id, e.weight) for e in store.events(Id("ada"), 2) if e.kind is EventKind.VIEW] == [("two", 2.5)]
    assert [e.target for e in store.events(Id("newcomer"), 9)] == ["new-pin"]
    store.close()


async def test_each_refused_item_is_told_and_the_others_are_kept(asker: Collecting):
    answer = await asker.record(
        item("good"),
        item("future", at=now(600)),
        item("no-board", board="nobody-has-it"),
        item("anothers", board="bo-kitchen"),
        item("weighty", "VIEW", weight=0),
        item("weightless", "SAVE", weight=1),
        {**item("bad-id"), "pinId": "???"},
        {**item("kinds"), "userId": gid(NodeKind.PIN, "soup")},
        item("e" * 65),
        item("also-good", "CLICK"),
    )
    assert answer["accepted"] == 2
    assert [(refusal["index"], refusal["code"]) for refusal in answer["refused"]] == [
        (1, "BAD_USER_INPUT"),
        (2, "NOT_FOUND"),
        (3, "NOT_FOUND"),
        (4, "BAD_USER_INPUT"),
        (5, "BAD_USER_INPUT"),
        (6, "INVALID_ID"),
        (7, "INVALID_ID"),
        (8, "BAD_USER_INPUT"),
    ]
    assert "in the future" in answer["refused"][0]["reason"]
    assert [record.event_id for record in await asker.logged()] == ["good", "also-good"]


async def test_what_is_told_again_is_acknowledged_again_and_counts_once(asker: Collecting, home: Home):
    """Also by a server that was started anew."""
    told = item("view", "VIEW", weight=3)
    assert (await asker.record(told, told))["accepted"] == 2
    assert (await asker.record(told))["accepted"] == 1
    (await asker.projected()).close()
    await asker.client.close()
    again = await started(home)
    assert (await again.record(told))["accepted"] == 1
    store = await again.projected()
    assert [e.event_id for e in store.events(Id("ada"), 100)].count("view") == 1
    store.close()
    await again.client.close()
    del again.api.releases


async def test_a_move_is_all_or_none(asker: Collecting):
    at = now()
    off = item("off", "UNSAVE", pin="fern", board="ada-garden", groupId="move", at=at)
    on = item("on", pin="fern", board="ada-wedding", groupId="move", at=at)
    refused = await asker.record(off, {**on, "boardId": gid(NodeKind.BOARD, "bo-kitchen")}, item("other", "VIEW"))
    assert refused["accepted"] == 1
    assert [(refusal["index"], refusal["code"]) for refusal in refused["refused"]] == [
        (0, "BAD_USER_INPUT"),
        (1, "NOT_FOUND"),
    ]
    assert (await asker.record(off, on))["accepted"] == 2
    store = await asker.projected()
    assert [board for pin, board, _ in store.saves(Id("ada"), 100) if pin == "fern"] == ["ada-wedding"]
    store.close()


@pytest.mark.parametrize(
    ("field", "target", "kind"),
    [
        ("follow", ("User", "bo"), EventKind.FOLLOW),
        ("follow", ("User", "unheard-of"), EventKind.FOLLOW),
        ("unfollow", ("Board", "cem-home"), EventKind.UNFOLLOW),
        ("follow", ("Interest", "food"), EventKind.FOLLOW),
        ("muteInterest", ("Interest", "food"), EventKind.MUTE),
        ("boostInterest", ("Interest", "food"), EventKind.BOOST),
        ("clearInterest", ("Interest", "food"), EventKind.CLEAR),
    ],
)
async def test_the_mutations_of_one_event(asker: Collecting, field: str, target: tuple[str, str], kind: EventKind):
    follows = "ollow" in field
    query = (
        f"mutation ($input: {'FollowInput' if follows else 'TasteInput'}!) {{ {field}(input: $input) {{ eventId }} }}"
    )
    said = {"eventId": "one", "userId": gid(NodeKind.USER, "ada"), "at": now()}
    said["targetId" if follows else "interestId"] = gid(NodeKind(target[0]), target[1])
    assert await asker.data(query, input=said) == {field: {"eventId": "one"}}
    store = await asker.projected()
    (event,) = [event for event in store.events(Id("ada"), 100) if event.event_id == "one"]
    assert (event.kind, event.target_kind, event.target) == (kind, *target)
    store.close()


FOLLOW = "mutation ($input: FollowInput!) { follow(input: $input) { eventId } }"


@pytest.mark.parametrize(
    ("target", "ahead_s", "code"),
    [
        (("Pin", "soup"), 0, "BAD_USER_INPUT"),
        (("Board", "none"), 0, "NOT_FOUND"),
        (("Interest", "none"), 0, "NOT_FOUND"),
        (("User", "bo"), 600, "BAD_USER_INPUT"),
    ],
)
async def test_a_follow_that_can_not_be(asker: Collecting, target: tuple[str, str], ahead_s: float, code: str):
    said = {"eventId": "x", "userId": gid(NodeKind.USER, "ada"), "targetId": gid(NodeKind(target[0]), target[1])}
    assert (await asker.error(FOLLOW, input={**said, "at": now(ahead_s)}))[0] == code
    assert await asker.logged() == []


async def test_a_time_that_is_none_is_told_where_it_stands(asker: Collecting):
    code, message = await asker.error(RECORD, input=[item("x", at="yesterday")])
    assert code == "BAD_USER_INPUT"
    assert "yesterday" in message


async def test_a_thousand_at_once_and_no_more(asker: Collecting):
    many = [item(f"event-{number}", "VIEW") for number in range(1_001)]
    assert (await asker.record(*many[:1_000]))["accepted"] == 1_000
    assert (await asker.error(RECORD, input=many))[0] == "BAD_USER_INPUT"
    assert (await asker.error(RECORD, input=[]))[0] == "BAD_USER_INPUT"
    assert len(await asker.logged()) == 1_000


class TestRights:
    async def test_a_user_tells_of_themselves_alone(self, asker: Collecting):
        asker.see_as_key(Scope.PERSONAL_WRITE, user="ada")
        answer = await asker.record(item("mine", board="ada-wedding"), item("theirs", user="bo"))
        assert answer["accepted"] == 1
        assert [(r["index"], r["code"]) for r in answer["refused"]] == [(1, "FORBIDDEN")]
        assert [(record.event_id, record.actor) for record in await asker.logged()] == [("mine", "ada")]

    async def test_who_may_only_read_tells_nothing(self, asker: Collecting):
        asker.see_as_key(Scope.READ, Scope.PERSONAL_READ, user="ada")
        assert (await asker.record(item("x")))["refused"][0]["code"] == "FORBIDDEN"
        said = {"eventId": "x", "userId": gid(NodeKind.USER, "ada"), "targetId": gid(NodeKind.USER, "bo"), "at": now()}
        assert (await asker.error(FOLLOW, input=said))[0] == "FORBIDDEN"
        assert await asker.logged() == []

    async def test_a_producer_tells_of_anyone_but_on_their_own_boards(self, asker: Collecting):
        asker.see_as_key(Scope.WRITE)
        answer = await asker.record(
            item("ada", board="ada-wedding"), item("bo", user="bo", board="bo-kitchen"), item("not", board="bo-kitchen")
        )
        assert answer["accepted"] == 2
        assert [(r["index"], r["code"]) for r in answer["refused"]] == [(2, "NOT_FOUND")]

    async def test_a_secret_board_is_not_found_out(self, asker: Collecting):
        """Whatever is asked of it, another's secret board is answered as one that is not there."""
        asker.see_as_key(Scope.PERSONAL_WRITE, Scope.PERSONAL_READ, user="bo")
        answers: list[Any] = []
        for board in ("ada-wedding", "nobody-has-it"):
            follow = {"eventId": "x", "userId": gid(NodeKind.USER, "bo"), "targetId": gid(NodeKind.BOARD, board)}
            told = await asker.record(item("a", user="bo", board=board), item("b", "UNSAVE", user="bo", board=board))
            answers.append(
                [r["reason"].replace(board, "BOARD") for r in told["refused"]]
                + [(await asker.error(FOLLOW, input={**follow, "at": now()}))[1].replace(board, "BOARD")]
            )
        assert answers[0] == answers[1]
        assert len(answers[0]) == 3


def line(event_id: str, kind: str = "SAVE", user: str = "ada", pin: str = "soup", **more: Any) -> dict[str, Any]:
    return {"event_id": event_id, "kind": kind, "user_id": user, "pin_id": pin, "at": now(), **more}


class TestLines:
    async def test_good_lines_are_kept_and_bad_ones_told(self, asker: Collecting):
        status, answer = await asker.send(
            line("one", board_id="ada-garden"),
            "not json",
            line("two", "FOLLOW"),
            line("three", "VIEW", surprise=1),
            {**line("four"), "at": "tomorrow"},
            line("five", "VIEW", at=int(time.time() * 1000)),
            "",
            {name: value for name, value in line("six").items() if name != "event_id"},
            line("seven", board_id="bo-kitchen"),
            "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        )
        assert status == 200
        assert answer["accepted"] == 2
        assert [refusal["index"] for refusal in answer["refused"]] == [1, 2, 3, 4, 6, 7, 8, 9]
        assert {refusal["code"] for refusal in answer["refused"]} == {"BAD_USER_INPUT", "NOT_FOUND"}
        store = await asker.projected()
        assert store.saves(Id("ada"), 1)[0][:2] == ("soup", "ada-garden")
        store.close()

    async def test_the_last_line_may_end(self, asker: Collecting):
        assert await asker.send(json.dumps(line("one")) + "\n") == (200, {"accepted": 1, "refused": []})

    @pytest.mark.parametrize(
        ("lines", "headers", "status", "code"),
        [
            ([line("x")], {"content-type": "application/json"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
            ([line("x")], {"content-type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
            ([], {}, 400, "BAD_USER_INPUT"),
            (["{}"] * 1_001, {}, 400, "BAD_USER_INPUT"),
            (["x" * (2**20 + 1)], {}, 413, "REQUEST_TOO_LARGE"),
            ([line("x")], {"origin": "http://elsewhere.example"}, 403, "FORBIDDEN_ORIGIN"),
        ],
    )
    async def test_a_body_that_can_not_be_used(
        self, asker: Collecting, lines: list[Any], headers: dict[str, str], status: int, code: str
    ):
        found, answer = await asker.send(*lines, **headers)
        assert (found, answer["errors"][0]["extensions"]["code"]) == (status, code)
        assert await asker.logged() == []

    async def test_rights_hold_here_too(self, asker: Collecting):
        asker.see_as_key(Scope.PERSONAL_WRITE, user="bo")
        _, answer = await asker.send(line("x"), line("y", user="bo"))
        assert answer["accepted"] == 1
        assert answer["refused"][0]["code"] == "FORBIDDEN"


async def test_while_the_log_can_not_be_written_nothing_is_acknowledged(
    asker: Collecting, monkeypatch: pytest.MonkeyPatch
):
    async def append(*_: Any) -> list[int]:
        raise StoreUnavailableError("the disk is full; free some")

    with monkeypatch.context() as broken:
        broken.setattr(SqliteLog, "append", append)
        code, message = await asker.error(RECORD, input=[item("x")])
        assert (code, "disk" in message) == ("UNAVAILABLE", False)
        status, answer = await asker.send(line("x"))
        assert (status, answer["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
    assert (await asker.record(item("x")))["accepted"] == 1


async def test_a_server_that_does_not_record_says_so(serve: Serve, tiny_home: Home):
    asker = await serve(tiny_home)
    assert (await asker.error(RECORD, input=[item("x")]))[0] == "UNAVAILABLE"
    response = await asker.client.post("/v1/interactions", data=json.dumps(line("x")), headers=NDJSON)
    assert response.status == 503


async def test_nothing_is_made_before_something_is_told(asker: Collecting):
    await asyncio.sleep(0.05)
    assert not asker.home.log_db.exists()
    assert not asker.home.projector_lock.exists()


async def test_events_are_counted(asker: Collecting):
    await asker.record(item("one"), item("two", board="none"))
    registry = asker.api.metrics.registry
    assert registry.get_sample_value("tastegraph_events_total", {"outcome": "accepted"}) == 1
    assert registry.get_sample_value("tastegraph_events_total", {"outcome": "refused"}) == 1
