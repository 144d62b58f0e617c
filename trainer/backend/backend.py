"""The backend: chosen once, passed down, never asked for its name by the mathematics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from trainer.backend.reference import ReferenceKernels

Array = Any
"""An array of the backend in use: a NumPy array on the CPU, a CuPy array on a GPU."""


class Kernels(Protocol):
    """The fused point: the only code that may differ from backend to backend."""

    def gather_rows(self, table: Array, rows: Array, out: Array) -> None:
        """Copy ``table[rows]`` to `out`."""

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
    """An array namespace and the kernels that go with it.

    Attributes:
        name: of the array namespace.
        strategy: how the work is done; a resumed run does it in the same way, for the same bits.
    """

    name: str
    strategy: str
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


def create_backend() -> Backend:
    """Create the CPU backend: NumPy arrays, reference kernels."""
    return Backend("numpy", "reference", np, ReferenceKernels(np))
