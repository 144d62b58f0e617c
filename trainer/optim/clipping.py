"""Gradient clipping, on the flat array of all gradients."""

from __future__ import annotations

from trainer.backend import Array, Backend


class Clipping:
    """Limits the gradient as a whole, each of its elements, or both.

    Args:
        norm: largest Euclidean norm of all gradients together (Pascanu et al. 2013); as in
            `torch.nn.utils.clip_grad_norm_` the factor is ``min(1, norm / (found + 1e-6))``.
        value: each element is then clamped to [-value, value], as
            `torch.nn.utils.clip_grad_value_` does. None stands for no limit.
    """

    def __init__(self, backend: Backend, norm: float | None, value: float | None) -> None:
        self.backend = backend
        self.norm = norm
        self.value = value

    def __call__(self, gradients: Array) -> Array:
        """Clip flat gradients in place; return the norm that they had, a scalar of the device."""
        xp = self.backend.xp
        norm = xp.sqrt(xp.dot(gradients, gradients))
        if self.norm is not None:
            gradients *= xp.minimum(1, self.norm / (norm + 1e-6))
        if self.value is not None:
            xp.clip(gradients, -self.value, self.value, out=gradients)
        return norm
