"""Scratch arrays that a layer allocates once and uses again for every window."""

from __future__ import annotations

from trainer.backend import Array, Backend


class Workspace:
    """Named arrays whose first axis is time.

    Time comes first in every array, so a shorter window is a prefix of a longer one: an array is
    allocated again only for a new batch size or for a window longer than any before.
    """

    def __init__(self, backend: Backend, dtype: str) -> None:
        self._xp = backend.xp
        self._dtype = dtype
        self._arrays: dict[tuple[str, tuple[int, ...]], Array] = {}

    def __call__(self, name: str, length: int, *rest: int) -> Array:
        """Return the array `name` of shape ``(length, *rest)``; its content is undefined."""
        array = self._arrays.get((name, rest))
        if array is None or array.shape[0] < length:
            array = self._arrays[name, rest] = None  # the old one goes before the new one comes
            array = self._arrays[name, rest] = self._xp.empty((length, *rest), self._dtype)
        return array[:length]
