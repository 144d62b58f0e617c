"""How much of a text stands verbatim in another: which n-grams, and the longest passage.

Exact, as there is no hashing: the n-grams that both texts have are numbered, and one of length
n + k with k <= n is the pair of numbers of its first and its last n symbols (Karp, Miller and
Rosenberg 1972). Each length follows from a shorter one by sorting and looking up such pairs, and
a place whose n-gram is not shared is never looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.unsignedinteger[Any]]
Numbers = npt.NDArray[np.int32]
Keys = npt.NDArray[np.int64]

BLOCK = 1 << 23  # training symbols compared at a time, 8 bytes of memory each
PIECE = 1 << 20  # of them looked up at a time
TABLE = 1 << 24  # entries of a table, up to which it is used in place of a search


class Match(NamedTuple):
    """A passage that stands in both texts; of equally long ones the first in the text.

    Attributes:
        length: in symbols; 0 if the texts have no symbol in common.
        start: where it begins in the text.
        training_start: where it begins in the training text, for the first time.
    """

    length: int
    start: int
    training_start: int


class Comparison(NamedTuple):
    """What of a text stands in the training text.

    Attributes:
        shares: for each length n the share of the text's n-grams, by place, that do; None where
            the text has no n-gram.
        covered: for each length n the share of the text's symbols that are part of one that does.
        longest: the longest passage that does.
    """

    shares: list[float | None]
    covered: list[float]
    longest: Match


def compare(
    text: Ids,
    training: Ids,
    lengths: Sequence[int],
    *,
    block: int = BLOCK,
    progress: Callable[[int], object] | None = None,
) -> Comparison:
    """Find what of `text` stands verbatim in `training`, both `(n,)` arrays of ids.

    Memory grows with `text` (about 70 bytes a symbol) and `block`, not with `training`, which may
    be a memory map.

    Args:
        lengths: of the n-grams, at least 1.
        block: symbols of `training` that are compared at a time.
        progress: called with the number of symbols of `training` done since the last call.
    """
    seen = {n: np.zeros(max(0, len(text) - n + 1), bool) for n in lengths}
    longest = Match(0, 0, 0)
    step = max(block, len(text))
    for first in range(0, len(training), step):
        # No passage is longer than the text: with so much overlap, no border cuts one.
        part = training[first : first + step + len(text)]
        length, start, there = _compare_block(text, part, seen)
        # Of equally long ones the first in the text; the first block has its first place.
        if (length, -start) > (longest.length, -longest.start):
            longest = Match(length, start, first + there)
        if progress is not None:
            progress(min(step, len(training) - first))
    places = [seen[n] for n in lengths]
    return Comparison(
        [float(found.mean()) if found.size else None for found in places],
        [_covered(found, n, len(text)) for n, found in zip(lengths, places, strict=True)],
        longest,
    )


def _covered(seen: npt.NDArray[np.bool_], length: int, size: int) -> float:
    """Return the share of `size` symbols that a window of `length` covers, given their starts."""
    if not seen.size:
        return 0.0
    open_windows = np.zeros(size + 1, np.int32)  # starts less ends, summed up below
    open_windows[: seen.size] += seen
    open_windows[length:] -= seen
    return float((np.cumsum(open_windows[:-1]) > 0).mean())


class _Shared(NamedTuple):
    """The n-grams of one length that both texts have, each with a number below `limit`.

    `text` and `training` have the number of the n-gram at each place, -1 where it is not shared.
    """

    length: int
    text: Numbers
    training: Numbers
    limit: int


def _compare_block(text: Ids, training: Ids, seen: dict[int, npt.NDArray[np.bool_]]) -> Match:
    """Mark in `seen` which n-grams of the text are shared; return the longest passage."""
    limit = int(max(text.max(initial=0), training.max(initial=0))) + 1
    symbols = _Shared(1, text.astype(np.int32), training.astype(np.int32), limit)
    low, high = None, _extend(symbols, 0)
    while high.limit:
        low = high
        if low.length in seen:
            seen[low.length] |= low.text >= 0
        steps = [n - low.length for n in seen if n > low.length]
        if not steps and (match := _longest_run(low)):
            return match
        high = _extend(low, min([*steps, low.length]))
    if low is None:
        return Match(0, 0, 0)
    length = high.length  # too long: the longest is between
    while length - low.length > 1:
        middle = _extend(low, (length - low.length) // 2)
        low, length = (middle, length) if middle.limit else (low, middle.length)
    start = int(np.argmax(low.text >= 0))
    return Match(low.length, start, int(np.argmax(low.training == low.text[start])))


def _extend(shared: _Shared, more: int) -> _Shared:
    """Return what is shared of n-grams longer by `more`, at most their length; by 0, of these.

    Without any, `limit` is 0.
    """
    places, keys = _pairs(shared.text, more, shared.limit)
    index = _Index(keys, shared.limit**2)
    found = np.zeros(index.size, bool)
    training = np.full(max(0, len(shared.training) - more), -1, np.int32)
    for first in range(0, len(training), PIECE):
        piece = shared.training[first : first + PIECE + more]
        there, wanted = _pairs(piece, more, shared.limit)
        numbers = index.find(wanted)
        training[first + there] = numbers
        found[numbers[numbers >= 0]] = True
    text = np.full(max(0, len(shared.text) - more), -1, np.int32)
    text[places] = np.where(found[index.own], index.own, np.int32(-1))
    return _Shared(shared.length + more, text, training, index.size if found.any() else 0)


def _pairs(numbers: Numbers, more: int, limit: int) -> tuple[npt.NDArray[np.intp], Keys]:
    """Return where two shared n-grams stand `more` apart, and both numbers as one."""
    first, second = numbers[: max(0, len(numbers) - more)], numbers[more:]
    places = np.flatnonzero((first >= 0) & (second >= 0))
    return places, first[places].astype(np.int64) * limit + second[places]


class _Index:
    """Numbers the distinct keys among `keys`, all below `limit`; `own` has the number of each."""

    def __init__(self, keys: Keys, limit: int) -> None:
        keys, own = np.unique(keys, return_inverse=True)
        self.own = own.astype(np.int32)
        self.size = len(keys)
        self._table = None
        if limit <= TABLE:
            self._table = np.full(limit, -1, np.int32)
            self._table[keys] = np.arange(self.size, dtype=np.int32)
        self._keys = np.append(keys, limit)  # the last is above all, so a search ends at a key

    def find(self, keys: Keys) -> Numbers:
        """Return the number of each key, -1 for one that has none."""
        if self._table is not None:
            return self._table[keys]
        numbers = np.searchsorted(self._keys, keys).astype(np.int32)
        return np.where(self._keys[numbers] == keys, numbers, np.int32(-1))


def _longest_run(shared: _Shared) -> Match | None:
    """Return the longest passage, if one of the texts has each shared n-gram only once.

    Then each place in the other text belongs to one place in this one, and a longer passage is a
    run of places that go on side by side in both. This spares a copied chapter many extensions.
    """
    for once, other in ((shared.training, shared.text), (shared.text, shared.training)):
        places = np.flatnonzero(once >= 0)
        place_of = np.full(shared.limit, -1)
        place_of[once[places]] = places
        if np.count_nonzero(place_of >= 0) < len(places):  # some number stands there twice
            continue
        here = np.flatnonzero(other >= 0)
        there = place_of[other[here]]
        breaks = np.flatnonzero((np.diff(here) != 1) | (np.diff(there) != 1)) + 1
        starts = np.concatenate(([0], breaks))
        runs = np.diff(np.append(starts, len(here)))
        starts = starts[runs == runs.max()]
        text, training = (here, there) if other is shared.text else (there, here)
        start = int(text[starts].min())
        training_start = int(training[starts][text[starts] == start].min())
        return Match(shared.length + int(runs.max()) - 1, start, training_start)
    return None
