"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from trainer.backend import Array
from trainer.nn import Parameters
from trainer.optim.latch import NonFiniteLatch


class SGD:
    """As `torch.optim.SGD`, but weight decay acts on matrices only (PyTorch decays biases too).

    ::

        g = gradient + weight_decay * p
        v = momentum * v + g
        p = p - learning_rate * (g + momentum * v  if nesterov else  v)

    Args:
        momentum: 0 for plain gradient descent.
        weight_decay: added to the gradient, not decoupled.

    Attributes:
        slots: the arrays to save beside the parameters, by name: flat, laid out as they are.
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
        xp = parameters.backend.xp
        self.parameters = parameters
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.slots: dict[str, Array] = {}
        if momentum > 0:
            self.slots["momentum"] = xp.zeros_like(parameters.values)
        self._xp = xp
        self._update = xp.empty_like(parameters.values)

    def step(self, learning_rate: float, latch: NonFiniteLatch) -> None:
        """Update all parameters from their gradients, which are spent, unless the latch is shut."""
        xp, update = self._xp, self._update
        p, g, matrices = self.parameters.values, self.parameters.gradients, self.parameters.matrices
        if self.weight_decay > 0:
            xp.multiply(p[matrices], self.weight_decay, out=update[matrices])
            g[matrices] += update[matrices]
        if self.momentum > 0:
            v = self.slots["momentum"]
            v *= self.momentum
            v += g
            if self.nesterov:
                xp.multiply(v, self.momentum, out=update)
                g += update
            else:
                g = v
        xp.multiply(g, learning_rate, out=update)
        xp.copyto(update, 0, where=latch.shut)  # 0 * nan would be nan
        p -= update
