"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from trainer.backend import Array
from trainer.nn import Parameters
from trainer.optim.latch import NonFiniteLatch
from trainer.optim.optimizer import Optimizer


class SGD(Optimizer):
    """As `torch.optim.SGD`.

    ::

        v = momentum * v + g
        p = p - learning_rate * (g + momentum * v  if nesterov else  v)

    Args:
        momentum: 0 for plain gradient descent.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        if nesterov and momentum == 0:
            raise ValueError("Nesterov's momentum needs a momentum")
        slots = ["momentum"] if momentum > 0 else []
        super().__init__(parameters, *slots, weight_decay=weight_decay)
        self.momentum = momentum
        self.nesterov = nesterov

    def step(self, rates: Array, latch: NonFiniteLatch) -> None:
        """Update all parameters from their gradients."""
        self._kernels.sgd(
            self.parameters.values,
            self.parameters.gradients,
            self.slots.get("momentum"),
            rates,
            latch.bad_step,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            decayed=self.parameters.matrices.stop,
        )
