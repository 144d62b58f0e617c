"""Adam: a mean gradient over the root of a mean square (Kingma and Ba 2015)."""

from __future__ import annotations

import math

from trainer.backend import Array
from trainer.nn import Parameters
from trainer.optim.latch import NonFiniteLatch
from trainer.optim.optimizer import Optimizer


class Adam(Optimizer):
    """As `torch.optim.Adam`, without its variant amsgrad.

    With t the number of the step, from 1::

        m = beta_1 * m + (1 - beta_1) * g
        s = beta_2 * s + (1 - beta_2) * g^2
        p = p - learning_rate * m / (1 - beta_1^t) / (sqrt(s / (1 - beta_2^t)) + eps)

    The powers make up for means that start at zero. They follow from t, so nothing but the two
    means has to be saved.

    Args:
        betas: shares of the mean gradient and of the mean square that are kept.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, "mean", "mean_square", weight_decay=weight_decay)
        self.betas = betas
        self.eps = eps

    def rates(self, number: int, learning_rate: float) -> tuple[float, ...]:
        """Return learning rate and eps, both corrected for the number of the update."""
        beta_1, beta_2 = self.betas
        # The root of (1 - beta_2^t) is taken out of the sum, into both.
        correction = math.sqrt(1 - beta_2**number)
        return learning_rate * correction / (1 - beta_1**number), self.eps * correction

    def step(self, rates: Array, latch: NonFiniteLatch) -> None:
        """Update all parameters from their gradients."""
        self._kernels.adam(
            self.parameters.values,
            self.parameters.gradients,
            self.slots["mean"],
            self.slots["mean_square"],
            rates,
            latch.bad_step,
            betas=self.betas,
            weight_decay=self.weight_decay,
            decayed=self.parameters.matrices.stop,
        )
