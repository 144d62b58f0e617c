"""Inverted dropout (Srivastava et al. 2014), with masks that are keyed, not remembered."""

from __future__ import annotations

from trainer.backend import Array, Backend, DropoutKey
from trainer.nn.workspace import Workspace


class Dropout:
    """y = x * mask / (1 - p) while training, y = x otherwise.

    Args:
        probability: p, the share that is dropped, 0 <= p < 1.
        seed, layer, shard: with the step they key the mask (see `trainer.backend.random`).
    """

    def __init__(
        self,
        backend: Backend,
        probability: float,
        *,
        seed: int,
        layer: int,
        shard: int = 0,
        dtype: str,
    ) -> None:
        self.backend = backend
        self.probability = probability
        self.key = DropoutKey(seed, layer, shard)
        self._workspace = Workspace(backend, dtype)
        self._masks = Workspace(backend, "uint8")
        self._mask: Array | None = None

    def forward(self, x: Array, step: Array | None) -> Array:
        """Drop parts of x (T, B, H), which stays as it is.

        Args:
            step: () of int64, the training step, keys the mask; None when not training.
        """
        if step is None or self.probability == 0:
            self._mask = None
            return x
        y, self._mask = self._workspace("y", *x.shape), self._masks("mask", *x.shape)
        kernels = self.backend.kernels
        kernels.dropout_forward(x, self.probability, self.key, step, self._mask, y)
        return y

    def backward(self, dy: Array) -> Array:
        """Turn dy (T, B, H) into dx, in place."""
        if self._mask is not None:
            self.backend.kernels.dropout_backward(dy, self.probability, self._mask)
        return dy
