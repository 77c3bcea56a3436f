"""The objective: tell what was saved from what was drawn at random."""

from __future__ import annotations

from torch import Tensor, nn


def sampled_softmax(
    anchor: Tensor, positive: Tensor, negatives: Tensor, collides: Tensor, temperature: float
) -> Tensor:
    """-log of the probability of the positive among itself and the negatives, by cosine over a temperature; the batch's mean.

    Wu et al., "On the effectiveness of sampled softmax loss for item recommendation", TOIS 2024, eq. 5; cosine as in §4.2.
    anchor, positive: (batch, dim); negatives: (n, dim), shared by the batch; collides: (batch, n) bool, where a negative is the
    positive itself and must not count.
    """
    anchor, positive, negatives = (nn.functional.normalize(x, eps=1e-8) for x in (anchor, positive, negatives))
    right = (anchor * positive).sum(dim=1, keepdim=True) / temperature
    wrong = (anchor @ negatives.T / temperature).masked_fill(collides, -1e9)
    return (wrong.logsumexp(dim=1, keepdim=True).logaddexp(right) - right).mean()
