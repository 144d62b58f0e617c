"""Gradient clipping, on the flat array of all gradients."""

from __future__ import annotations

from trainer.backend import Array
from trainer.nn import Parameters


class Clipping:
    """Limits the gradient as a whole, each of its elements, or both.

    Args:
        norm: largest Euclidean norm of all gradients together (Pascanu et al. 2013); as in
            `torch.nn.utils.clip_grad_norm_` the factor is ``min(1, norm / (found + 1e-6))``.
        value: each element is then clamped to [-value, value], as
            `torch.nn.utils.clip_grad_value_` does. None stands for no limit.

    Attributes:
        found: () the norm that the gradients had before they were last clipped.
    """

    def __init__(self, parameters: Parameters, norm: float | None, value: float | None) -> None:
        self.parameters = parameters
        self.norm = norm
        self.value = value
        self.found = parameters.backend.xp.zeros((), parameters.gradients.dtype)

    def __call__(self) -> Array:
        """Clip the gradients in place; return the norm that they had."""
        gradients, kernels = self.parameters.gradients, self.parameters.backend.kernels
        kernels.norm(gradients, out=self.found)
        if self.norm is not None or self.value is not None:
            kernels.clip(gradients, self.found, self.norm, self.value)
        return self.found
