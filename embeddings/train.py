"""The loop: from a data set and a recipe to vectors, top to bottom. When to stop and how to score is decided elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from embeddings.dataset import Dataset
from embeddings.heterograph import heterograph
from embeddings.loss import sampled_softmax
from embeddings.model import Encoder
from embeddings.sampling import Objective
from embeddings.settings import Recipe
from graph.model import NodeKind
from graph.schema import Link

Vectors = Mapping[NodeKind, NDArray[np.float32]]
Watch = Callable[[int, float, Vectors], tuple[Mapping[str, Any], bool]]
"""Called after an epoch with its number, mean loss and vectors: what to add to the epoch's record, and whether to go on."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run made. history: one record an epoch. weights: the parameters by name, as arrays."""

    vectors: Vectors
    history: list[dict[str, Any]]
    weights: dict[str, NDArray[np.float32]]
    threads: int


def fit(data: Dataset, recipe: Recipe, watch: Watch | None = None) -> Trained:
    """Trains for `recipe.epochs` epochs; the same vectors for the same data, recipe, machine, versions and threads."""
    torch.set_num_threads(recipe.threads or torch.get_num_threads())
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    graph = heterograph(
        data,
        half_life=recipe.half_life,
        source_exponent=recipe.source_exponent,
        target_exponent=recipe.target_exponent,
    )
    encoder = Encoder(graph, recipe.dim, recipe.layers, recipe.gate_margin)
    saves = Objective.of(Link.SAVED, data.saves, 1.0)
    beside = [Objective.of(Link.HOLDS, data.links[Link.HOLDS], recipe.board_weight)] if recipe.board_weight else []
    learnt = {kind for objective in (saves, *beside) for kind in (objective.source, objective.target)}
    steps = math.ceil(len(saves.ends) / recipe.batch_pairs) * recipe.epochs_max
    optimizer = torch.optim.Adam(encoder.parameters(), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1)))
    )

    def loss_of(objective: Objective, pairs: torch.Tensor, out: Mapping[NodeKind, torch.Tensor]) -> torch.Tensor:
        negatives = objective.negatives(recipe.negatives, generator)
        targets = out[objective.target]
        return objective.weight * sampled_softmax(
            torch.nn.functional.embedding(pairs[:, 0], out[objective.source]),
            torch.nn.functional.embedding(pairs[:, 1], targets),
            torch.nn.functional.embedding(negatives, targets),
            pairs[:, 1:] == negatives,
            recipe.temperature,
        )

    history: list[dict[str, Any]] = []
    for epoch in range(1, recipe.epochs + 1):
        began, losses = time.perf_counter(), []
        for pairs in saves.batches(recipe.batch_pairs, generator):
            out = encoder(learnt)
            loss = loss_of(saves, pairs, out)
            losses.append(loss.item())
            for objective in beside:
                loss = loss + loss_of(objective, objective.draw(recipe.batch_pairs, generator), out)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        record: dict[str, Any] = {
            "epoch": epoch,
            "loss": float(np.mean(losses)),
            "learning_rate": schedule.get_last_lr()[0],
            "seconds": round(time.perf_counter() - began, 3),
        }
        seen, go_on = watch(epoch, record["loss"], _vectors(encoder)) if watch is not None else ({}, True)
        history.append({**record, **seen})
        if not go_on:
            break
    weights = {name: value.detach().numpy().copy() for name, value in encoder.named_parameters()}
    return Trained(_vectors(encoder), history, weights, torch.get_num_threads())


@torch.no_grad()
def _vectors(encoder: Encoder) -> Vectors:
    return {kind: vectors.numpy() for kind, vectors in encoder().items()}
