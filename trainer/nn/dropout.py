"""Inverted dropout (Srivastava et al. 2014), with masks that are keyed, not remembered."""

from __future__ import annotations

from trainer.backend import Array, Backend
from trainer.backend.random import keep_mask
from trainer.nn.workspace import Workspace


class Dropout:
    """y = x * mask / (1 - p) while training, y = x otherwise.

    Args:
        probability: p, the share that is dropped, 0 <= p < 1.
        seed, layer, part: with the step they key the mask (see `keep_mask`).
    """

    def __init__(
        self,
        backend: Backend,
        probability: float,
        *,
        seed: int,
        layer: int,
        part: int = 0,
        dtype: str,
    ) -> None:
        self.backend = backend
        self.probability = probability
        self.seed = seed
        self.layer = layer
        self.part = part
        self._workspace = Workspace(backend, dtype)
        self._mask: Array | None = None

    def forward(self, x: Array, step: int | None) -> Array:
        """Drop parts of x (T, B, H), which stays as it is.

        Args:
            step: the training step that keys the mask; None when not training.
        """
        if step is None or self.probability == 0:
            self._mask = None
            return x
        mask = keep_mask(
            x.shape,
            self.probability,
            seed=self.seed,
            step=step,
            layer=self.layer,
            part=self.part,
        )
        self._mask = self.backend.asarray(mask)
        y = self._workspace("y", *x.shape)
        self.backend.xp.multiply(x, self._mask, out=y)
        y *= 1 / (1 - self.probability)
        return y

    def backward(self, dy: Array) -> Array:
        """Turn dy (T, B, H) into dx, in place."""
        if self._mask is not None:
            dy *= self._mask
            dy *= 1 / (1 - self.probability)
        return dy
