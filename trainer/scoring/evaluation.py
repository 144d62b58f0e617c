"""How well a model predicts a text, in nats per character."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.backend import Array
from trainer.nn import CharacterLSTM, LSTMState
from trainer.text import Span, find_resets

Floats = npt.NDArray[np.floating[Any]]

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


class Predictions(NamedTuple):
    """What a model expected in T time steps of S streams side by side.

    Attributes:
        losses: (T, S) nats of the symbols that came.
        counted: (T, S), which of them count: the others are of a warm-up, or beyond the end.
        unnormalised_probabilities: (T, S, V) of all symbols, 1 for the likeliest; an array of the
            device, good until the next predictions.
    """

    losses: Floats
    counted: npt.NDArray[np.bool_]
    unnormalised_probabilities: Array


def usable_streams(predictions: int, wanted: int) -> int:
    """Return how many streams a text is cut into: each is longer than its warm-up."""
    return max(1, min(wanted, predictions // (2 * WARM_UP)))


def predict(model: CharacterLSTM, text: Span, streams: int = 1) -> Iterator[Predictions]:
    """Predict every symbol of a text but the first, a window of time steps after the other.

    With one stream the text is read from a zero state in one go. Several streams each read a
    stretch of it side by side, after warming up on the `WARM_UP` characters just before; the first
    stream starts at the text's start and its warm-up counts too. A text too short for so many
    streams is cut into fewer.
    """
    ids, borders, _ = text
    n = len(ids) - 1  # predictions
    streams = usable_streams(n, streams)
    warm_up = WARM_UP if streams > 1 else 0
    stretch = -(-(n - warm_up) // streams)
    starts = np.arange(streams) * stretch

    state = beginning(model, text, streams)
    for first in range(0, warm_up + stretch, WINDOW):
        steps = np.arange(first, min(first + WINDOW, warm_up + stretch))[:, None]
        places = steps + starts  # (T, S): where each stream is in the text
        counted = ((steps >= warm_up) | (starts == 0)) & (places < n)
        places = np.minimum(places, n - 1)  # the last stretches may reach beyond the end
        x, y, resets = model.backend.upload(
            ids[places].astype(np.int32),
            ids[places + 1].astype(np.int32),
            find_resets(borders, ids[places], places),
        )
        logits, state = model.forward(x, state, resets=resets)
        found = model.loss.forward(logits, y)
        yield Predictions(model.backend.to_host(found), counted, logits)


def beginning(model: CharacterLSTM, text: Span, streams: int = 1) -> LSTMState:
    """Return the state (L, streams, H) in which a text's first symbol is read."""
    state = model.zero_state(streams)
    if text.before is not None:
        (x,) = model.backend.upload(np.full((1, streams), text.before, np.int32))
        _, state = model.forward(x, state)
    return state


def losses(model: CharacterLSTM, text: Span) -> Iterator[npt.NDArray[np.float64]]:
    """Yield how unexpected each symbol of a text is, in nats, read in one go from a zero state.

    Yields:
        (T,): of the next T symbols. The first array begins with the text's second symbol, as
        nothing predicts the first; altogether there are n - 1 numbers for n symbols.
    """
    for window in predict(model, text):
        yield window.losses[:, 0].astype(np.float64)


def score(
    model: CharacterLSTM,
    text: Span,
    streams: int = 1,
    progress: Callable[[float], object] | None = None,
) -> Score:
    """Score every character of a text but the first exactly once.

    Args:
        text: of at least 2 characters; where texts of their own begin in it, the state is reset.
        streams: how many are read side by side, see `predict`.
        progress: called with the share that is done.
    """
    n, total, done = len(text.ids) - 1, 0.0, 0
    for window in predict(model, text, streams):
        total += float(window.losses[window.counted].sum(dtype=np.float64))
        if progress is not None:
            done += int(window.counted.sum())
            progress(done / n)
    return Score(total / n, n)
