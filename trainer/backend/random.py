"""Random numbers that belong to a place, not to a history: the same key gives the same numbers.

They are drawn on the host, so that a run is the same on every backend.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def keep_mask(
    shape: tuple[int, ...], drop: float, *, seed: int, step: int, layer: int, shard: int
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw a dropout mask: 1 keeps, 0 drops, with probability `drop` to the nearest 1 / 65,536.

    The generator is Philox with key (seed, layer) and a counter that starts at (shard, step), where
    `shard` numbers the shards of a batch that is computed in several: nothing has to be saved, and
    a resumed run draws the masks that it would have drawn.
    """
    size = int(np.prod(shape))
    key = np.array([seed, layer], np.uint64)  # a list of large numbers would become floats
    generator = np.random.Philox(key=key, counter=[0, shard, step, 0])
    words = generator.random_raw(-(-size // 4))  # each gives four numbers of 16 bits
    numbers = words.view(np.uint16)[:size].reshape(shape)
    return (numbers >= round(drop * 65536)).view(np.uint8)
