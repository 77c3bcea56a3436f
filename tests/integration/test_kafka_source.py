"""`tastegraph load kafka://…` on a real broker: the same graph as from files, nothing half-read, whatever the broker does."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Iterable
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
import pytest

from graph.errors import StoreUnavailableError
from graph.model import Id, NodeKind, Pin
from graph.ports import EventBatch, GraphStore, Outcome
from graph.stores import open_store
from graph.stores.sqlite.store import SqliteStore
from loaders.sources.records import LogRecord, Spool
from tests.commands import Done, run
from tests.kafka.broker import KafkaBroker
from tests.kafka.topics import (
    Sent,
    create_topic,
    delete_records,
    send,
    send_in_transaction,
    topic_names,
)

pytestmark = pytest.mark.kafka

Load = Callable[..., Done]
NewTopic = Callable[..., str]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("TASTEGRAPH_STORE", "NEO4J_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TASTEGRAPH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def load(home: Path, capsys: pytest.CaptureFixture[str]) -> Load:
    return lambda *arguments: run(capsys, "load", *arguments, "--json")


def store_of(home: Path) -> GraphStore:
    return open_store(f"sqlite:///{home}/store.db")


def some_rows() -> Rows:
    users = [{"id": f"u{n}", "created_at": "2020-01-01T00:00:00Z", "country": "DE", "age": n} for n in range(20)]
    pins = [{"id": f"p{n}", "title": f"Pin \N{SNOWMAN} {n}", "attributes": {"tags": [n, None]}} for n in range(40)]
    saves = [
        {"user_id": f"u{n % 20}", "pin_id": f"p{n % 60}", "kind": "SAVE", "at": n, "board_id": f"b{n % 5}"}
        for n in range(300)
    ]
    views = [{"user_id": f"u{n % 30}", "pin_id": f"p{n % 7}", "kind": "VIEW", "weight": 0.5} for n in range(100)]
    return {
        "users": users,
        "pins": pins,
        "boards": [{"id": f"b{n}", "owner_id": f"u{n}", "title": "A board", "secret": n == 3} for n in range(5)],
        "interests": [{"id": "i2", "name": "Pasta", "parent_id": "i1"}, {"id": "i1", "name": "Food"}],
        "interactions": saves + views,
        "follows": [{"user_id": "u1", "target_kind": "INTEREST", "target_id": "i2", "at": 5}],
        "pin_interests": [{"pin_id": "p1", "interest_id": "i2", "score": 0.5}],
        "pin_entities": [{"pin_id": "p1", "entity_id": "e1"}],
        "relations": [{"head_id": "e1", "predicate": "made_of", "tail_id": "e2"}],
    }


def jsonl_folder(path: Path, rows: Rows) -> Path:
    path.mkdir()
    for table, table_rows in rows.items():
        (path / f"{table}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in table_rows))
    return path


def records(rows: Iterable[dict[str, Any]], partitions: int = 1, table: str | None = None) -> list[Sent]:
    headers = (("table", table.encode()),) if table else ()
    places = cycle(range(partitions))
    return [Sent(orjson.dumps(row, option=orjson.OPT_INDENT_2), None, next(places), headers) for row in rows]


def saves(numbers: Iterable[int]) -> list[Sent]:
    return records({"user_id": f"u{n}", "pin_id": f"p{n}", "kind": "SAVE", "at": n} for n in numbers)


def test_topics_make_the_same_graph_as_files(
    load: Load, home: Path, tmp_path: Path, kafka_broker: str, kafka_topic: NewTopic
) -> None:
    rows = some_rows()
    from_files = load(jsonl_folder(tmp_path / "folder", rows), "--store", f"sqlite:///{home}/files.db").result

    mixed, users = kafka_topic("interactions", partitions=3), kafka_topic("users")
    send(kafka_broker, users, records(rows["users"]), compression="zstd")
    compressions = cycle(["gzip", "snappy", "lz4", None])
    for table in reversed([table for table in rows if table != "users"]):
        named = None if table == "interactions" else table
        send(kafka_broker, mixed, records(rows[table], 3, named), compression=next(compressions))
    from_topics = load(f"kafka://{kafka_broker}/{mixed},{users}").result

    alike = ("content_hash", "tables", "read", "written", "quarantined", "edges_written", "conflicts", "duplicates")
    assert {name: from_topics[name] for name in alike} == {name: from_files[name] for name in alike}
    assert from_topics["written"] > 400
    assert not list(home.rglob("*.records"))


def test_the_same_range_again_is_the_same_load_and_changes_nothing(
    load: Load, kafka_broker: str, kafka_topic: NewTopic
) -> None:
    topic = kafka_topic("interactions", partitions=2)
    url = f"kafka://{kafka_broker}/{topic}"
    send(kafka_broker, topic, records(some_rows()["interactions"][-100:], 2))
    first, again = load(url).result, load(url).result
    assert again["load_id"] == first["load_id"]
    assert again["content_hash"] == first["content_hash"]
    assert (again["written"], again["unchanged"]) == (0, first["written"])

    send(kafka_broker, topic, saves([7]))
    more = load(url).result
    assert more["load_id"] != first["load_id"]
    assert (more["read"], more["written"], more["unchanged"]) == (first["read"] + 1, 1, first["written"])


BAD: dict[str, Sent] = {
    "the record is empty; to delete a row, send it with deleted_at": Sent(None, key=b"p1"),
    "not JSON: unexpected end of data": Sent(b'{"user_id": "u1"'),
    "not JSON: str is not valid UTF-8": Sent(b'{"user_id": "\xff"}'),
    "the record is no JSON object": Sent(b"[1]"),
    "the record is over 65536 bytes long": Sent(b'{"user_id": "' + b"x" * 900_000 + b'"}'),
    "user_id is not text": Sent(b'{"user_id": 1, "pin_id": "p1", "kind": "SAVE"}'),
    "pin_id is empty": Sent(b'{"user_id": "u1", "kind": "SAVE"}'),
    "kind is not one of SAVE, UNSAVE, VIEW, CLICK, HIDE": Sent(b'{"user_id": "u1", "pin_id": "p1", "kind": "LIKE"}'),
    "board_id names no board of the folder or the store": Sent(
        b'{"user_id": "u1", "pin_id": "p1", "kind": "SAVE", "board_id": "nowhere"}'
    ),
    "the header table names no table: 'pinz'": Sent(b'{"id": "p1"}', headers=(("table", b"pinz"),)),
}


def test_bad_records_are_refused_with_partition_and_offset(
    load: Load, home: Path, kafka_broker: str, kafka_topic: NewTopic
) -> None:
    topic = kafka_topic("saves", partitions=2)
    good = saves(range(3))
    send(kafka_broker, topic, good + list(BAD.values()))
    send(kafka_broker, topic, [Sent(b" \n", partition=1), *(Sent(r.value, partition=1) for r in good)])
    url = f"kafka://{kafka_broker}/{topic}?table=interactions"

    stopped = load(url)
    assert stopped.code == 3
    assert f"the first is {topic}/0 line 3: the record is empty" in stopped.said

    summary = load(url, "--max-quarantined", "1").result
    assert (summary["read"], summary["quarantined"], summary["written"]) == (len(BAD) + 7, len(BAD) + 1, 3)
    kept = [orjson.loads(line) for line in Path(summary["quarantine_file"]).read_bytes().splitlines()]
    where = {(row["file"], row["line"]): row["reason"] for row in kept}
    expected = dict(zip(BAD, range(3, 3 + len(BAD)), strict=True))
    for reason, offset in expected.items():
        assert where.pop((f"{topic}/0", offset)).startswith(reason)
    assert where == {(f"{topic}/1", 0): "the record is empty; to delete a row, send it with deleted_at"}
    assert all(len(orjson.dumps(row)) < 70_000 for row in kept)
    assert store_of(home).counts().nodes[NodeKind.USER] == 3


def test_the_later_record_of_a_node_is_the_newer_one(
    load: Load, home: Path, kafka_broker: str, kafka_topic: NewTopic
) -> None:
    topic = kafka_topic("pins", partitions=2)

    def said(title: str, at: int, partition: int = 0, **more: Any) -> Sent:
        return Sent(orjson.dumps({"id": "p1", "title": title, **more}), partition=partition, at=at)

    send(kafka_broker, topic, [said("old", 1_000), said("new", 9_000), said("older", 500, 1), said("middle", 5_000)])
    load(f"kafka://{kafka_broker}/{topic}").result  # noqa: B018
    assert store_of(home).node(NodeKind.PIN, Id("p1")) == Pin(Id("p1"), "new")

    send(kafka_broker, topic, [said("its own time wins", 10, updated_at=10_000), said("late", 9_500)])
    load(f"kafka://{kafka_broker}/{topic}").result  # noqa: B018
    assert store_of(home).node(NodeKind.PIN, Id("p1")) == Pin(Id("p1"), "its own time wins")


def test_records_that_arrive_during_a_load_are_left_for_the_next(
    load: Load, home: Path, kafka_broker: str, kafka_topic: NewTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = kafka_topic("interactions")
    url = f"kafka://{kafka_broker}/{topic}"
    send(kafka_broker, topic, saves(range(100)))
    begin = Spool.begin

    def begin_and_send(spool: Spool, origin: str) -> None:
        begin(spool, origin)
        send(kafka_broker, topic, saves(range(100, 150)))

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "begin", begin_and_send)
        assert load(url).result["read"] == 100
    store, everyone = store_of(home), [Id(f"u{n}") for n in range(150)]
    assert store.missing(NodeKind.USER, everyone) == set(everyone[100:])

    rest = load(f"{url}?from=100").result
    assert (rest["read"], rest["written"]) == (50, 50)
    assert store.missing(NodeKind.USER, everyone) == set()


def test_a_load_that_was_interrupted_is_made_up_for_when_the_topic_has_grown(
    load: Load, home: Path, kafka_broker: str, kafka_topic: NewTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = kafka_topic("interactions", partitions=2)
    url = f"kafka://{kafka_broker}/{topic}"
    send(kafka_broker, topic, saves(range(50)))
    written, write_events = [0], SqliteStore.write_events

    def failing(store: SqliteStore, batch: EventBatch, *rest: Any) -> Outcome:
        written[0] += 1
        if written[0] == 3:
            raise StoreUnavailableError("the disk is full")
        return write_events(store, batch, *rest)

    monkeypatch.setenv("TASTEGRAPH_LOAD_BATCH_ROWS", "10")
    with monkeypatch.context() as patched:
        patched.setattr(SqliteStore, "write_events", failing)
        assert load(url).code == 4
    store = store_of(home)
    (interrupted,) = store.unfinished_loads()

    send(kafka_broker, topic, [Sent(record.value, partition=1) for record in saves(range(50, 60))])
    assert load(f"{url}?from=0:1").result["load_id"] != interrupted
    assert store.unfinished_loads() == [interrupted], "its first record has not been read again"
    everything = load(url).result
    assert everything["load_id"] != interrupted
    assert store.unfinished_loads() == []
    assert store.counts().nodes[NodeKind.USER] == 60
    assert not list(home.rglob("*.ranges"))


def test_only_what_transactions_committed_is_read(load: Load, kafka_broker: str, kafka_topic: NewTopic) -> None:
    topic = kafka_topic("interactions")
    send_in_transaction(kafka_broker, topic, saves(range(5)), commit=True)
    committed = load(f"kafka://{kafka_broker}/{topic}").result
    send_in_transaction(kafka_broker, topic, saves(range(100, 200)), commit=False)
    aborted = load(f"kafka://{kafka_broker}/{topic}").result
    assert (committed["written"], aborted["read"], aborted["unchanged"]) == (5, 5, 5)
    assert aborted["load_id"] != committed["load_id"], "it has read further"


def test_reading_begins_where_it_is_asked_to(load: Load, kafka_broker: str, kafka_topic: NewTopic) -> None:
    topic = kafka_topic("interactions", partitions=2)
    dated = [Sent(record.value, None, n % 2, (), 1_000 * n) for n, record in enumerate(saves(range(10)))]
    send(kafka_broker, topic, dated)
    url = f"kafka://{kafka_broker}/{topic}"

    def read(start: str) -> int:
        return load(f"{url}?from={start}", "--dry-run").result["read"]

    assert [read("earliest"), read("0:5,1:5"), read("1:4"), read("0:2,1:3")] == [10, 0, 6, 5]
    assert [read("1970-01-01T00:00:07Z"), read("1970-01-01T00:00:06.5Z"), read("2020-01-01")] == [3, 3, 0]
    assert "say of which" in load(f"{url}?from=3").said
    assert f"{topic}/1 holds offsets 0 to 5, and from= asks for 6" in load(f"{url}?from=1:6").said
    assert "has no partition 2" in load(f"{url}?from=2:0").said

    delete_records(kafka_broker, topic, before=3)
    assert read("earliest") == 7
    refused = load(f"{url}?from=0:2")
    assert refused.code == 2
    assert f"{topic}/0 holds offsets 3 to 5, and from= asks for 2" in refused.said


def test_an_unknown_topic_is_told_and_not_made(load: Load, kafka_broker: str) -> None:
    done = load(f"kafka://{kafka_broker}/nobody.made.pins")
    assert done.code == 2
    assert "has no topic nobody.made.pins" in done.said
    assert "nobody.made.pins" not in topic_names(kafka_broker)


def test_a_broker_out_of_reach_is_told_in_time(load: Load, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEGRAPH_KAFKA_TIMEOUT_S", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        accepted = load(f"kafka://127.0.0.1:{silent.getsockname()[1]}/pins")
        port = silent.getsockname()[1]
    refused = load(f"kafka://127.0.0.1:{port}/pins")
    unknown = load("kafka://no-such-host.invalid:9092/pins")
    for done in (accepted, refused, unknown):
        assert done.code == 4
        assert "is out of reach" in done.said
        assert len(done.err.splitlines()) == 1
    assert not (home / "store.db").exists()


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Generator[KafkaBroker]:
    with KafkaBroker(tmp_path_factory.mktemp("own-kafka")) as broker:
        yield broker


def test_signing_in(load: Load, own_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    create_topic(own_broker.bootstrap, "members.interactions")
    send(own_broker.bootstrap, "members.interactions", saves(range(3)))
    url = f"kafka://{own_broker.sasl_bootstrap}/members.interactions"
    monkeypatch.setenv("TASTEGRAPH_KAFKA_SECURITY", "SASL_PLAINTEXT")
    monkeypatch.setenv("TASTEGRAPH_KAFKA_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("TASTEGRAPH_KAFKA_USERNAME", own_broker.user[0])

    assert "set TASTEGRAPH_KAFKA_USERNAME and TASTEGRAPH_KAFKA_PASSWORD" in load(url).said
    monkeypatch.setenv("TASTEGRAPH_KAFKA_PASSWORD", "hunter2")
    refused = load(url)
    assert refused.code == 4
    assert "Invalid username or password" in refused.said
    assert "hunter2" not in refused.err
    monkeypatch.setenv("TASTEGRAPH_KAFKA_PASSWORD", own_broker.user[1])
    assert load(url).result["read"] == 3


def test_a_broker_that_falls_silent_or_dies_mid_read_leaves_the_store_as_it_was(
    load: Load, home: Path, own_broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = [{"id": f"p{n}", "title": "A pin", "description": f"{n}" * 700} for n in range(4_000)]
    create_topic(own_broker.bootstrap, "big.pins")
    send(own_broker.bootstrap, "big.pins", records(pins))
    url = f"kafka://{own_broker.bootstrap}/big.pins"
    create_topic(own_broker.bootstrap, "small.interactions")
    send(own_broker.bootstrap, "small.interactions", saves(range(3)))
    before = load(f"kafka://{own_broker.bootstrap}/small.interactions").result["content_hash"]
    monkeypatch.setenv("TASTEGRAPH_KAFKA_TIMEOUT_S", "2")
    add = Spool.add

    def fails_when(harm: Callable[[], None]) -> Done:
        """A load whose broker is harmed at its 100th record, when most of the topic has not been fetched."""

        def add_and_harm(spool: Spool, table: Any, record: LogRecord) -> None:
            if record.offset == 100:
                harm()
            add(spool, table, record)

        with monkeypatch.context() as patched:
            patched.setattr(Spool, "add", add_and_harm)
            return load(url)

    silent = fails_when(own_broker.pause)
    own_broker.resume()
    dead = fails_when(own_broker.kill)
    for done in (silent, dead):
        assert done.code == 4
        assert "run the load again: nothing was written" in done.said
    assert store_of(home).content_hash() == before
    assert not list(home.rglob("*.records"))

    own_broker.start()
    monkeypatch.setenv("TASTEGRAPH_KAFKA_TIMEOUT_S", "15")
    assert load(url).result["written"] == 4_000
