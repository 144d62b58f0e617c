"""What all optimizers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from trainer.backend import Array
from trainer.nn import Parameters
from trainer.optim.latch import NonFiniteLatch


class Optimizer(ABC):
    """A method of torch.optim on flat arrays, but weight decay acts on matrices only.

    (PyTorch decays biases too.) The arithmetic is in `backend.kernels`: on a GPU each method is a
    kernel that reads and writes every array once.

    Args:
        slots: names of the arrays that the method keeps from step to step.
        weight_decay: times the parameters, added to the gradient; not decoupled.

    Attributes:
        slots: these arrays, to be saved beside the parameters: flat, laid out as they are.
    """

    def __init__(self, parameters: Parameters, *slots: str, weight_decay: float = 0.0) -> None:
        zeros_like = parameters.backend.xp.zeros_like
        self.parameters = parameters
        self.weight_decay = weight_decay
        self.slots: dict[str, Array] = {name: zeros_like(parameters.values) for name in slots}
        self._kernels = parameters.backend.kernels

    def rates(self, number: int, learning_rate: float) -> tuple[float, ...]:
        """Return what changes from update to update: the learning rate, and what goes with it.

        A device is given them with the batch, so that all it does is the same in every step.

        Args:
            number: of the update in the whole run, from 1.
        """
        return (learning_rate,)

    @abstractmethod
    def step(self, rates: Array, latch: NonFiniteLatch) -> None:
        """Update all parameters, unless the latch is shut; the gradients are overwritten.

        Args:
            rates: those of this update, of the parameters' type.
        """
