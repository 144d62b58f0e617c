"""RMSProp: each element's gradient over the root of its mean square (Tieleman and Hinton 2012)."""

from __future__ import annotations

from trainer.backend import Array
from trainer.nn import Parameters
from trainer.optim.latch import NonFiniteLatch
from trainer.optim.optimizer import Optimizer


class RMSProp(Optimizer):
    """As `torch.optim.RMSprop`, not centred.

    ::

        s = alpha * s + (1 - alpha) * g^2
        v = momentum * v + g / (sqrt(s) + eps)
        p = p - learning_rate * v

    Args:
        alpha: share of the mean square that is kept.
        momentum: 0 for none.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        slots = ["mean_square", *(["momentum"] if momentum > 0 else [])]
        super().__init__(parameters, *slots, weight_decay=weight_decay)
        self.alpha = alpha
        self.eps = eps
        self.momentum = momentum

    def step(self, rates: Array, latch: NonFiniteLatch) -> None:
        """Update all parameters from their gradients."""
        self._kernels.rmsprop(
            self.parameters.values,
            self.parameters.gradients,
            self.slots["mean_square"],
            self.slots.get("momentum"),
            rates,
            latch.bad_step,
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            decayed=self.parameters.matrices.stop,
        )
