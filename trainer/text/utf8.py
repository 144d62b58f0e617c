"""Which symbols may come next so that what is written stays a text, byte by byte too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.text.vocabulary import Vocabulary

Mask = npt.NDArray[np.bool_]

TAIL = range(0x80, 0xC0)
SEQUENCES = (
    (range(0x00, 0x80),),
    (range(0xC2, 0xE0), TAIL),
    (range(0xE0, 0xE1), range(0xA0, 0xC0), TAIL),
    (range(0xE1, 0xED), TAIL, TAIL),
    (range(0xED, 0xEE), range(0x80, 0xA0), TAIL),  # no surrogates
    (range(0xEE, 0xF0), TAIL, TAIL),
    (range(0xF0, 0xF1), range(0x90, 0xC0), TAIL, TAIL),
    (range(0xF1, 0xF4), TAIL, TAIL, TAIL),
    (range(0xF4, 0xF5), range(0x80, 0x90), TAIL, TAIL),  # nothing beyond U+10FFFF
)
"""The bytes of a character in UTF-8, first to last: the table of RFC 3629, section 4."""


class Spelling(NamedTuple):
    """How the symbols of a vocabulary make up characters.

    Attributes:
        first: (V,), which may begin a character; None where all may. The reserved symbol may not.
        following: for each symbol that needs more to be a whole character, one mask (V,) for each
            place after it: which may stand there.
    """

    first: Mask | None
    following: dict[int, tuple[Mask, ...]]

    def next(self, begun: Sequence[int]) -> Mask | None:
        """Return which symbols may come after the first ones of a character, None for all."""
        return self.following[begun[0]][len(begun) - 1] if begun else self.first

    def is_whole(self, begun: Sequence[int]) -> bool:
        """Whether these symbols, at least one, are a whole character."""
        return len(begun) > len(self.following.get(begun[0], ()))


def spelling(vocabulary: Vocabulary) -> Spelling:
    """Find out how a vocabulary spells; a byte whose sequence it cannot finish begins none."""
    known = len(vocabulary.characters)
    if vocabulary.unit == "character":
        return Spelling(
            np.arange(len(vocabulary)) < known if vocabulary.unknown is not None else None, {}
        )
    values = np.full(len(vocabulary), -1)  # the reserved symbol is in no range
    values[:known] = [ord(character) for character in vocabulary.characters]
    first, following = np.zeros(len(vocabulary), bool), {}
    for lead, *tail in SEQUENCES:
        leads, masks = _within(values, lead), tuple(_within(values, place) for place in tail)
        if all(mask.any() for mask in masks):
            first |= leads
            following.update(dict.fromkeys(np.flatnonzero(leads).tolist(), masks) if tail else {})
    return Spelling(None if first.all() else first, following)


def _within(values: npt.NDArray[np.integer[Any]], allowed: range) -> Mask:
    return (values >= allowed.start) & (values < allowed.stop)
