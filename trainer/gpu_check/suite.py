"""All checks, in the order in which they tell most: first whether anything works, last how fast.

What the kernels, the model and the optimizers compute is checked by the tests, with `--device gpu`.
"""

from __future__ import annotations

from functools import partial

from trainer.gpu_check import environment, speed, stepping, training
from trainer.gpu_check.check import Check
from trainer.training.timing import SIZES

CORRECTNESS = (
    Check("environment", 5, environment.environment),
    Check("no wait in a step", 20, stepping.no_wait),
    Check("flat memory", 20, stepping.flat_memory),
    Check("quick start", 60, training.quick_start),
    Check("resume", 40, training.resume),
)
"""That a training on a GPU goes as it should."""


def speeds(*, quick: bool) -> list[Check]:
    """List a check of the speed for each size."""
    sizes = speed.QUICK_SIZES if quick else SIZES
    return [Check(f"speed, {size}", 15, partial(speed.speed, size=size)) for size in sizes]
