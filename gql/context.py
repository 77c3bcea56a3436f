"""What a resolver knows of its request: one opened release, and who asks. Made once a request, never shared between two.

There are no DataLoaders here: every read is of mapped memory and costs less than a loader's turn of the event loop. What costs
more (rankings, traversals) goes to a thread, one call a field.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple, ParamSpec, TypeVar

import strawberry
from graphql import DocumentNode

from gql.collect import Collector
from gql.keys import Principal
from gql.release import Served
from graph.snapshot import Snapshot
from graph.visibility import Viewer, Visibility
from recommend.serving import Serving

P = ParamSpec("P")
T = TypeVar("T")


class RequestContext(NamedTuple):
    """One request. All of its answer comes from `served`, whatever is swapped meanwhile."""

    served: Served
    snapshot: Snapshot
    """The snapshot of the release."""
    principal: Principal
    """Who asks, and what they may do."""
    viewer: Viewer
    """What that means on this snapshot."""
    visible: Visibility
    document: DocumentNode
    request_id: str
    threads: Executor
    collector: Collector | None = None
    """Records events; None where the server only answers."""
    public_attributes: frozenset[str] = frozenset()
    """Attributes of users that the settings open to all."""

    @property
    def serving(self) -> Serving:
        """The release, opened."""
        return self.served.serving

    async def in_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs index or array work away from the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, partial(function, *args, **kwargs))


Info = strawberry.Info[RequestContext, None]
