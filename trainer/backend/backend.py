"""The backend: chosen once, passed down, never asked for its name by the mathematics."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np

from trainer.backend.reference import ReferenceKernels
from trainer.errors import UserError

Array = Any
"""An array of the backend in use: a NumPy array on the CPU, a CuPy array on a GPU."""


class Kernels(Protocol):
    """The fused point: the only code that may differ from backend to backend."""

    def gather_rows(self, table: Array, rows: Array, out: Array) -> None:
        """Copy ``table[rows]`` to `out`."""

    def sum_rows(self, values: Array, rows: Array, out: Array) -> None:
        """Set each row of `out` to the sum of the values that belong to it."""

    def gates_forward(
        self,
        z: Array,
        recurrent: Array,
        b: Array | None,
        c_previous: Array,
        c: Array,
        tanh_c: Array,
        h: Array,
    ) -> None:
        """Compute one time step of the cell from its pre-activations."""

    def gates_backward(
        self, z: Array, c_previous: Array, tanh_c: Array, dh: Array, dc: Array
    ) -> None:
        """Compute the gradient of one time step's pre-activations."""


@dataclass(frozen=True)
class Backend:
    """An array namespace and the kernels that go with it."""

    name: str
    xp: Any
    kernels: Kernels

    def asarray(self, host: Any, dtype: Any = None) -> Array:
        """Bring a host array to the device (a no-op on the CPU)."""
        return self.xp.asarray(host, dtype=dtype)

    def address(self, array: Array) -> int:
        """Return the address of an array's first byte."""
        return int(array.ctypes.data)

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """Fetch an array from the device, waiting for it (a no-op on the CPU)."""
        return np.asarray(array)


def create_backend(strategy: str = "reference") -> Backend:
    """Create the CPU backend: NumPy arrays and one of two sets of kernels.

    Args:
        strategy: "reference" (NumPy alone) or "fused" (compiled by numba).

    Raises:
        UserError: The fused kernels are asked for, and numba is not installed.
    """
    if strategy == "reference":
        return Backend("numpy", np, ReferenceKernels(np))
    if not numba_is_installed():
        raise UserError(
            "the fused kernels, with which this run was begun, need numba: pip install numba"
        )
    from trainer.backend.fused import FusedKernels  # numba takes a third of a second to import

    return Backend("numpy", np, FusedKernels(np))


def numba_is_installed() -> bool:
    """Whether the fused kernels can be had."""
    return find_spec("numba") is not None
