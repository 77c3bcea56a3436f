"""A small data set whose answer is known: users and pins have one of a few interests; saves follow it, some chance aside."""

from __future__ import annotations

import numpy as np

from embeddings.dataset import Dataset, Edges
from graph.model import NodeKind
from graph.schema import Link

DAY_MS = 86_400_000


def planted(
    users: int = 120, pins: int = 200, interests: int = 5, saves_a_user: int = 20, noise: float = 0.1, seed: int = 3
) -> Dataset:
    """Every user has a board; half of the saves are on it. A save a minute, users taking turns."""
    rng = np.random.default_rng(seed)
    user = np.tile(np.arange(users), saves_a_user)
    own = rng.integers(0, pins // interests, len(user)) * interests + user % interests
    pin = np.where(rng.random(len(user)) < noise, rng.integers(0, pins, len(user)), own)
    at = np.arange(len(user), dtype=np.int64) * 60_000
    rows = {"user": user.astype(np.int32), "pin": pin.astype(np.int32)}
    boarded = np.arange(len(user)) // users % 2 == 0
    every = np.arange(pins, dtype=np.int32)
    nodes = {
        NodeKind.USER: users,
        NodeKind.PIN: pins,
        NodeKind.BOARD: users,
        NodeKind.INTEREST: interests,
        NodeKind.ENTITY: 0,
    }
    return Dataset(
        nodes,
        {
            Link.SAVED: Edges.of(rows["user"], rows["pin"], at),
            Link.HOLDS: Edges.of(rows["user"][boarded], rows["pin"][boarded], at[boarded], rows["user"][boarded]),
            Link.OWNS: Edges.of(np.arange(users, dtype=np.int32), np.arange(users, dtype=np.int32)),
            Link.ABOUT: Edges.of(every, (every % interests).astype(np.int32)),
        },
    )
