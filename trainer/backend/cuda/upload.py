"""The host arrays of a step, brought to the GPU in one copy that the host does not wait for."""

from __future__ import annotations

from itertools import accumulate, cycle
from typing import Any, NamedTuple

import cupy
import cupyx
import numpy as np

from trainer.backend.kernels import Array

HostArray = np.ndarray[Any, np.dtype[Any]]

ALIGNMENT = 256
"""Bytes at whose multiples arrays begin, as CUDA's own allocations do."""


class Uploads:
    """Arrays of the same shapes and types always come to the same places."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._parcels: dict[tuple[Any, ...], _Parcel] = {}

    def send(self, arrays: tuple[HostArray | None, ...]) -> list[Array | None]:
        """Copy them, and return where they are; None stays None."""
        kinds = tuple(None if array is None else (array.shape, array.dtype) for array in arrays)
        parcel = self._parcels.get(kinds)
        if parcel is None:
            parcel = self._parcels[kinds] = _Parcel(arrays)
        return parcel.send(arrays, self._stream)


class _Staging(NamedTuple):
    """Pinned host memory, the arrays in it, and the event after its last copy to the device."""

    address: int
    arrays: list[HostArray | None]
    copied: Any


class _Parcel:
    """Memory for arrays of certain shapes and types, one after the other.

    Once on the device; twice on the host, which fills one while the device may read the other.
    """

    def __init__(self, arrays: tuple[HostArray | None, ...]) -> None:
        sizes = [0 if array is None else array.nbytes for array in arrays]
        padded = (-(-size // ALIGNMENT) * ALIGNMENT for size in sizes)
        *starts, self._size = accumulate(padded, initial=0)
        spans = [slice(start, start + size) for start, size in zip(starts, sizes, strict=True)]

        def place(memory: Any) -> list[Any]:
            return [
                None if array is None else memory[span].view(array.dtype).reshape(array.shape)
                for array, span in zip(arrays, spans, strict=True)
            ]

        def staging() -> _Staging:
            memory = cupyx.empty_pinned(self._size, np.uint8)
            copied = cupy.cuda.Event(block=True, disable_timing=True)
            return _Staging(memory.ctypes.data, place(memory), copied)

        self._device = cupy.empty(self._size, np.uint8)
        self._device_arrays = place(self._device)
        self._stagings = cycle((staging(), staging()))

    def send(self, arrays: tuple[HostArray | None, ...], stream: Any) -> list[Array | None]:
        staging = next(self._stagings)
        if not staging.copied.done:  # two steps later it nearly always is
            staging.copied.synchronize()
        for array, pinned in zip(arrays, staging.arrays, strict=True):
            if pinned is not None:
                pinned[...] = array
        self._device.data.copy_from_host_async(staging.address, self._size, stream)
        staging.copied.record(stream)
        return list(self._device_arrays)
