"""The backend: chosen once, passed down, never asked for its name by the mathematics."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from trainer.backend.kernels import Array, Kernels
from trainer.backend.reference import ReferenceKernels
from trainer.errors import UserError
from trainer.hints import install_command


@dataclass(frozen=True)
class Backend:
    """An array namespace and the kernels that go with it; this one is NumPy's."""

    name: str
    xp: Any
    kernels: Kernels

    def asarray(self, host: Any, dtype: Any = None) -> Array:
        """Bring a host array to the device (a no-op on the CPU)."""
        return self.xp.asarray(host, dtype=dtype)

    def to_host(self, array: Array) -> np.ndarray[Any, Any]:
        """Fetch an array from the device, waiting for it (a no-op on the CPU)."""
        return np.asarray(array)

    def address(self, array: Array) -> int:
        """Return the address of an array's first byte."""
        return int(array.ctypes.data)

    def upload(self, *arrays: np.ndarray[Any, Any] | None) -> list[Array | None]:
        """Bring the host arrays of a training step to the device, and do not wait for it.

        Returns:
            One for each, at the same place whenever they come in the same shapes and types; good
            until the next upload. (A no-op on the CPU.)
        """
        return list(arrays)

    def repeat(self, key: Hashable, work: Callable[[], None]) -> None:
        """Do work that was done before, or will be again, on the same arrays in the same places.

        A device may record it, and replay it the next time that the key is the same.
        """
        work()

    @property
    def graph_refused(self) -> str | None:
        """Why `repeat` no longer records what it does, although it was to."""
        return None

    def synchronize(self) -> None:
        """Wait until the device has done all that it was asked (a no-op on the CPU)."""


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
            "the fused kernels, with which this run was begun, need numba: "
            + install_command("numba")
        )
    from trainer.backend.fused import FusedKernels  # numba takes a third of a second to import

    return Backend("numpy", np, FusedKernels(np))


def numba_is_installed() -> bool:
    """Whether the fused kernels can be had."""
    return find_spec("numba") is not None
