"""All checks, in the order in which they tell most: first whether anything works, last how fast."""

from __future__ import annotations

from functools import partial

from trainer.gpu_check import (
    bits,
    environment,
    kernels,
    mathematics,
    precision,
    speed,
    stepping,
    training,
)
from trainer.gpu_check.check import Check

DTYPES = ("float64", "float32")

CORRECTNESS = (
    Check("environment", 5, environment.environment),
    *(Check(f"kernels, {dtype}", 40, partial(kernels.kernels, dtype=dtype)) for dtype in DTYPES),
    *(Check(f"model, {dtype}", 30, partial(mathematics.model, dtype=dtype)) for dtype in DTYPES),
    Check("numeric gradients", 30, mathematics.gradients),
    *(
        Check(f"training, {dtype}", 30, partial(mathematics.training, dtype=dtype))
        for dtype in DTYPES
    ),
    Check("same bits again", 20, bits.again),
    Check("CUDA graph", 20, bits.graph),
    Check("no wait in a step", 20, stepping.no_wait),
    Check("flat memory", 20, stepping.flat_memory),
    Check("TF32", 10, precision.tf32),
    Check("quick start", 60, training.quick_start),
    Check("resume", 40, training.resume),
)
"""That a GPU computes what it should, and how."""


def speeds(*, quick: bool) -> list[Check]:
    """List a check of the speed for each size."""
    sizes = speed.QUICK_SIZES if quick else speed.SIZES
    return [Check(f"speed, {size}", 15, partial(speed.speed, size=size)) for size in sizes]
