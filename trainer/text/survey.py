"""Count what is in a text of any size, a piece at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.text.reading import check_text_file, code_points, sha256_of
from trainer.text.vocabulary import CodePoints

LINE_FEED, CARRIAGE_RETURN = 0x0A, 0x0D
CODE_POINTS = 0x110000  # of Unicode
START = 2000  # characters of the text's beginning that are kept


@dataclass(frozen=True, eq=False)
class Survey:
    """What was counted in a text; a line is ended by LF, with or without a CR before it.

    Attributes:
        counts: of each code point `(0x110000,)`.
        size: in bytes.
        crlf: line ends that have a CR.
        lines: the last one counts even if nothing ends it.
        longest: characters of the longest line, its end left out.
        longest_line: its number, from 1.
        ended: whether the last line has an end.
        start: the beginning of the text.
    """

    counts: npt.NDArray[np.int64]
    size: int
    sha256: str
    crlf: int
    lines: int
    longest: int
    longest_line: int
    ended: bool
    start: str

    @property
    def characters(self) -> int:
        """All characters of the text."""
        return int(self.counts.sum())


def survey(path: Path) -> Survey:
    """Read a text and count.

    Raises:
        UserError: the file is missing, unreadable, empty, not UTF-8 or binary.
    """
    check_text_file(path)
    counts = np.zeros(CODE_POINTS, dtype=np.int64)
    lines = _Lines()
    start = ""
    for points in code_points(path, "Counting"):
        found = np.bincount(points)
        counts[: found.size] += found
        lines.add(points)
        start += "".join(map(chr, points[: START - len(start)].tolist()))
    ended = lines.open == 0
    lines.close()
    return Survey(
        counts=counts,
        size=path.stat().st_size,
        sha256=sha256_of(path),
        crlf=lines.crlf,
        lines=lines.number,
        longest=lines.longest,
        longest_line=lines.longest_line,
        ended=ended,
        start=start,
    )


class _Lines:
    """Measures lines that come in pieces; `open` is what there is so far of the last one."""

    def __init__(self) -> None:
        self.number = self.crlf = self.longest = self.longest_line = self.open = 0
        self._last = 0  # character of the piece before

    def add(self, points: CodePoints) -> None:
        """Read the next characters."""
        ends = np.flatnonzero(points == LINE_FEED)
        if ends.size:
            returns = points[ends - 1] == CARRIAGE_RETURN
            if ends[0] == 0:  # what stands before it came in the piece before
                returns[0] = self._last == CARRIAGE_RETURN
            lengths = np.diff(ends, prepend=-1 - self.open) - 1 - returns
            self._measure(lengths)
            self.crlf += int(returns.sum())
            self.open = 0
        self.open += points.size - (int(ends[-1]) + 1 if ends.size else 0)
        self._last = int(points[-1]) if points.size else self._last

    def close(self) -> None:
        """Count a last line that nothing ends."""
        if self.open:
            self._measure(np.array([self.open]))

    def _measure(self, lengths: npt.NDArray[np.integer[Any]]) -> None:
        first = int(lengths.argmax())
        if lengths[first] > self.longest or not self.number:
            self.longest, self.longest_line = int(lengths[first]), self.number + first + 1
        self.number += lengths.size
