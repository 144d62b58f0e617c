"""New text from a model, one character at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trainer.errors import UserError
from trainer.nn import CharacterLSTM
from trainer.text import Vocabulary

Vector = np.ndarray[Any, np.dtype[np.float64]]


def generate(
    model: CharacterLSTM,
    vocabulary: Vocabulary,
    prompt: str | None,
    length: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    until: str | None = None,
    seed: int = 1,
) -> Iterator[str]:
    """Continue a prompt, yielding one character at a time.

    Args:
        prompt: read first, from a zero state, and not yielded. Without one (None or empty) the
            model reads a line end, as if a line began, or the vocabulary's first character.
        length: how many characters to yield.
        temperature, top_k, top_p: see `choose`.
        until: the text after which to stop.
        seed: the same seed gives the same text.

    Raises:
        UserError: The prompt has a character that the model does not know.
    """
    start = prompt or ("\n" if "\n" in vocabulary else vocabulary.characters[0])
    try:
        ids = vocabulary.encode(start)  # here and not in the first `next`: refuse at once
    except UserError as error:
        raise UserError(f"the prompt: {error}") from error
    return _continue(model, vocabulary, ids, length, temperature, top_k, top_p, until, seed)


def _continue(
    model: CharacterLSTM,
    vocabulary: Vocabulary,
    ids: np.ndarray[Any, Any],
    length: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    until: str | None,
    seed: int,
) -> Iterator[str]:
    generator = np.random.default_rng(seed)
    state = model.zero_state(1)
    x = ids.astype(np.int32)[:, None]  # (T, 1)
    end = ""  # of what was written, as far as `until` needs it
    for _ in range(length):
        logits, state = model.forward(model.backend.asarray(x), state)
        scores = model.backend.to_host(logits[-1, 0]).astype(np.float64)
        choice = choose(scores, generator, temperature, top_k, top_p)
        yield vocabulary.characters[choice]
        if until is not None:
            end = (end + vocabulary.characters[choice])[-len(until) :]
            if end == until:
                return
        x = np.array([[choice]], np.int32)


def choose(
    scores: Vector,
    generator: np.random.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> int:
    """Draw a symbol.

    Args:
        scores: (V,) logits, in float64.
        temperature: divides the scores; 0 takes the best.
        top_k: only the k best may be drawn.
        top_p: only the fewest best whose probabilities sum to at least this may be drawn (nucleus
            sampling, Holtzman et al. 2020); after top_k.
    """
    if temperature == 0:
        return int(scores.argmax())
    scores = (scores - scores.max()) / temperature
    if top_k is not None and top_k < len(scores):
        # Stable, so that of equal scores the first ones stay, and never more than k.
        scores[np.argsort(-scores, kind="stable")[top_k:]] = -np.inf
    p = np.exp(scores)
    p /= p.sum()
    if top_p is not None and top_p < 1:
        order = np.argsort(-p, kind="stable")
        before = np.cumsum(p[order]) - p[order]  # the mass of all better ones
        p[order[before >= top_p]] = 0
    cumulative = np.cumsum(p)
    # side="right" never lands on a symbol of probability 0.
    return int(np.searchsorted(cumulative, generator.random() * cumulative[-1], side="right"))
