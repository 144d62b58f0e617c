"""Gradient clipping, on the flat array of all gradients."""

from __future__ import annotations

from trainer.backend import Array, Backend


def gradient_norm(backend: Backend, gradients: Array) -> Array:
    """Compute the Euclidean norm of all gradients together, a scalar of the device."""
    return backend.xp.sqrt(backend.xp.dot(gradients, gradients))


def clip_norm(backend: Backend, gradients: Array, norm: Array, maximum: float) -> None:
    """Scale all gradients so that their norm is at most `maximum` (Pascanu et al. 2013).

    As `torch.nn.utils.clip_grad_norm_`: the factor is ``min(1, maximum / (norm + 1e-6))``.
    """
    gradients *= backend.xp.minimum(1, maximum / (norm + 1e-6))


def clip_value(backend: Backend, gradients: Array, maximum: float) -> None:
    """Clamp each gradient to [-maximum, maximum], as `torch.nn.utils.clip_grad_value_`."""
    backend.xp.clip(gradients, -maximum, maximum, out=gradients)
