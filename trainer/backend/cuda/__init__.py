"""The backend of an NVIDIA GPU: CuPy's arrays, CUDA kernels of our own, matrix products by cuBLAS.

Importing it imports CuPy, which takes half a second and need not be installed.
"""

from trainer.backend.cuda.backend import CudaBackend

__all__ = ["CudaBackend"]
