"""What a load is given, a folder or a URL, as the folder that it reads."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from graph.console import progress
from graph.sealed import building
from graph.settings import Home, KafkaSettings
from loaders.interchange import Folder, open_folder
from loaders.sources.kafka_url import SCHEME, parse_url


@contextmanager
def opened(source: Path | str, home: Home, now_ms: int) -> Generator[Folder]:
    """The folder of a source: itself, or what was fetched of topics of Kafka, which is gone afterwards.

    Raises what `loaders.interchange.open_folder` and `loaders.sources.kafka.read_topics` raise. `now_ms`: when the load began.
    """
    if not str(source).startswith(SCHEME):
        yield open_folder(Path(source), now_ms)
        return
    from loaders.sources.kafka import read_topics  # brings a client that loads of files can do without

    topics = parse_url(str(source))
    with building(home.checkpoints) as workspace:
        with progress() as bars:
            folder = read_topics(topics, KafkaSettings(), workspace, bars)
        yield folder
