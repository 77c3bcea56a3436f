"""What rows refer to: boards and interests must be in the folder or in the store; users, pins and entities are made bare.

Ids of the folder are kept as sorted 64-bit hashes, 8 bytes each. Two ids that share a hash (about 3 in a million at ten
million ids) can only make a load stop: a store refuses an edge whose end it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graph.model import Id, NodeKind
from loaders.interchange import Table
from loaders.validation.tables import Checked

_SEED: Final = 0x7A57
_Missing = Callable[[NodeKind, Sequence[Id]], set[Id]]
"""Which of some ids the store has no node for (`graph.ports.GraphWriter.missing`)."""


def id_hash(ids: pl.Series) -> NDArray[np.uint64]:
    """64-bit hashes of ids, the same in every run."""
    return ids.hash(_SEED).to_numpy()


class KnownIds:
    """Ids of one kind, by hash. Adding is cheap; the first question after it sorts."""

    def __init__(self) -> None:
        self._sorted = np.empty(0, np.uint64)
        self._added: list[NDArray[np.uint64]] = []

    def add(self, ids: pl.Series) -> None:
        self._added.append(np.unique(id_hash(ids)))

    def unknown(self, ids: pl.Series) -> pl.Series:
        """Those of some distinct ids that are not known."""
        if self._added:
            self._sorted = np.unique(np.concatenate([self._sorted, *self._added]))
            self._added.clear()
        if not len(self._sorted):
            return ids
        wanted = id_hash(ids)
        place = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        return ids.filter(pl.Series(self._sorted[place] != wanted))


MENTIONS: Final[dict[Table, tuple[tuple[str, NodeKind], ...]]] = {
    Table.BOARDS: (("owner_id", NodeKind.USER),),
    Table.INTERACTIONS: (("user", NodeKind.USER), ("target", NodeKind.PIN)),
    Table.FOLLOWS: (("user", NodeKind.USER),),
    Table.PIN_INTERESTS: (("pin_id", NodeKind.PIN),),
    Table.PIN_ENTITIES: (("pin_id", NodeKind.PIN), ("entity_id", NodeKind.ENTITY)),
    Table.RELATIONS: (("head_id", NodeKind.ENTITY), ("tail_id", NodeKind.ENTITY)),
}
"""Columns that name nodes which are made bare where there is none."""

NODE_TABLES: Final[dict[Table, NodeKind]] = {
    Table.USERS: NodeKind.USER,
    Table.PINS: NodeKind.PIN,
    Table.INTERESTS: NodeKind.INTEREST,
    Table.ENTITIES: NodeKind.ENTITY,
    Table.BOARDS: NodeKind.BOARD,
}


class References:
    """The ids that a load knows of. `missing` asks the store, for boards and interests only."""

    def __init__(self, missing: _Missing) -> None:
        self.known = {kind: KnownIds() for kind in NodeKind}
        self._missing = missing

    def dangling(self, kind: NodeKind, ids: pl.Series) -> pl.Series:
        """Those of some ids (distinct, no null) that neither the folder nor the store has. What the store has is remembered."""
        unknown = self.known[kind].unknown(ids)
        if not len(unknown):
            return unknown
        missing = self._missing(kind, unknown.to_list())
        gone = unknown.is_in(sorted(missing))
        self.known[kind].add(unknown.filter(~gone))
        return unknown.filter(gone)

    def resolve(self, checked: Checked) -> tuple[Checked, dict[NodeKind, pl.Series]]:
        """Refuses rows that name a board or an interest which is nowhere; and the bare nodes that the others need."""
        frame = checked.frame
        if checked.table is Table.INTERACTIONS:
            checked = checked.without(self._refusal(frame, "board", "board_id", NodeKind.BOARD))
        elif checked.table is Table.PIN_INTERESTS:
            checked = checked.without(self._refusal(frame, "interest_id", "interest_id", NodeKind.INTEREST))
        elif checked.table is Table.FOLLOWS:
            for kind in (NodeKind.BOARD, NodeKind.INTEREST):
                named = pl.when(pl.col("target_kind") == kind.value).then(pl.col("target")).alias("named")
                named_frame = checked.frame.select(named)
                checked = checked.without(self._refusal(named_frame, "named", "target_id", kind))
        return checked, self._bare(checked)

    def _refusal(self, frame: pl.DataFrame, column: str, called: str, kind: NodeKind) -> pl.Series:
        """A reason for each row whose column names nothing."""
        gone = self.dangling(kind, frame[column].drop_nulls().unique())
        reason = f"{called} names no {kind.lower()} of the folder or the store"
        broken = pl.col(column).is_in(gone.implode())
        return frame.select(pl.when(broken).then(pl.lit(reason)).alias("reason")).to_series()

    def _bare(self, checked: Checked) -> dict[NodeKind, pl.Series]:
        frame = checked.frame
        named = [(frame[column], kind) for column, kind in MENTIONS.get(checked.table, ())]
        if checked.table is Table.FOLLOWS:
            named.append((frame.filter(pl.col("target_kind") == NodeKind.USER.value)["target"], NodeKind.USER))
        bare: dict[NodeKind, pl.Series] = {}
        for ids, kind in named:
            unknown = self.known[kind].unknown(ids.unique())
            if len(unknown):
                bare[kind] = pl.concat([bare[kind], unknown.rename("id")]) if kind in bare else unknown.rename("id")
        return bare
