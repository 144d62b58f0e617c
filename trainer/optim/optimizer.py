"""What all optimizers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from trainer.backend import Array
from trainer.nn import Parameters
from trainer.optim.latch import NonFiniteLatch


class Optimizer(ABC):
    """A method of torch.optim on flat arrays, but weight decay acts on matrices only.

    (PyTorch decays biases too.) No step allocates an array.

    Args:
        slots: names of the arrays that the method keeps from step to step.
        weight_decay: times the parameters, added to the gradient; not decoupled.

    Attributes:
        slots: these arrays, to be saved beside the parameters: flat, laid out as they are.
    """

    def __init__(self, parameters: Parameters, *slots: str, weight_decay: float = 0.0) -> None:
        xp = parameters.backend.xp
        self.parameters = parameters
        self.weight_decay = weight_decay
        self.slots: dict[str, Array] = {name: xp.zeros_like(parameters.values) for name in slots}
        self._xp = xp
        self._work = xp.empty_like(parameters.values)

    def step(self, number: int, learning_rate: float, latch: NonFiniteLatch) -> None:
        """Update all parameters from their gradients, which are spent, unless the latch is shut.

        Args:
            number: of this update in the whole run, from 1.
        """
        xp, work = self._xp, self._work
        p, g, matrices = self.parameters.values, self.parameters.gradients, self.parameters.matrices
        if self.weight_decay > 0:
            xp.multiply(p[matrices], self.weight_decay, out=work[matrices])
            g[matrices] += work[matrices]
        self._update(g, work, number, learning_rate)
        xp.copyto(work, 0, where=latch.shut)  # 0 * nan would be nan
        p -= work

    @abstractmethod
    def _update(self, g: Array, update: Array, number: int, learning_rate: float) -> None:
        """Write to `update` what is to be taken from the parameters.

        Args:
            g: the gradients, decay included; may be written to.
        """
