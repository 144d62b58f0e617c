"""Drawing a symbol from the scores of all."""

from __future__ import annotations

from typing import Any

import numpy as np

Vector = np.ndarray[Any, np.dtype[np.float64]]


def choose(
    scores: Vector,
    generator: np.random.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> int:
    """Draw a symbol.

    Args:
        scores: (V,) logits, in float64; -inf where a symbol may not be drawn.
        temperature: divides the scores; 0 takes the best.
        top_k: only the k best may be drawn.
        top_p: only the fewest best whose probabilities sum to at least this may be drawn (nucleus
            sampling, Holtzman et al. 2020); after top_k.
    """
    if temperature == 0:
        return int(scores.argmax())
    scores = scores - scores.max()
    if temperature != 1:
        scores /= temperature
    if top_k is not None and top_k < len(scores):
        # Stable, so that of equal scores the first ones stay, and never more than k.
        scores[(-scores).argsort(kind="stable")[top_k:]] = -np.inf
    p = np.exp(scores)  # of sum 1 only where that matters
    if top_p is not None and top_p < 1:
        p /= p.sum()
        order = (-p).argsort(kind="stable")
        before = p[order].cumsum() - p[order]  # the mass of all better ones
        p[order[before >= top_p]] = 0
    cumulative = p.cumsum()
    # side="right" never lands on a symbol of probability 0.
    return int(cumulative.searchsorted(generator.random() * cumulative[-1], side="right"))


def probability_of(scores: Vector, symbol: int) -> float:
    """Return the softmax of (V,) logits at a symbol: what scoring a text takes the logarithm of."""
    p = np.exp(scores - scores.max())
    return float(p[symbol] / p.sum())
