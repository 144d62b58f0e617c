"""How well a model predicts each character of a text, a piece of it at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.nn import CharacterLSTM
from trainer.scoring.evaluation import predict
from trainer.scoring.text import Integers, Text

Floats = npt.NDArray[np.float64]


class Characters(NamedTuple):
    """Some characters of a text in a row, and how well each was predicted.

    A character is one symbol, or the bytes of its UTF-8: n symbols make m characters.

    Attributes:
        text: the m characters.
        position: how many characters of the text stand before them.
        line, column: where the first one stands, both from 1; a line feed ends its line.
        place: how many symbols stand before them.
        starts: (m + 1,) where in the arrays below the symbols of each character begin, and n.
        losses: (n,) nats of each symbol; 0 for the text's first, which nothing predicts.
        likeliest: (n,) id of the symbol that had the highest probability.
        highest: (n,) that probability.
    """

    text: str
    position: int
    line: int
    column: int
    place: int
    starts: Integers
    losses: Floats
    likeliest: Integers
    highest: Floats

    @property
    def nats(self) -> Floats:
        """Nats of each character (m,), the sum over its symbols."""
        return np.add.reduceat(self.losses, self.starts[:-1])

    @property
    def probabilities(self) -> Floats:
        """Probability that the model gave each character (m,): the one place that computes it."""
        return np.exp(-self.nats)

    @property
    def predicted(self) -> Integers:
        """How many symbols of each character were predicted (m,): all but the text's first."""
        symbols = np.diff(self.starts)
        symbols[0] -= self.position == 0
        return symbols

    def where(self, index: int) -> tuple[int, int]:
        """Return line and column of one of the characters."""
        breaks = self.text.count("\n", 0, index)
        if not breaks:
            return self.line, self.column + index
        return self.line + breaks, index - self.text.rindex("\n", 0, index)


def characters(
    model: CharacterLSTM, text: Text, progress: Callable[[int], object] | None = None
) -> Iterator[Characters]:
    """Score a text as `evaluation.score` does in one stream, and yield all its characters.

    Args:
        text: of at least 2 symbols.
        progress: called with the number of symbols scored since the last call.
    """
    position = place = 0
    line = column = 1
    # What is not yet a whole character; at first the first symbol, which nothing predicts.
    losses, likeliest, highest = np.zeros(1), np.zeros(1, np.intp), np.ones(1)
    for window in predict(model, text.span):
        p = window.unnormalised_probabilities[:, 0]  # (T, V)
        losses = np.append(losses, window.losses[:, 0])
        likeliest = np.append(likeliest, model.backend.to_host(p.argmax(axis=1)))
        highest = np.append(highest, model.backend.to_host(1 / p.sum(axis=1)))
        starts = text.starts(place, place + losses.size + 1)
        n = int(starts[-1])  # a character is whole when the next one begins
        if n:
            piece = Characters(
                text.decode(place, place + n),
                *(position, line, column, place, starts),
                *(losses[:n], likeliest[:n], highest[:n]),
            )
            yield piece
            losses, likeliest, highest = losses[n:], likeliest[n:], highest[n:]
            position, place = position + len(piece.text), place + n
            line, column = piece.where(len(piece.text))
        if progress is not None:
            progress(len(window.losses))
