"""Where arrays live and who computes on them: one array namespace and one set of fused kernels."""

from trainer.backend.backend import Backend, create_backend
from trainer.backend.kernels import Array, DropoutKey, Kernels
from trainer.backend.plan import ONE_THREAD, Plan, make_plan

__all__ = [
    "ONE_THREAD",
    "Array",
    "Backend",
    "DropoutKey",
    "Kernels",
    "Plan",
    "create_backend",
    "make_plan",
]
