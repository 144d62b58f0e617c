"""A table of rows, one a symbol: the linear map of a one-hot vector."""

from __future__ import annotations

from trainer.backend import Array, Backend
from trainer.nn.linear import Linear
from trainer.nn.parameters import Parameter


class Embedding(Linear):
    """y = x W for one-hot x, which are given as ids: y is row ``W[id]``.

    Takes dense vectors of length V too (mixtures of symbols); then it is a `Linear`.

    Args:
        W: (V, K).
    """

    def __init__(self, backend: Backend, W: Parameter) -> None:
        super().__init__(backend, W)

    def forward(self, x: Array) -> Array:
        """Compute y (T, B, K) from ids (T, B) or vectors (T, B, V)."""
        if x.ndim == 3:
            return super().forward(x)
        y = self._workspace("y", *x.shape, self.W.value.shape[1])
        self.backend.kernels.gather_rows(self.W.value, x, out=y)
        self._x = x
        return y

    def backward(self, dy: Array) -> Array | None:
        """Write the gradient of W; return that of vectors (T, B, V), and None for ids.

        For ids it is the sum of the rows of dy that belong to each symbol, always added in the
        same order.

        Raises:
            RuntimeError: There was no forward pass.
        """
        if self._x is None or self._x.ndim == 3:
            return super().backward(dy)
        ids = self._x.reshape(-1)
        self.backend.kernels.sum_rows(dy.reshape(len(ids), -1), ids, out=self.W.gradient)
        self._x = None
        return None
