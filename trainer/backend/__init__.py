"""Where arrays live and who computes on them: one array namespace and one set of fused kernels."""

from trainer.backend.backend import Array, Backend, Kernels, create_backend

__all__ = ["Array", "Backend", "Kernels", "create_backend"]
