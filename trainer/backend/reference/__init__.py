"""The fused point in plain array code: the oracle every other set of kernels is compared with."""

from __future__ import annotations

from typing import Any

from trainer.backend.kernels import Array
from trainer.backend.reference.cell import CellKernels
from trainer.backend.reference.dropout import DropoutKernels
from trainer.backend.reference.loss import LossKernels
from trainer.backend.reference.rows import RowKernels
from trainer.backend.reference.update import UpdateKernels

__all__ = ["ReferenceKernels"]


class ReferenceKernels(RowKernels, CellKernels, LossKernels, DropoutKernels, UpdateKernels):
    """Kernels over any array namespace with NumPy's functions (`xp`)."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def product(self, a: Array, b: Array, out: Array) -> None:
        """Set out (m, n) to a (m, k) b (k, n); a and b may be transposes of contiguous arrays."""
        self.xp.dot(a, b, out=out)

    def step_product(self, t: int, a: Array, b: Array, out: Array) -> None:
        """Set out (m, n) to a[t] b, of a (T, m, k) and b (k, n), which may be a transpose."""
        self.xp.dot(a[t], b, out=out)

    def sum_columns(self, values: Array, out: Array) -> None:
        """Set out (K,) to the sums over the columns of values (n, K)."""
        self.xp.sum(values, axis=0, out=out)
