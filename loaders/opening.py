"""What a load is given, a folder or a URL, as the folder that it reads."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graph.console import progress
from graph.errors import InvalidInputError
from graph.sealed import building
from graph.settings import Home, KafkaSettings
from loaders.interchange import Folder, open_folder
from loaders.mapping import mapped_folder
from loaders.mending import mended_folder, newest
from loaders.sources.kafka_url import SCHEME, parse_url


@dataclass(frozen=True, slots=True)
class Opening:
    """How a source is read. mapping: a TOML file that says what a user's own files mean (`loaders.mapping`).

    from_quarantine: the source is a quarantine file, or None for the newest one (`loaders.mending`).
    """

    mapping: Path | None = None
    from_quarantine: bool = False


@contextmanager
def opened(source: Path | str | None, how: Opening, home: Home, now_ms: int) -> Generator[Folder]:
    """The folder of a source: itself, or what was fetched of topics of Kafka or a quarantine, which is gone afterwards.

    Raises InvalidInputError for a source that can't be used, and what `loaders.sources.kafka.read_topics` raises. `now_ms`:
    when the load began.
    """
    if how.from_quarantine:
        path = newest(home) if source is None else Path(source)
        with building(home.checkpoints) as workspace:
            yield mended_folder(path, workspace)
    elif source is None:
        raise InvalidInputError("name a folder to load, or topics of Kafka; or give --from-quarantine")
    elif not str(source).startswith(SCHEME):
        folder = Path(source)
        yield open_folder(folder, now_ms) if how.mapping is None else mapped_folder(folder, how.mapping, now_ms)
    elif how.mapping is not None:
        raise InvalidInputError("--mapping is for folders; records of Kafka have the columns of their table")
    else:
        from loaders.sources.kafka import read_topics  # brings a client that loads of files can do without

        topics = parse_url(str(source))
        with building(home.checkpoints) as workspace:
            with progress() as bars:
                folder = read_topics(topics, KafkaSettings(), workspace, bars)
            yield folder
