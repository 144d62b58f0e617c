"""New text from a model, one character at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from trainer.errors import UserError
from trainer.generation.sampling import Vector, choose, probability_of
from trainer.nn import CharacterLSTM, LSTMState
from trainer.text import Document, Spelling, Vocabulary, spelling, symbol_before

WINDOW = 256
"""Symbols of a prompt read at once: the model's memory does not grow with its length."""


class Written(NamedTuple):
    """What the model wrote.

    Attributes:
        sample: the number of the text, counted from 0.
        character: a whole one, also of a model that writes bytes.
        probability: that the model gave it, before temperature, top_k and top_p: the number that
            scoring takes the logarithm of. For bytes, the product of theirs.
    """

    sample: int
    character: str
    probability: float


class Writer:
    """A model in the middle of a text that grows as it reads and writes.

    Args:
        seeds: one for each of the texts that it writes side by side. All begin with what is read
            before the writing. To read and write in turn takes a single one.
        document: what the model has learnt as a text of its own. It then reads a line end before
            it begins, and where that is a line, the state is reset before each line end.
    """

    def __init__(
        self,
        model: CharacterLSTM,
        vocabulary: Vocabulary,
        seeds: Sequence[int] = (1,),
        *,
        document: Document = "whole",
    ) -> None:
        self.model = model
        self.vocabulary = vocabulary
        self._spelling = spelling(vocabulary)
        self._generators = [np.random.default_rng(seed) for seed in seeds]
        before = symbol_before(vocabulary, document)
        self._reset_at = before if document == "line" else None
        self._state = model.zero_state(1)  # one for all texts, until they part
        # (T, samples): part of the text, but read only when the next character is wanted.
        begun = [] if before is None else [before]
        self._unread = np.array(begun, vocabulary.dtype).reshape(-1, 1)

    def read(self, text: str) -> None:
        """Take a text as what comes next.

        Raises:
            UserError: It has a character that the model does not know; nothing is read.
        """
        ids = self.vocabulary.encode(text)[:, None]
        ids = np.broadcast_to(ids, (len(ids), self._unread.shape[1]))
        self._unread = np.concatenate((self._unread, ids))

    def write(
        self,
        length: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        until: str | None = None,
    ) -> Iterator[Written]:
        """Go on with each text; those of the same step follow each other.

        Where nothing was read, the model reads a line end, as if a line began, or the vocabulary's
        first symbol. Stopping early loses nothing: the text has what was yielded.

        Args:
            length: characters to write of each text, at most.
            temperature, top_k, top_p: see `choose`.
            until: what ends a text once it was written.
        """
        if not len(self._unread):
            beginning = self.vocabulary.encode("\n") if "\n" in self.vocabulary else [0]
            self._unread = np.array(beginning, self.vocabulary.dtype)[:, None]
        pens = [
            _Pen(self.vocabulary, self._spelling, generator, length, until)
            for generator in self._generators
        ]
        while at_work := [k for k, pen in enumerate(pens) if not pen.finished]:
            scores = self._scores()
            for k in at_work:  # one that has finished reads anything, nobody sees what follows
                self._unread[0, k] = pens[k].write(scores[k], temperature, top_k, top_p)
            for k in at_work:
                if pens[k].character:
                    yield Written(k, pens[k].character, pens[k].probability)

    def _scores(self) -> Vector:
        """Read what is unread; return the scores (texts, V) of the next symbols."""
        backend, texts = self.model.backend, len(self._generators)
        for start in range(0, len(self._unread), WINDOW):
            x = backend.asarray(self._unread[start : start + WINDOW], "int32")
            resets = None if self._reset_at is None else x == self._reset_at
            logits, self._state = self.model.forward(x, self._state, resets=resets)
        scores = backend.to_host(logits[-1]).astype(np.float64)
        if len(scores) < texts:
            scores = np.repeat(scores, texts, axis=0)
            self._state = LSTMState(*(backend.xp.repeat(a, texts, axis=1) for a in self._state))
        self._unread = np.zeros((1, texts), np.int32)
        return scores


class _Pen:
    """What writes one of the texts, a symbol at a time.

    Attributes:
        character: the last one written, empty while its last byte is missing.
        probability: of its symbols so far.
        finished: whether the text is.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        spelling: Spelling,
        generator: np.random.Generator,
        length: int,
        until: str | None,
    ) -> None:
        self._vocabulary, self._spelling, self._generator = vocabulary, spelling, generator
        self._left, self._until = length, until
        self._begun: list[int] = []  # symbols of a character that is not whole yet
        self._end = ""  # of what was written, as far as `until` needs it
        self.character, self.probability, self.finished = "", 1.0, False

    def write(
        self, scores: Vector, temperature: float, top_k: int | None, top_p: float | None
    ) -> int:
        """Choose the next symbol by its scores (V,)."""
        if not self._begun:
            self.probability = 1.0
        allowed = self._spelling.next(self._begun)
        possible = scores if allowed is None else np.where(allowed, scores, -np.inf)
        symbol = choose(possible, self._generator, temperature, top_k, top_p)
        self.probability *= probability_of(scores, symbol)
        self._begun.append(symbol)
        self.character = ""
        if self._spelling.is_whole(self._begun):
            self._finish_character()
        return symbol

    def _finish_character(self) -> None:
        symbol, *more = self._begun
        # Most are one symbol, and `decode` is made for long texts.
        one = self._vocabulary.characters[symbol]
        self.character = self._vocabulary.decode(self._begun) if more else one
        self._begun = []
        self._left -= 1
        self.finished = self._left == 0
        if self._until is not None:
            self._end = (self._end + self.character)[-len(self._until) :]
            self.finished |= self._end == self._until


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
    document: Document = "whole",
) -> Iterator[str]:
    """Continue a prompt, yielding one character at a time.

    Args:
        prompt: read first, from a zero state, and not yielded; None and empty are none.
        length, temperature, top_k, top_p, until, document: see `Writer` and its `write`.
        seed: the same seed gives the same text.

    Raises:
        UserError: The prompt has a character that the model does not know.
    """
    writer = Writer(model, vocabulary, [seed], document=document)
    try:
        writer.read(prompt or "")  # here and not in the first `next`: refuse at once
    except UserError as error:
        raise UserError(f"the prompt: {error}") from error
    written = writer.write(length, temperature=temperature, top_k=top_k, top_p=top_p, until=until)
    return (character for _, character, _ in written)
