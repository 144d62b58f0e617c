"""A linear map: y = x W + b."""

from __future__ import annotations

from trainer.backend import Array, Backend
from trainer.nn.parameters import Parameter
from trainer.nn.workspace import Workspace


class Linear:
    """y = x W + b over the last axis.

    Args:
        W: (D, K).
        b: (K,) or None.
    """

    def __init__(self, backend: Backend, W: Parameter, b: Parameter | None = None) -> None:
        self.backend = backend
        self.W = W
        self.b = b
        self._workspace = Workspace(backend, W.value.dtype)
        self._x: Array | None = None

    def forward(self, x: Array) -> Array:
        """Compute y (T, B, K) from x (T, B, D); y may be overwritten, until the next `forward`."""
        T, B, D = x.shape
        y = self._workspace("y", T, B, self.W.value.shape[1])
        self.backend.kernels.product(x.reshape(T * B, D), self.W.value, out=y.reshape(T * B, -1))
        if self.b is not None:
            y += self.b.value
        self._x = x
        return y

    def backward(self, dy: Array) -> Array | None:
        """Write the gradients of W and b, and return that of x (T, B, D), from dy (T, B, K).

        Raises:
            RuntimeError: There was no forward pass.
        """
        if self._x is None:
            raise RuntimeError("there is no forward pass to go back through")
        (T, B, D), product = self._x.shape, self.backend.kernels.product
        dy = dy.reshape(T * B, -1)
        product(self._x.reshape(T * B, D).T, dy, out=self.W.gradient)
        if self.b is not None:
            self.backend.kernels.sum_columns(dy, out=self.b.gradient)
        dx = self._workspace("dx", T, B, D)
        product(dy, self.W.value.T, out=dx.reshape(T * B, D))
        self._x = None
        return dx
