"""What the handlers of one process share: the schema, the documents, the release, the threads, the metrics."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp import web

from gql.collect import Collector
from gql.documents import DocumentCache
from gql.keys import DEVELOPER, Keys, Principal
from gql.limits import DocumentLimits
from gql.release import Releases
from gql.schema import make_schema
from gql.settings import ServeSettings
from gql.telemetry import Metrics
from gql.trusted import OPEN, Trust, TrustedDocuments
from graph.errors import InvalidInputError


class Api:
    """One process's API, apart from HTTP."""

    def __init__(self, settings: ServeSettings, releases: Releases, metrics: Metrics, keys: Keys | None = None) -> None:
        self.settings = settings
        self.releases = releases
        self.metrics = metrics
        self.collector: Collector | None = None
        """Records events; None where the server only answers."""
        self.keys = keys
        self.trust = trust_of(settings)
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

    def principal(self, authorization: str | None) -> Principal:
        """Who sends this `Authorization` header. Raises HttpError (401) where a key is needed and none of ours is sent."""
        return DEVELOPER if self.keys is None else self.keys.principal(authorization)


API: Final = web.AppKey("api", Api)


def trust_of(settings: ServeSettings) -> Trust:
    """Which documents are answered. Raises InvalidInputError for production without a manifest, and what opening one raises."""
    production = settings.mode == "production"
    if settings.documents is None:
        if production:
            raise InvalidInputError(
                "production answers trusted documents only: set TASTEGRAPH_SERVE_DOCUMENTS to the manifest that"
                " `tastegraph documents build` made"
            )
        return OPEN
    return Trust(TrustedDocuments.open(settings.documents), only=production)


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
