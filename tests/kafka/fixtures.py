"""Fixtures of every suite that needs Kafka: the run's one broker, and topics that are the test's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import suppress
from uuid import uuid4

import pytest
from aiokafka.errors import KafkaError

from tests.jvm.maven import ServerUnavailableError
from tests.kafka.broker import KafkaBroker
from tests.kafka.topics import create_topic, delete_topic, is_ready

BOOTSTRAP_VARIABLE = "TASTEGRAPH_TEST_KAFKA"


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The bootstrap servers of the run's one Kafka: those of TASTEGRAPH_TEST_KAFKA, else of a broker from Maven's jars.

    It is started at the first use. Neither to be had is a failure, never a skip. A test that kills brokers starts its own.
    """
    given = os.environ.get(BOOTSTRAP_VARIABLE)
    if given:
        if not is_ready(given):
            pytest.fail(
                f"no Kafka answers at {given}, which {BOOTSTRAP_VARIABLE} names\n"
                f"(start it, or unset {BOOTSTRAP_VARIABLE} to have one started)",
                pytrace=False,
            )
        yield given
        return
    broker = _started_broker(tmp_path_factory)
    if isinstance(broker, ServerUnavailableError):
        pytest.fail(f"no Kafka to test against: {broker}\n(or point {BOOTSTRAP_VARIABLE} at one)", pytrace=False)
    try:
        yield broker.bootstrap
    finally:
        broker.close()


@pytest.fixture
def kafka_topic(kafka_broker: str) -> Generator[Callable[..., str]]:
    """Makes a topic that is this test's own: `kafka_topic("interactions", partitions=2)` is its full name.

    The name ends with what was given; more keywords are the topic's configuration. It is removed after the test.
    """
    made: list[str] = []

    def make(name: str, partitions: int = 1, **config: str) -> str:
        topic = f"test-{uuid4().hex[:8]}.{name}"
        create_topic(kafka_broker, topic, partitions, **config)
        made.append(topic)
        return topic

    yield make
    for topic in made:
        with suppress(KafkaError):  # a test may have removed it itself
            delete_topic(kafka_broker, topic)


def _started_broker(tmp_path_factory: pytest.TempPathFactory) -> KafkaBroker | ServerUnavailableError:
    try:
        broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
        broker.start()
    except ServerUnavailableError as error:
        return error
    return broker
