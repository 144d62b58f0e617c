"""Windows of a text, cut so that the state of one window carries over to the next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.errors import UserError
from trainer.text.corpus import Span
from trainer.text.documents import Flags, find_resets


class Window(NamedTuple):
    """What one step learns from.

    Attributes:
        x: (T, B) ids, int32.
        y: (T, B), the symbol after each.
        resets: (T, B), whether the state is reset before x is read; None if it never is.
    """

    x: npt.NDArray[np.int32]
    y: npt.NDArray[np.int32]
    resets: Flags | None


class Batches:
    """`batch_size` contiguous streams side by side, in windows of `sequence_length`.

    With n characters, B streams and windows of T, a stream has S = T * floor((n - 1) / B / T)
    characters: as many whole windows as there are, one character being kept for the last
    prediction. Stream b starts at character b * S, and the window after window i goes on where i
    ended, in every stream. What remains at the end, n - B * S - 1 characters (less than B * T), is
    in no window, in any epoch.

    Args:
        text: of n characters; a memory map is read window by window.
        batch_size: number of streams B.
        sequence_length: characters of a stream in one window, T.

    Attributes:
        windows_per_epoch: number of windows, S / T.
        characters_per_epoch: characters predicted in one epoch, B * S.
        unused: characters that are in no window.

    Raises:
        UserError: the text is too short for one window.
    """

    def __init__(self, text: Span, batch_size: int, sequence_length: int) -> None:
        ids, self._borders, _ = text
        if ids.size < batch_size * sequence_length + 1:
            raise UserError(_too_short(ids.size, batch_size, sequence_length))
        self.windows_per_epoch = (ids.size - 1) // (batch_size * sequence_length)
        stream = self.windows_per_epoch * sequence_length
        self.characters_per_epoch = stream * batch_size
        self.unused = ids.size - self.characters_per_epoch - 1
        # A view (windows, T + 1, B) of the text, nothing is copied: windows overlap by the one
        # character that is the last target of the first and the first input of the second.
        ids = np.asarray(ids)  # slices of a memmap object are slow, those of its array are not
        step = ids.strides[0]
        self._view = np.lib.stride_tricks.as_strided(
            ids,
            shape=(self.windows_per_epoch, sequence_length + 1, batch_size),
            strides=(sequence_length * step, step, stream * step),
            writeable=False,
        )

        # (T, B): where the symbols of the first window stand
        self._places = np.arange(sequence_length)[:, None] + np.arange(batch_size) * stream

    def window(self, index: int) -> Window:
        """Return window `index`.

        Raises:
            IndexError: there is no such window.
        """
        if not 0 <= index < self.windows_per_epoch:
            raise IndexError(f"window {index} of {self.windows_per_epoch}")
        block = self._view[index].astype(np.int32, order="C")
        x, y = block[:-1], block[1:]
        return Window(x, y, find_resets(self._borders, x, self._places + index * len(x)))


def _too_short(length: int, batch_size: int, sequence_length: int) -> str:
    """Say what does not fit and what would."""
    fitting = {
        "training.batch_size": (length - 1) // sequence_length,
        "training.sequence_length": (length - 1) // batch_size,
    }
    choices = [f"{key} to {number}" for key, number in fitting.items() if number > 0]
    if not choices and length > 1:
        choices = [f"training.batch_size to 1 and training.sequence_length to {length - 1}"]
    lower = f"lower {' or '.join(choices)}, or " if choices else ""
    return (
        f"the training part has {length:,} characters; batch_size {batch_size} x "
        f"sequence_length {sequence_length} needs {batch_size * sequence_length + 1:,}: "
        f"{lower}use a longer text"
    )
