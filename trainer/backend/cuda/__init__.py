"""The backend of an NVIDIA GPU: CuPy's arrays, CUDA kernels of our own, matrix products by cuBLAS.

Importing it imports CuPy, which takes half a second and need not be installed.
"""

import os

# Before CuPy is imported: its sums by CUB take seconds to compile, and none is in a training step.
os.environ.setdefault("CUPY_ACCELERATORS", "")

import cupy

from trainer.backend.cuda.backend import CudaBackend

__all__ = ["CudaBackend", "cupy"]
