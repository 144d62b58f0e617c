"""The backend of a GPU."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any

import cupy

from trainer.backend.backend import Backend
from trainer.backend.cuda.cublas import Cublas
from trainer.backend.cuda.graph import Recorder
from trainer.backend.cuda.kernels import CudaKernels
from trainer.backend.cuda.upload import HostArray, Uploads
from trainer.backend.kernels import Array


class CudaBackend(Backend):
    """CuPy's arrays and our kernels, on a device and a stream that become this thread's own.

    Args:
        index: of the device, from 0.
        allow_tf32: let float32 products round their factors to 10 bits of mantissa, for speed.
        cuda_graph: record the work of `repeat`, and replay it.

    Raises:
        Exception: Of CuPy, or a `CublasError`: the device cannot be used.
    """

    def __init__(self, index: int, *, allow_tf32: bool = False, cuda_graph: bool = False) -> None:
        cupy.cuda.Device(index).use()
        self._stream = _stream_of(index)
        self._stream.use()
        kernels = CudaKernels(Cublas(self._stream, allow_tf32=allow_tf32))
        super().__init__("cupy", cupy, kernels)
        self._uploads = Uploads(self._stream)
        self._recorder = Recorder(self._stream) if cuda_graph else None

    @property
    def graph_refused(self) -> str | None:
        """Why work is no longer recorded, although it was to be; None as long as it is."""
        return None if self._recorder is None else self._recorder.refused

    def to_host(self, array: Array) -> HostArray:
        """Fetch an array from the device, waiting for it."""
        host: HostArray = self.xp.asnumpy(array)
        return host

    def address(self, array: Array) -> int:
        """Return the address of an array's first byte on the device."""
        return int(array.data.ptr)

    def upload(self, *arrays: HostArray | None) -> list[Array | None]:
        """Bring host arrays to the device in one copy that runs while the host goes on."""
        return self._uploads.send(arrays)

    def repeat(self, key: Hashable, work: Callable[[], None]) -> None:
        """Do the work, or replay what it did when the key was the same, see `Recorder`."""
        if self._recorder is None:
            work()
        else:
            self._recorder.repeat(key, work)

    def synchronize(self) -> None:
        """Wait until the device has done all that it was asked."""
        self._stream.synchronize()


@cache
def _stream_of(index: int) -> Any:
    """Return the stream of a device: one for all backends, so that they cannot overtake each other.

    It does not wait for the default stream, and the default one cannot be captured.
    """
    return cupy.cuda.Stream(non_blocking=True)
