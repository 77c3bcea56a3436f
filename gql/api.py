"""What the handlers of one process share: the schema, the documents, the release, the threads, the metrics."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp import web

from gql.documents import DocumentCache
from gql.limits import DocumentLimits
from gql.release import Releases
from gql.schema import make_schema
from gql.settings import ServeSettings
from gql.telemetry import Metrics
from graph.visibility import ADMIN, Viewer


class Api:
    """One process's API, apart from HTTP."""

    def __init__(self, settings: ServeSettings, releases: Releases, metrics: Metrics) -> None:
        self.settings = settings
        self.releases = releases
        self.metrics = metrics
        self.schema = make_schema()
        self.documents = DocumentCache(
            self.schema,
            limits_of(settings),
            settings.documents_cached,
            on_miss=metrics.documents_prepared.inc,
        )
        self.threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="rank")
        self.public_attributes = frozenset(settings.public_attributes)
        self.draining = False

    def viewer(self) -> Viewer:
        """Who asks. Without keys the server listens on loopback alone, and whoever asks there is its developer."""
        return ADMIN


API: Final = web.AppKey("api", Api)


def limits_of(settings: ServeSettings) -> DocumentLimits:
    """The limits on a document."""
    return DocumentLimits(
        document_bytes=settings.document_bytes_max,
        tokens=settings.document_tokens_max,
        depth=settings.depth_max,
        fields=settings.fields_max,
        aliases=settings.aliases_max,
        fields_per_name=settings.fields_per_name_max,
    )
