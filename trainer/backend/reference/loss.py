"""Softmax cross-entropy."""

from __future__ import annotations

from typing import Any

from trainer.backend.kernels import Array


class LossKernels:
    """The loss of N predictions among V symbols."""

    xp: Any

    def softmax_forward(self, logits: Array, targets: Array, total: Array, losses: Array) -> None:
        """Compute -log softmax(logits)[target] of N predictions.

        Args:
            logits: (N, V), overwritten by exp(logits - their maximum over V).
            targets: (N,) ids.
            total: (N,), written: the sum of that over V.
            losses: (N,), written.
        """
        xp = self.xp
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[xp.arange(len(targets)), targets]
        xp.exp(logits, out=logits)
        xp.sum(logits, axis=1, out=total)
        xp.log(total, out=losses)
        losses -= chosen

    def softmax_backward(self, p: Array, targets: Array, total: Array, predictions: int) -> None:
        """Compute the gradient of the mean loss.

        Args:
            p: (N, V), as `softmax_forward` left the logits; on return their gradient.
            targets, total: (N,), as in `softmax_forward`.
            predictions: how many the mean is over.
        """
        p *= (1 / (predictions * total))[:, None]
        p[self.xp.arange(len(targets)), targets] -= 1 / predictions
