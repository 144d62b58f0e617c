"""Softmax cross-entropy: mean nats per predicted symbol."""

from __future__ import annotations

from trainer.backend import Array, Backend


class SoftmaxCrossEntropy:
    """E = mean over the window of -log softmax(logits)[target]."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._saved: tuple[Array, Array, Array] | None = None

    def forward(self, logits: Array, targets: Array) -> tuple[Array, Array]:
        """Compute the loss.

        Args:
            logits: (T, B, V), overwritten by exp(logits - their maximum over V).
            targets: (T, B) ids.

        Returns:
            The mean, a scalar of the device, and the loss of each prediction (T, B), all in nats.
        """
        xp, V = self.backend.xp, logits.shape[-1]
        p, rows = logits.reshape(-1, V), xp.arange(targets.size)
        flat_targets = targets.reshape(-1)
        p -= p.max(axis=1, keepdims=True)
        chosen = p[rows, flat_targets]
        xp.exp(p, out=p)
        total = p.sum(axis=1)
        losses = xp.log(total) - chosen
        self._saved = logits, flat_targets, total
        return losses.mean(), losses.reshape(targets.shape)

    def backward(self, predictions: int | None = None) -> Array:
        """Compute the gradient of the logits (T, B, V), in their place.

        Args:
            predictions: how many E is the mean over; None for those of the window, more where the
                window is a part of a batch.

        Raises:
            RuntimeError: There was no forward pass.
        """
        if self._saved is None:
            raise RuntimeError("there is no forward pass to go back through")
        logits, targets, total = self._saved
        V, N = logits.shape[-1], predictions or targets.size
        p = logits.reshape(-1, V)
        p *= (1 / (N * total))[:, None]
        p[self.backend.xp.arange(targets.size), targets] -= 1 / N
        self._saved = None
        return logits
