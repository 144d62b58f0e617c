"""A text to score: its symbols, and the characters that they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.text import Span, Vocabulary
from trainer.text.vocabulary import UNKNOWN, CodePoints

Integers = npt.NDArray[np.integer[Any]]

NO_UTF8 = 0xFF  # no byte of any UTF-8


class Text:
    """Symbols for a model to read, and what was written there.

    Args:
        span: of n symbols.
        written: the text they were made of, which may have characters that the model does not
            know; None takes the characters from the symbols.
    """

    def __init__(self, span: Span, vocabulary: Vocabulary, written: str | None = None) -> None:
        self.span = span
        self.vocabulary = vocabulary
        self.is_bytes = vocabulary.unit == "byte"
        known = [*map(ord, vocabulary.characters), NO_UTF8 if self.is_bytes else ord(UNKNOWN)]
        self._table = np.array(known, dtype=np.uint8 if self.is_bytes else "<u4")
        self._points: CodePoints | None = None
        if written is not None and self.is_bytes:
            self._points = np.frombuffer(written.encode(), dtype=np.uint8)
        elif written is not None:
            self._points = np.frombuffer(written.encode("utf-32-le"), dtype="<u4")

    def starts(self, start: int, end: int) -> Integers:
        """Return which places from `start`, where a character begins, to before `end` begin one.

        The places are counted from `start`; the place after the text's last symbol begins one.
        """
        points = self._slice(start, end)
        # A byte 10xxxxxx goes on with a character, unless a text that was cut begins with it.
        found = (points & 0xC0 != 0x80) if self.is_bytes else np.ones(points.size, dtype=bool)
        found |= ~np.logical_or.accumulate(found)
        return np.flatnonzero(np.append(found, True) if end > len(self.span.ids) else found)

    def decode(self, start: int, end: int, errors: str = "replace") -> str:
        """Return the characters of the symbols from place `start` to before `end`."""
        encoding = "utf-8" if self.is_bytes else "utf-32-le"
        return self._slice(start, end).tobytes().decode(encoding, errors)

    def _slice(self, start: int, end: int) -> CodePoints:
        if self._points is not None:
            return self._points[start:end]
        return self._table[self.span.ids[start:end]]
