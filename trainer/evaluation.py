"""How well a model predicts a text, in nats per character."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trainer.nn import CharacterLSTM
from trainer.text import Part, find_resets

WINDOW = 128
"""Steps scored at once; the result does not depend on it beyond rounding."""
WARM_UP = 256
"""Characters that a stream reads before it scores: enough to forget that it began from nothing."""


class Score(NamedTuple):
    """The result of scoring.

    Attributes:
        nats: mean loss per character.
        characters: how many were scored.
    """

    nats: float
    characters: int

    @property
    def bits(self) -> float:
        """Mean bits per character."""
        return self.nats / math.log(2)

    @property
    def perplexity(self) -> float:
        """Exponential of the mean loss: how many equally likely characters would be as hard."""
        try:
            return math.exp(self.nats)
        except OverflowError:  # a diverged model
            return math.inf


def score(
    model: CharacterLSTM,
    text: Part,
    streams: int = 1,
    progress: Callable[[int], object] | None = None,
) -> Score:
    """Score every character of a text but the first exactly once.

    With one stream the text is read from a zero state in one go. Several streams each read a
    stretch of it side by side, after warming up on the `WARM_UP` characters just before; the first
    stream starts at the text's start and scores its warm-up too. A text too short for so many
    streams is cut into fewer.

    Args:
        text: of at least 2 characters; where texts of their own begin in it, the state is reset.
        progress: called with the number of time steps done since the last call.
    """
    ids, borders = text
    n = len(ids) - 1  # predictions
    streams = max(1, min(streams, n // (2 * WARM_UP)))
    warm_up = WARM_UP if streams > 1 else 0
    stretch = -(-(n - warm_up) // streams)
    starts = np.arange(streams) * stretch

    state, total = model.zero_state(streams), 0.0
    for first in range(0, warm_up + stretch, WINDOW):
        steps = np.arange(first, min(first + WINDOW, warm_up + stretch))[:, None]
        places = steps + starts  # (T, streams): where each stream is in the text
        counted = ((steps >= warm_up) | (starts == 0)) & (places < n)
        places = np.minimum(places, n - 1)  # the last stretches may reach beyond the end
        x, y = (model.backend.asarray(ids[p].astype(np.int32)) for p in (places, places + 1))
        resets = find_resets(borders, ids[places], places)
        logits, state = model.forward(x, state, resets=resets)
        _, losses = model.loss.forward(logits, y)
        total += float(model.backend.to_host(losses)[counted].sum(dtype=np.float64))
        if progress is not None:
            progress(len(steps))
    return Score(total / n, n)
