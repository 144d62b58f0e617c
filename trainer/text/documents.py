"""Many short texts in one stream: where each begins, and the state is reset.

The state is reset before the last symbol of a text is read, its line end as a rule. So a line end
read from nothing stands for the beginning of a text, as it does when the model writes without a
prompt, and it is still predicted from the text that it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]

Borders = Callable[[Numbers, Numbers], Flags]
"""From symbols (any shape) and their places in the text to whether the state is reset before
each of them is read."""


def find_resets(borders: Borders | None, symbols: Numbers, places: Numbers) -> Flags | None:
    """Return where the state is reset, None if it is nowhere."""
    if borders is None:
        return None
    resets = borders(symbols, places)
    return resets if resets.any() else None


def after_each_line(line_end: int) -> Borders:
    """Make every line a text of its own; `line_end` is the id of the line feed."""

    def borders(symbols: Numbers, places: Numbers) -> Flags:
        found: Flags = symbols == line_end
        return found

    return borders


def after_each_file(ends: Numbers) -> Borders:
    """Make every file a text of its own; `ends` holds the place after each, ascending."""
    last = np.append(np.asarray(ends, dtype=np.int64) - 1, np.iinfo(np.int64).max)

    def borders(symbols: Numbers, places: Numbers) -> Flags:
        found: Flags = last[np.searchsorted(last, places)] == places
        return found

    return borders
