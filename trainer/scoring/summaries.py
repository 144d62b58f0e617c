"""What the scores of single characters come to: totals, lines, the least expected of them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from trainer.scoring.characters import Characters
from trainer.scoring.evaluation import Score


class Line(NamedTuple):
    """A line of a text, its end included.

    Attributes:
        number: from 1.
        text: the line.
        characters: how many of it were scored.
        nats: the sum over them.
    """

    number: int
    text: str
    characters: int
    nats: float


def lines(pieces: Iterable[Characters]) -> Iterator[Line]:
    """Put characters together to lines."""
    number, texts, count, nats = 1, [""], 0, 0.0
    for piece in pieces:
        scored, losses = piece.predicted > 0, piece.nats
        first, end = 0, len(piece.text)
        while first < end:
            last = piece.text.find("\n", first) + 1 or end
            texts.append(piece.text[first:last])
            count += int(np.count_nonzero(scored[first:last]))
            nats += float(losses[first:last].sum())
            if piece.text[last - 1] == "\n":
                yield Line(number, "".join(texts), count, nats)
                number, texts, count, nats = number + 1, [], 0, 0.0
            first = last
    if any(texts):
        yield Line(number, "".join(texts), count, nats)


class Totals:
    """Sums over the characters that `watch` hands through.

    Args:
        is_bytes: whether symbols are bytes.

    Attributes:
        nats: of all.
        symbols: predicted ones, as `trainer.scoring.evaluation.score` counts them.
        characters: of which at least one symbol was predicted.
        bytes: of their UTF-8 that were predicted.
    """

    def __init__(self, is_bytes: bool) -> None:
        self._is_bytes = is_bytes
        self.nats, self.symbols, self.characters, self.bytes = 0.0, 0, 0, 0

    def watch(self, pieces: Iterable[Characters]) -> Iterator[Characters]:
        """Yield the pieces, each added to the sums."""
        for piece in pieces:
            predicted = piece.predicted
            symbols = int(predicted.sum())
            self.nats += float(piece.losses.sum())
            self.symbols += symbols
            self.characters += int(np.count_nonzero(predicted))
            if self._is_bytes:
                self.bytes += symbols
            else:
                self.bytes += len(piece.text[int(not predicted[0]) :].encode())
            yield piece

    def per_character(self) -> Score:
        """Return the score as if the model predicted whole characters."""
        return Score(self.nats / self.characters, self.characters)

    def per_byte(self) -> Score:
        """Return the score as if it predicted bytes, which models of both units can share."""
        return Score(self.nats / self.bytes, self.bytes)


class Surprise(NamedTuple):
    """A character that the model did not expect.

    Attributes:
        nats: of the character.
        character_probability: what the model gave it.
        character: what stands there.
        position: how many characters stand before it.
        line, column: both from 1.
        place: how many symbols stand before it.
        symbols: how many it is made of.
        expected: id of the symbol that was likeliest; for bytes, where the character's least
            likely byte stands.
        probability: of that symbol.
    """

    nats: float
    character_probability: float
    character: str
    position: int
    line: int
    column: int
    place: int
    symbols: int
    expected: int
    probability: float


def least_expected(pieces: Iterable[Characters], count: int) -> list[Surprise]:
    """Return the characters with the highest nats, the highest first; of equals the first ones."""
    found: list[tuple[float, int, Surprise]] = []  # a heap: the most expected one comes first
    for piece in pieces:
        nats, predicted, p = piece.nats, piece.predicted, piece.probabilities
        # NaN, of a model that has diverged, is above nothing.
        above = -1.0 if len(found) < count else found[0][0] if found else np.inf
        for i in np.flatnonzero((predicted > 0) & (nats > above)).tolist():
            surprise = _surprise(piece, i, float(nats[i]), float(p[i]))
            entry = surprise.nats, -surprise.position, surprise
            (heapq.heappush if len(found) < count else heapq.heappushpop)(found, entry)
    return [surprise for _, _, surprise in sorted(found, reverse=True)]


def _surprise(piece: Characters, i: int, nats: float, probability: float) -> Surprise:
    start, end = piece.starts[i : i + 2].tolist()
    worst = start + int(piece.losses[start:end].argmax())
    return Surprise(
        nats=nats,
        character_probability=probability,
        character=piece.text[i],
        position=piece.position + i,
        line=piece.where(i)[0],
        column=piece.where(i)[1],
        place=piece.place + start,
        symbols=end - start,
        expected=int(piece.likeliest[worst]),
        probability=float(piece.highest[worst]),
    )
