"""What TF32 costs in precision, and that nobody gets it who did not ask."""

from __future__ import annotations

import numpy as np

from trainer.errors import RunFailed
from trainer.gpu_check.check import Finding
from trainer.gpu_check.gpu import Gpu, difference

EXACT, ROUNDED = 1e-5, 1e-2
"""Largest error of a product in float32, and with factors of 10 bits, in shares of the largest."""


def tf32(gpu: Gpu) -> Finding:
    """Compare products in float32 and in TF32 with one in float64."""
    n = gpu.size(1024, 64)
    a, b = np.random.default_rng(1).standard_normal((2, n, n)).astype(np.float32)
    expected = a.astype(np.float64) @ b

    def error(*, allow_tf32: bool) -> float:
        backend = gpu.start(allow_tf32=allow_tf32)
        out = backend.xp.empty((n, n), a.dtype)
        backend.kernels.product(backend.asarray(a), backend.asarray(b), out)
        return difference(backend.to_host(out), expected)

    exact, rounded = error(allow_tf32=False), error(allow_tf32=True)
    told = f"errors of a product of {n} x {n}: {exact:.1e} in float32, {rounded:.1e} in TF32"
    if not (exact <= EXACT and rounded <= ROUNDED):
        raise RunFailed(f"{told}; expected at most {EXACT:g} and {ROUNDED:g}")
    return Finding(told, {"float32": exact, "tf32": rounded, "n": n})
