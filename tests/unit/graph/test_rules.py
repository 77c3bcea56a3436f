"""Digests and ids that are in people's stores: they never change. And the rules on examples that a person can check."""

from __future__ import annotations

import hashlib
import math
import struct

import pytest

from graph.contenthash import ContentHash
from graph.errors import InvalidInputError
from graph.model import ATTRIBUTES_BYTES_MAX, About, Board, EventKind, Id, Is, NodeKind, Pin, Relates, TimeMs, User
from graph.rules import canonical_json, derived_event_id, edge_digest, holds, node_digest, payload_digest
from tests.graphs import event

SAVE, UNSAVE, HIDE = EventKind.SAVE, EventKind.UNSAVE, EventKind.HIDE


class TestFrozen:
    """Literal digests. A test that fails here says: every store and log out there would be read wrongly."""

    def test_derived_ids(self) -> None:
        save = derived_event_id(SAVE, "u1", NodeKind.PIN, "p1", "b1", 1714521600000)
        assert save == "b20f4723747788247d6ae6441f08fada"
        assert derived_event_id(SAVE, "u1", NodeKind.PIN, "p1") == "2e02f17753b1b51c11e8c8bd22311065"
        follow = derived_event_id(EventKind.FOLLOW, "u1", NodeKind.BOARD, "b1", None, -1)
        assert follow == "073f1cd94b7638fbdf53b6af09339140"
        assert derived_event_id(EventKind.VIEW, "é", NodeKind.PIN, "😀", None, 0) == "c9e8d726d6bf1686bdb5e8be4ee485ca"

    def test_a_derived_id_can_be_made_from_its_description_alone(self) -> None:
        """BLAKE2b-128 of length-prefixed fields; what another program would write."""

        def field(value: bytes | None) -> bytes:
            return b"\xff\xff\xff\xff" if value is None else struct.pack(">I", len(value)) + value

        at = struct.pack(">q", 1714521600000)
        joined = b"".join(map(field, (b"SAVE", b"u1", b"p1", b"b1", at)))
        expected = hashlib.blake2b(joined, digest_size=16).hexdigest()
        assert derived_event_id(SAVE, "u1", NodeKind.PIN, "p1", "b1", 1714521600000) == expected
        joined = b"".join(map(field, (b"SAVE", b"u1", b"p1", None, None)))
        expected = hashlib.blake2b(joined, digest_size=16).hexdigest()
        assert derived_event_id(SAVE, "u1", NodeKind.PIN, "p1") == expected

    def test_payloads_with_weight_and_group(self) -> None:
        digest = payload_digest(EventKind.VIEW, "u1", NodeKind.PIN, "p1", None, 5, 2.5, "g")
        assert digest.hex() == "8d4cf54b8f12a70fa5e09968b5487da2"

    def test_nodes(self) -> None:
        user = User(Id("u1"), TimeMs(5), '{"a":1}')
        assert node_digest(user).hex() == "c7e0e7c92dbf0c82a0cb8f0ab7266340"
        secret = Board(Id("b1"), Id("u1"), None, secret=True)
        assert node_digest(secret, 7).hex() == "a1beac8370007cef99c0f968aea9d3ff"
        assert node_digest(Pin(Id("p1"), "Ü", 'q"\\\n\x7f')).hex() == "4183d0ffb540df64e66fc238a2a188f8"

    def test_edges(self) -> None:
        assert edge_digest(About(Id("p"), Id("i"), 0.5)).hex() == "effc9a0fda0c357206637c68f1abd923"
        assert edge_digest(Relates(Id("a"), "x", Id("b"))).hex() == "6ea584d6eea6371b8c1912c1fdfea2e8"


def test_digests_tell_what_looks_alike_apart() -> None:
    digests = [
        node_digest(Pin(Id("x"))),
        node_digest(User(Id("x"))),
        node_digest(Pin(Id("x"), "")),
        node_digest(Pin(Id("x"), None, "")),
        node_digest(Pin(Id("x")), 0),
        edge_digest(About(Id("x"), Id("y"))),
        edge_digest(Is(Id("x"), Id("y"))),
        edge_digest(About(Id("x"), Id("y"), 1.0)),
        edge_digest(Relates(Id("x"), "ab", Id("y"))),
        edge_digest(Relates(Id("xa"), "b", Id("y"))),
        payload_digest(SAVE, "u", NodeKind.PIN, "p"),
        payload_digest(UNSAVE, "u", NodeKind.PIN, "p"),
        payload_digest(SAVE, "u", NodeKind.PIN, "p", ""),
        payload_digest(SAVE, "u", NodeKind.PIN, "p", None, 0),
        payload_digest(SAVE, "u", NodeKind.PIN, "p", group_id=""),
    ]
    assert len(set(digests)) == len(digests)


class TestContentHash:
    def test_order_and_batches_do_not_matter(self) -> None:
        digests = [hashlib.blake2b(bytes([number]), digest_size=16).digest() for number in range(9)]
        whole, parts = ContentHash(), ContentHash()
        whole.add(digests)
        for digest in reversed(digests):
            parts.add([digest])
        parts.add([])
        assert whole.hexdigest() == parts.hexdigest() != ContentHash().hexdigest()

    def test_the_same_record_twice_is_not_nothing(self) -> None:
        twice = ContentHash()
        twice.add([b"\x80" * 16, b"\x80" * 16])
        assert twice.hexdigest() != ContentHash().hexdigest()

    def test_an_id_counts_beside_its_payload(self) -> None:
        digest = payload_digest(SAVE, "u", NodeKind.PIN, "p")
        hashes: set[str] = set()
        for event_id in (digest.hex(), digest.hex().upper(), "a", "b"):
            total = ContentHash()
            total.add_event([event_id], [digest])
            hashes.add(total.hexdigest())
        assert len(hashes) == 4


class TestCanonicalJson:
    def test_one_spelling(self) -> None:
        assert (
            canonical_json({"b": [1, 2.5, None, True], "a": {"ü": "é\n"}}) == '{"a":{"ü":"é\\n"},"b":[1,2.5,null,true]}'
        )
        assert canonical_json({}) == "{}"

    @pytest.mark.parametrize(
        "value", [{"x": math.nan}, {"x": math.inf}, {"x": {1, 2}}, {"x": b"raw"}, {"x": "\ud800"}, {"x": object()}]
    )
    def test_what_json_can_not_say_is_refused(self, value: dict[str, object]) -> None:
        with pytest.raises(InvalidInputError, match="JSON"):
            canonical_json(value)

    def test_something_too_deep_is_refused(self) -> None:
        deep: list[object] = []
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises(InvalidInputError, match="JSON"):
            canonical_json({"x": deep})

    def test_size_is_counted_in_bytes(self) -> None:
        overhead = len(canonical_json({"x": ""}))
        fits = {"x": "é" * ((ATTRIBUTES_BYTES_MAX - overhead) // 2)}
        assert len(canonical_json(fits).encode()) == ATTRIBUTES_BYTES_MAX
        with pytest.raises(InvalidInputError, match=str(ATTRIBUTES_BYTES_MAX)):
            canonical_json({"x": fits["x"] + "e"})


class TestWhatHolds:
    def saved(self, *happened: tuple[EventKind, str | None, int | None]) -> set[str | None]:
        """Boards that hold the pin after (kind, board, at)."""
        found = holds(
            event(kind, "u", "p", None if at is None else TimeMs(at), board=board) for kind, board, at in happened
        )
        return {board for _, _, board in found.saved}

    def test_a_save_at_the_time_of_its_end_does_not_hold(self) -> None:
        assert self.saved((SAVE, "b", 1), (UNSAVE, "b", 1)) == set()
        assert self.saved((SAVE, "b", 2), (UNSAVE, "b", 1)) == {"b"}

    def test_an_end_without_a_board_ends_all(self) -> None:
        assert self.saved((SAVE, "b", 1), (SAVE, None, 1), (SAVE, "c", 3), (UNSAVE, None, 2)) == {"c"}

    def test_an_end_on_one_board_leaves_the_others(self) -> None:
        assert self.saved((SAVE, "b", 1), (SAVE, None, 1), (SAVE, "c", 1), (UNSAVE, "b", 2)) == {None, "c"}

    def test_no_time_is_earlier_than_any(self) -> None:
        assert self.saved((SAVE, "b", None), (UNSAVE, "b", -(10**15))) == set()
        assert self.saved((SAVE, "b", -(10**15)), (UNSAVE, "b", None)) == {"b"}
        assert self.saved((SAVE, "b", None), (UNSAVE, "b", None)) == set()

    def test_a_pin_saved_after_it_was_hidden_is_seen_again(self) -> None:
        def hidden(save_at: int) -> bool:
            happened = [event(HIDE, "u", "p", TimeMs(5)), event(SAVE, "u", "p", TimeMs(save_at), board="b")]
            return ("u", "p") in holds(happened).hidden

        assert [hidden(at) for at in (4, 5, 6)] == [True, True, False]

    def test_two_views_at_one_time_are_one_unless_they_have_ids(self) -> None:
        same = [event(EventKind.VIEW, "u", "p", TimeMs(1)) for _ in range(2)]
        named = [event(EventKind.VIEW, "u", "p", TimeMs(1), event_id=id_) for id_ in ("x", "y")]
        assert holds(same).viewed[Id("u"), Id("p")].weight == 1.0
        assert holds(named).viewed[Id("u"), Id("p")].weight == 2.0
