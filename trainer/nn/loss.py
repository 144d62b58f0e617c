"""Softmax cross-entropy: nats per predicted symbol."""

from __future__ import annotations

from trainer.backend import Array, Backend
from trainer.nn.workspace import Workspace


class SoftmaxCrossEntropy:
    """E = mean over the window of -log softmax(logits)[target]."""

    def __init__(self, backend: Backend, dtype: str) -> None:
        self.backend = backend
        self._workspace = Workspace(backend, dtype)
        self._saved: tuple[Array, Array, Array] | None = None

    def forward(self, logits: Array, targets: Array) -> Array:
        """Compute the loss of each prediction.

        Args:
            logits: (T, B, V), overwritten by exp(logits - their maximum over V).
            targets: (T, B) ids.

        Returns:
            (T, B), in nats; good until the next `forward`.
        """
        T, B, V = logits.shape
        losses, total = self._workspace("losses", T, B), self._workspace("total", T, B).reshape(-1)
        p, targets = logits.reshape(-1, V), targets.reshape(-1)
        self.backend.kernels.softmax_forward(p, targets, total, losses.reshape(-1))
        self._saved = logits, targets, total
        return losses

    def backward(self, predictions: int | None = None) -> Array:
        """Compute the gradient of the logits (T, B, V), in their place.

        Args:
            predictions: how many E is the mean over; None for those of the window, more where the
                window is a shard of a batch.

        Raises:
            RuntimeError: There was no forward pass.
        """
        if self._saved is None:
            raise RuntimeError("there is no forward pass to go back through")
        logits, targets, total = self._saved
        p = logits.reshape(-1, logits.shape[-1])
        self.backend.kernels.softmax_backward(p, targets, total, predictions or targets.size)
        self._saved = None
        return logits
