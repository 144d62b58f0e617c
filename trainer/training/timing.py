"""How long a training step takes, beside the matrix products that it cannot do without."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.backend import Backend
from trainer.config import Config, config_from_mapping
from trainer.training.learner import Learner

SYMBOLS = 65
"""V where no text says it, as in tinyshakespeare."""
SIZES = [
    *("64/1/100/100", "128/1/50/50", "128/2/50/50", "256/2/50/50", "512/2/50/50"),
    *("512/2/256/100", "1024/2/128/100", "2048/2/128/100"),
]
"""H/L/B/T: those of benchmarks/speed.py, and some that suit a GPU."""
LEARNING_RATE, MOMENTUM, CLIP_NORM = 0.1, 0.9, 1.0
WARM_UP, HOST_STEPS, STEPS = 3, 5, 5

Work = Callable[[], object]
"""A step, or a part of it, ready to be timed."""


class Size(NamedTuple):
    """Hidden size, layers, batch, window, symbols."""

    H: int
    L: int
    B: int
    T: int
    V: int = SYMBOLS

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read H/L/B/T or H/L/B/T/V."""
        return cls(*map(int, text.split("/")))


class Timing(NamedTuple):
    """Medians, in milliseconds.

    Attributes:
        step: of a step, when one follows the other.
        host: of what the host does for it, with a GPU that is not behind.
    """

    step: float
    host: float


def make_config(**sections: dict[str, Any]) -> Config:
    """Make a configuration of these sections; its text is not to be read."""
    training = {"steps": 1, **sections.pop("training", {})}
    given = {"name": "timing", "corpus": {"path": "none"}, "training": training, **sections}
    return config_from_mapping(given, "timing")


def symbols(size: Size) -> npt.NDArray[np.int32]:
    """Draw input and target ids (2, T, B)."""
    return np.random.default_rng(0).integers(0, size.V, (2, size.T, size.B), np.int32)


def trainer_step(size: Size, backend: Backend, shards: int = 1) -> Work:
    """Prepare a step of this trainer."""
    config = make_config(
        model={"hidden_size": size.H, "num_layers": size.L},
        training={"batch_size": size.B, "sequence_length": size.T},
        optimizer={"momentum": MOMENTUM, "clip_norm": CLIP_NORM},
    )
    learner = Learner(config, backend, size.V, shards)
    x, y = symbols(size)
    return lambda: learner.step(x, y, step=0, learning_rate=LEARNING_RATE)


def products_step(size: Size, backend: Backend) -> Work:
    """Prepare the products of a step; they are one graph, if the backend records."""
    operands = [
        (times, *(backend.xp.full(shape, 0.01, np.float32) for shape in ((m, k), (k, n), (m, n))))
        for times, m, k, n in products(size)
    ]

    def work() -> None:
        for times, left, right, out in operands:
            for _ in range(times):
                backend.kernels.product(left, right, out)

    return lambda: backend.repeat("products", work)


def products(size: Size) -> list[tuple[int, int, int, int]]:
    """List the products of a step: how often, rows, inner length, columns.

    One-hot input needs none: a gather of rows does.
    """
    H, L, B, T, V = size
    return [
        (L * T, B, H, 4 * H),  # h U
        (L * T, B, 4 * H, H),  # dz U'
        (L, H, T * B, 4 * H),  # dU
        (L - 1, T * B, H, 4 * H),  # h W, above the first layer
        (L - 1, T * B, 4 * H, H),  # dz W'
        (L - 1, H, T * B, 4 * H),  # dW
        (1, T * B, H, V),  # the same of the output
        (1, T * B, V, H),
        (1, H, T * B, V),
    ]


def time_step(step: Work, synchronize: Callable[[], object], seconds: float) -> Timing:
    """Time a step that the GPU does while the host goes on.

    Args:
        synchronize: waits until the GPU has done all.
    """
    for _ in range(WARM_UP):
        step()

    def milliseconds(steps: int, *, waiting: bool) -> float:
        synchronize()
        start = time.perf_counter()
        for _ in range(steps):
            step()
        if waiting:
            synchronize()
        return 1000 * (time.perf_counter() - start) / steps

    host = [milliseconds(1, waiting=False) for _ in range(HOST_STEPS)]
    end, steps = time.perf_counter() + seconds, list[float]()
    while not steps or time.perf_counter() < end:
        steps.append(milliseconds(STEPS, waiting=True))
    return Timing(statistics.median(steps), statistics.median(host))
