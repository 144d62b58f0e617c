"""The symbols a model knows, characters or bytes, and the number of each."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trainer.errors import UserError

Ids = npt.NDArray[np.unsignedinteger[Any]]
CodePoints = npt.NDArray[np.unsignedinteger[Any]]
Unit = Literal["character", "byte"]
Unknown = Literal["refuse", "symbol", "skip"]

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""How the reserved symbol is shown."""


class Vocabulary:
    """A set of symbols, sorted; the id of a symbol is its place in that order.

    Args:
        characters: each symbol once, in any order: Unicode code points, or for bytes the code
            points of the same numbers.
        unit: what a symbol is; bytes are those of a text's UTF-8.
        unknown: what becomes of all others: they are refused, read as one more symbol that is
            reserved for them, the last, or skipped.

    Raises:
        ValueError: no symbol, or one that occurs twice.
    """

    def __init__(
        self, characters: str, *, unit: Unit = "character", unknown: Unknown = "refuse"
    ) -> None:
        if not characters:
            raise ValueError("a vocabulary needs at least one character")
        if len(set(characters)) != len(characters):
            raise ValueError("a character occurs twice in the vocabulary")
        self.characters = "".join(sorted(characters))
        self.unit: Unit = unit
        self.unknown = len(characters) if unknown == "symbol" else None
        self.skips = unknown == "skip"
        self.dtype: np.dtype[np.unsignedinteger[Any]] = np.min_scalar_type(len(self) - 1)
        self._points = _code_points(self.characters)
        # id of every code point up to the last one in use; the holes are told apart in `encode`
        self._table = np.zeros(int(self._points[-1]) + 1, dtype=self.dtype)
        self._table[self._points] = np.arange(len(characters), dtype=self.dtype)

    def encode(self, text: str) -> Ids:
        """Return the ids of `text`, one per symbol, as an array `(n,)` of `dtype`.

        Raises:
            UserError: a symbol that is not in the vocabulary, where none is reserved for it.
        """
        points = _utf8(text) if self.unit == "byte" else _code_points(text)
        ids = self.lookup(points)
        unknown = np.flatnonzero(self._points[ids] != points)
        if unknown.size:
            if self.skips:
                return self.encode("".join(filter(self.__contains__, text)))
            if self.unknown is None:
                raise UserError(self._refusal(text, points, int(unknown[0])))
            ids[unknown] = self.unknown
        return ids

    def lookup(self, points: CodePoints) -> Ids:
        """Return the ids of code points or bytes that are known to be there, unchecked."""
        # "clip" sends what lies beyond the table to its last entry instead of raising
        return self._table.take(points, mode="clip")

    def decode(self, ids: Sequence[int] | npt.NDArray[np.integer[Any]]) -> str:
        """Return the text of a sequence of ids; bytes that are no UTF-8 become U+FFFD.

        Raises:
            IndexError: an id outside `0 ... len(self) - 1`.
        """
        numbers = np.asarray(ids, dtype=np.int64)
        if numbers.size and numbers.min() < 0:
            raise IndexError(f"id {numbers.min()} is negative")
        if self.unit == "byte":
            # 0xFF is no part of any UTF-8: so the reserved symbol becomes U+FFFD as well
            table = np.append(self._points, 0xFF).astype(np.uint8)[: len(self)]
            return table[numbers].tobytes().decode("utf-8", "replace")
        table = np.append(self._points, ord(UNKNOWN)).astype("<u4")[: len(self)]
        return table[numbers].tobytes().decode("utf-32-le", "surrogatepass")

    def name(self, number: int) -> str:
        """Show one symbol: a character as it is, a byte such as `<C3>` where it is not ASCII."""
        if number == self.unknown:
            return UNKNOWN
        character = self.characters[number]
        return (
            f"<{ord(character):02X}>" if self.unit == "byte" and character > "\x7f" else character
        )

    def _refusal(self, text: str, points: CodePoints, place: int) -> str:
        """Say which symbol is unknown, and what would help."""
        byte = ""
        if self.unit == "byte":
            before = points[:place].tobytes().decode("utf-8", "ignore")
            byte, place = f" (its byte 0x{points[place]:02X})", len(before)
        return (
            f"unknown character {describe(text[place])}{byte} at position {place} "
            f"(counted from 0): it is not among the {len(self)} {self.unit}s of the vocabulary; "
            f"{self._remedy(text)}, or leave such characters out with corpus.unknown=skip"
        )

    def _remedy(self, text: str) -> str:
        """Say what to do with a text that has unknown characters."""
        if text.startswith("\ufeff") and "\ufeff" not in self:
            return "save the text without its byte order mark"
        for form in ("NFC", "NFD"):  # an accent on its own, or as a part of the letter
            if all(c in self for c in set(unicodedata.normalize(form, text))):
                return f"convert the text to Unicode's normal form {form}"
        return "remove or replace it"

    def __len__(self) -> int:
        return len(self.characters) + (self.unknown is not None)

    def __contains__(self, character: object) -> bool:
        """Whether a single character can be read, all its bytes where the unit is the byte."""
        if not (isinstance(character, str) and len(character) == 1):
            return False
        if self.unit == "byte":
            return all(chr(byte) in self.characters for byte in _utf8(character).tolist())
        return character in self.characters

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Vocabulary({self.characters!r}, unit={self.unit!r}, unknown={self.unknown})"

    def _key(self) -> tuple[str, Unit, int | None]:
        return self.characters, self.unit, self.unknown


def describe(character: str) -> str:
    """Name a character so that even an invisible one can be told: `'é' (U+00E9)`."""
    return f"{character!r} (U+{ord(character):04X})"


def _code_points(text: str) -> CodePoints:
    """Return the code points of `text`, lone surrogates included, as uint32 `(len(text),)`."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _utf8(text: str) -> CodePoints:
    """Return the bytes of `text` in UTF-8, as uint8 `(n,)`."""
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8)
