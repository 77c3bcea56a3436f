"""What the URL of Kafka topics asks for, and what is wrong with it when it can't be used."""

from __future__ import annotations

import pytest

from graph.errors import InvalidInputError
from loaders.interchange import Table
from loaders.sources.kafka_url import Start, parse_url


@pytest.mark.parametrize(
    ("url", "bootstrap", "tables"),
    [
        ("kafka://h:1/pins", "h:1", {"pins": Table.PINS}),
        ("kafka://h/pins", "h:9092", {"pins": Table.PINS}),
        ("kafka://a:1,b,[::1]:3,[::1]/pins", "a:1,b:9092,[::1]:3,[::1]:9092", {"pins": Table.PINS}),
        ("kafka://h:1/eu-west.pin_interests", "h:1", {"eu-west.pin_interests": Table.PIN_INTERESTS}),
        ("kafka://h:1/x-saves?table=interactions", "h:1", {"x-saves": Table.INTERACTIONS}),
        ("kafka://h:1/x.users,x.boards", "h:1", {"x.users": Table.USERS, "x.boards": Table.BOARDS}),
        ("kafka://h:1/users?table=pins", "h:1", {"users": Table.PINS}),
    ],
)
def test_brokers_topics_and_tables(url: str, bootstrap: str, tables: dict[str, Table]) -> None:
    source = parse_url(url)
    assert (source.bootstrap, source.tables) == (bootstrap, tables)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("earliest", Start()),
        ("17", Start(offset=17)),
        ("0:5,3:9", Start(offsets={0: 5, 3: 9})),
        ("2024-01-31T00:00:00Z", Start(at=1_706_659_200_000)),
        ("2024-01-31T02:00:00+02:00", Start(at=1_706_659_200_000)),
        ("2024-01-31T02:00:00%2B02:00", Start(at=1_706_659_200_000)),
    ],
)
def test_where_reading_begins(text: str, start: Start) -> None:
    assert parse_url(f"kafka://h:1/pins?from={text}").start == start


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("kafka:///pins", "names no broker or no topic"),
        ("kafka://h:1", "names no broker or no topic"),
        ("kafka://h:1/", "names no broker or no topic"),
        ("kafka://h:0/pins", "'h:0' is no HOST:PORT"),
        ("kafka://h:x/pins", "'h:x' is no HOST:PORT"),
        ("kafka://h:1,/pins", "'' is no HOST:PORT"),
        ("kafka://ada:secret@h:1/pins", "credentials do not go into a Kafka URL"),
        ("kafka://h:1/a/pins", "'a/pins' is no name of a topic"),
        ("kafka://h:1/pins,pins", "'pins' is no name of a topic, or is named twice"),
        ("kafka://h:1/saves", "does not end with the name of a table"),
        ("kafka://h:1/saves?table=saves", "table=saves is no table"),
        ("kafka://h:1/pins?table=pins&table=users", "gives table twice"),
        ("kafka://h:1/pins?tabel=pins", "not 'tabel'"),
        ("kafka://h:1/pins?from=latest", "from=latest is no start"),
        ("kafka://h:1/pins?from=-1", "from=-1 is no start"),
        ("kafka://h:1/pins?from=0:1,", "from=0:1, is no start"),
        ("kafka://h:1/pins,users?from=7", "offsets count in one topic"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_in_one_line(url: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_url(url)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
