"""The characters a model knows, and the number of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.errors import UserError

Ids = npt.NDArray[np.unsignedinteger[Any]]
CodePoints = npt.NDArray[np.unsignedinteger[Any]]


class Vocabulary:
    """A set of Unicode code points, sorted; the id of a character is its place in that order.

    Args:
        characters: each character once, in any order.

    Raises:
        ValueError: no character, or one that occurs twice.
    """

    def __init__(self, characters: str) -> None:
        if not characters:
            raise ValueError("a vocabulary needs at least one character")
        if len(set(characters)) != len(characters):
            raise ValueError("a character occurs twice in the vocabulary")
        self.characters = "".join(sorted(characters))
        self.dtype: np.dtype[np.unsignedinteger[Any]] = np.min_scalar_type(len(characters) - 1)
        self._points = _code_points(self.characters)
        # id of every code point up to the last one in use; the holes are told apart in `encode`
        self._table = np.zeros(int(self._points[-1]) + 1, dtype=self.dtype)
        self._table[self._points] = np.arange(len(characters), dtype=self.dtype)

    def encode(self, text: str) -> Ids:
        """Return the ids of `text`, one per character, as an array `(len(text),)` of `dtype`.

        Raises:
            UserError: a character that is not in the vocabulary.
        """
        points = _code_points(text)
        ids = self.lookup(points)
        unknown = np.flatnonzero(self._points[ids] != points)
        if unknown.size:
            position = int(unknown[0])
            raise UserError(
                f"unknown character {describe(text[position])} at position {position} "
                f"(counted from 0): it is not among the {len(self)} characters of the vocabulary; "
                "remove or replace it"
            )
        return ids

    def lookup(self, points: CodePoints) -> Ids:
        """Return the ids of code points that are known to be in the vocabulary, unchecked."""
        # "clip" sends what lies beyond the table to its last entry instead of raising
        return self._table.take(points, mode="clip")

    def decode(self, ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> str:
        """Return the text of a sequence of ids.

        Raises:
            IndexError: an id outside `0 ... len(self) - 1`.
        """
        numbers = np.asarray(ids, dtype=np.int64)
        if numbers.size and numbers.min() < 0:
            raise IndexError(f"id {numbers.min()} is negative")
        return self._points[numbers].tobytes().decode("utf-32-le", "surrogatepass")

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and len(character) == 1 and character in self.characters

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return f"Vocabulary({self.characters!r})"


def describe(character: str) -> str:
    """Name a character so that even an invisible one can be told: `'é' (U+00E9)`."""
    return f"{character!r} (U+{ord(character):04X})"


def _code_points(text: str) -> CodePoints:
    """Return the code points of `text`, lone surrogates included, as uint32 `(len(text),)`."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
