"""The Kafka broker's jars: `python -m tests.kafka.jars` fetches them into `build/kafka/lib` if they are not there."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.jvm import maven
from tests.jvm.maven import REPOSITORY, ServerUnavailableError

POM = Path(__file__).with_name("pom.xml")
CACHE = REPOSITORY / "build" / "kafka"


def jar_folder(cache: Path = CACHE) -> Path:
    """The folder of jars that makes the broker's class path, fetched first if it is not there or belongs to another pom.xml."""
    return maven.jar_folder(POM, cache, "Kafka's jars (46 MB)")


if __name__ == "__main__":
    try:
        jar_folder()
    except ServerUnavailableError as error:
        sys.exit(str(error))
