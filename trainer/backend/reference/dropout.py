"""Dropout."""

from __future__ import annotations

from typing import Any

from trainer.backend.kernels import Array, DropoutKey
from trainer.backend.random import keep_mask


class DropoutKernels:
    """Masks that are keyed, not remembered."""

    xp: Any

    def dropout_forward(
        self, x: Array, probability: float, key: DropoutKey, step: Array, mask: Array, y: Array
    ) -> None:
        """Set y to x * mask / (1 - p), with a mask drawn for this step.

        Args:
            x, y: of one shape.
            step: (), of int64.
            mask: of uint8 and x's shape, written: what `keep_mask` draws.
        """
        mask[...] = self.xp.asarray(
            keep_mask(x.shape, probability, **key._asdict(), step=int(step))
        )
        self.xp.multiply(x, mask, out=y)
        y *= 1 / (1 - probability)

    def dropout_backward(self, dy: Array, probability: float, mask: Array) -> None:
        """Turn dy into the gradient of x, in place."""
        dy *= mask
        dy *= 1 / (1 - probability)
