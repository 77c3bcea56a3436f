"""What the servers of `benchmarks.serve` are asked: each question to ours and to the peer, and what of an answer must agree.

Q1: a user with 20 saves. Q2: a pin, 10 boards that it is on, 10 pins on each. Q3: 20 pins related to one. Q4: a user's feed,
each pin with its reasons; no peer has it. Of Q1 and Q2 whole answers must agree, order included. Q3 is the peer's count of
people who saved both, and our ranking, of which that count is one part: only how many there are is compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[Any]
Read = Callable[[dict[str, Any]], Rows]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, as each server is asked it. `ours` and `theirs` read comparable rows out of `data`."""

    name: str
    about: str
    """`User` or `Pin`."""
    query: str
    peer_query: str | None
    ours: Read
    theirs: Read
    same: bool
    """Whether the rows must be equal; else as many."""

    def body(self, key: str, *, peer: bool) -> str:
        """The request about a node."""
        query = self.peer_query if peer else self.query
        return json.dumps({"query": query, "variables": {"key": key}})

    def agree(self, ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
        """Whether both answered the same."""
        one, other = self.ours(ours), self.theirs(theirs)
        return one == other if self.same else len(one) == len(other)


def _pins(connection: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(edge["node"]["key"], edge["node"]["title"]) for edge in connection["edges"]]


def _boards(connection: dict[str, Any], pins: str) -> Rows:
    nodes = [edge["node"] for edge in connection["edges"]]
    return [(node["key"], node["title"], _pins(node[pins])) for node in nodes]


QUESTIONS = (
    Question(
        name="q1",
        about="User",
        query="""query Saves($key: String!) { user(key: $key) { key saves(first: 20) {
            edges { node { key title } } pageInfo { hasNextPage }
        } } }""",
        peer_query="""query Saves($key: ID!) { users(where: { key: { eq: $key } }) { key
            savesConnection(first: 20, sort: [{ edge: { fromSource: ASC } }]) {
                edges { node { key title } } pageInfo { hasNextPage }
            }
        } }""",
        ours=lambda data: [*_pins(data["user"]["saves"]), data["user"]["saves"]["pageInfo"]],
        theirs=lambda data: [
            *_pins(data["users"][0]["savesConnection"]),
            data["users"][0]["savesConnection"]["pageInfo"],
        ],
        same=True,
    ),
    Question(
        name="q2",
        about="Pin",
        query="""query Boards($key: String!) { pin(key: $key) { key title boards(first: 10) {
            edges { node { key title pins(first: 10) { edges { node { key title } } } } }
        } } }""",
        peer_query="""query Boards($key: ID!) { pins(where: { key: { eq: $key } }) { key title
            boardsConnection(first: 10, sort: [{ edge: { fromTarget: ASC } }]) { edges { node { key title
                pinsConnection(first: 10, sort: [{ edge: { fromSource: ASC } }]) { edges { node { key title } } }
            } } }
        } }""",
        ours=lambda data: _boards(data["pin"]["boards"], "pins"),
        theirs=lambda data: _boards(data["pins"][0]["boardsConnection"], "pinsConnection"),
        same=True,
    ),
    Question(
        name="q3",
        about="Pin",
        query="""query Related($key: String!) { pin(key: $key) { key relatedPins(first: 20) {
            edges { node { key title } }
        } } }""",
        peer_query="""query Related($key: ID!) { pins(where: { key: { eq: $key } }) { key
            relatedPins(first: 20) { key title }
        } }""",
        ours=lambda data: data["pin"]["relatedPins"]["edges"],
        theirs=lambda data: data["pins"][0]["relatedPins"],
        same=False,
    ),
    Question(
        name="q4",
        about="User",
        query="""query Feed($key: String!) { user(key: $key) { key feed(first: 20) {
            edges { score node { key title } reasons { text source share path { label } } }
        } } }""",
        peer_query=None,
        ours=lambda data: data["user"]["feed"]["edges"],
        theirs=lambda _: [],
        same=False,
    ),
)
