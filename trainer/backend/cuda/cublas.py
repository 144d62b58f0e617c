"""Matrix products by a cuBLAS handle of our own.

CuPy's products refuse to work while a graph is captured, cost the host several times as much, and
leave no choice of TF32 to one run alone.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Any, NamedTuple

import cupy
import numpy as np

from trainer.backend.kernels import Array

# From cublas_api.h.
AS_IT_IS, TRANSPOSED = 0, 1
TF32_MATH = 3
NO_MEMORY = 3  # of cublasStatus_t

WORKSPACE_BYTES = 32 << 20
"""What cuBLAS takes for itself on the largest GPUs. It is given ours because it would take its own
when a product needs it: in the middle of a step, or of a capture."""


class CublasError(Exception):
    """CuBLAS is missing, or refused a call."""


class CublasMemoryError(CublasError, MemoryError):
    """CuBLAS found too little memory."""


class _Gemm(NamedTuple):
    """The product of one floating type, and the addresses of a 1 and a 0 of that type."""

    name: str
    function: Any
    one: int
    zero: int


class Cublas:
    """A handle for the products of one stream.

    Args:
        allow_tf32: let float32 products round their factors to 10 bits of mantissa, for speed.

    Raises:
        CublasError: There is no cuBLAS, or it does not start.
    """

    def __init__(self, stream: Any, *, allow_tf32: bool) -> None:
        self._library = _load_library()
        self._handle = ctypes.c_void_p()
        self._call("cublasCreate_v2", ctypes.byref(self._handle))
        weakref.finalize(self, self._library["cublasDestroy_v2"], self._handle)
        self._workspace = cupy.empty(WORKSPACE_BYTES, np.uint8)
        workspace = ctypes.c_void_p(self._workspace.data.ptr)
        size = ctypes.c_size_t(WORKSPACE_BYTES)
        self._call("cublasSetStream_v2", self._handle, ctypes.c_void_p(stream.ptr))
        # After the stream, which takes any workspace away.
        self._call("cublasSetWorkspace_v2", self._handle, workspace, size)
        if allow_tf32:
            self._call("cublasSetMathMode", self._handle, TF32_MATH)
        self._scalars = {letter: np.array([1, 0], letter) for letter in "fd"}
        self._gemms = {
            "f": self._gemm("cublasSgemm_v2", "f"),
            "d": self._gemm("cublasDgemm_v2", "d"),
        }

    def product(self, a: Array, b: Array, out: Array) -> None:
        """Set out (m, n) to a (m, k) b (k, n); a and b may be transposes of contiguous arrays.

        Raises:
            CublasError: It was refused.
        """
        self._multiply(a.data.ptr, *_layout(a), b, out)

    def step_product(self, t: int, a: Array, b: Array, out: Array) -> None:
        """Set out (m, n) to a[t] b, of a (T, m, k): a view a[t] would take half as long again.

        Raises:
            CublasError: It was refused.
        """
        _, m, k = a.shape
        self._multiply(a.data.ptr + t * m * k * a.itemsize, AS_IT_IS, k, b, out)

    def _multiply(self, a_address: int, a_operation: int, a_row: int, b: Array, out: Array) -> None:
        # What lies in rows for us lies in columns for cuBLAS, which is transposed: it is asked for
        # out' = b' a'.
        m, n = out.shape
        gemm = self._gemms[out.dtype.char]
        b_operation, b_row = _layout(b)
        status = gemm.function(
            self._handle, b_operation, a_operation, n, m, b.shape[0],
            gemm.one, b.data.ptr, b_row, a_address, a_row, gemm.zero, out.data.ptr, n,
        )  # fmt: skip
        if status:
            raise _refusal(gemm.name, status)

    def _gemm(self, name: str, letter: str) -> _Gemm:
        pointer, integer = ctypes.c_void_p, ctypes.c_int
        function = self._library[name]
        function.argtypes = [
            pointer, integer, integer, integer, integer, integer,
            pointer, pointer, integer, pointer, integer,
            pointer, pointer, integer,
        ]  # fmt: skip
        scalars = self._scalars[letter]
        return _Gemm(name, function, scalars.ctypes.data, scalars[1:].ctypes.data)

    def _call(self, name: str, *arguments: Any) -> None:
        status = self._library[name](*arguments)
        if status:
            raise _refusal(name, status)


def _load_library() -> ctypes.CDLL:
    """Load the cuBLAS that CuPy finds."""
    try:
        from cupy_backends.cuda.libs import cublas  # noqa: F401  (finds and loads it)

        return ctypes.CDLL(f"libcublas.so.{cupy.cuda.runtime.runtimeGetVersion() // 1000}")
    except (ImportError, OSError) as error:
        raise CublasError(f"cuBLAS cannot be loaded: {str(error).strip()}") from error


def _layout(factor: Array) -> tuple[int, int]:
    """Say whether a factor is a transpose, and how long its rows are in memory."""
    rows, columns = factor.shape
    if factor.strides[1] == factor.itemsize:
        return AS_IT_IS, columns
    return TRANSPOSED, rows


def _refusal(name: str, status: int) -> CublasError:
    kind = CublasMemoryError if status == NO_MEMORY else CublasError
    return kind(f"{name} of cuBLAS returned status {status}")
