"""Adam: a mean gradient over the root of a mean square (Kingma and Ba 2015)."""

from __future__ import annotations

import math

from trainer.backend import Array
from trainer.nn import Parameters
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

    def _update(self, g: Array, update: Array, number: int, learning_rate: float) -> None:
        xp, m, s = self._xp, self.slots["mean"], self.slots["mean_square"]
        beta_1, beta_2 = self.betas
        xp.multiply(g, 1 - beta_1, out=update)
        m *= beta_1
        m += update
        g *= g
        g *= 1 - beta_2
        s *= beta_2
        s += g
        # The root of (1 - beta_2^t) is taken out of the sum, into eps and rate: a pass less.
        correction = math.sqrt(1 - beta_2**number)
        xp.sqrt(s, out=update)
        update += self.eps * correction
        xp.divide(m, update, out=update)
        update *= learning_rate * correction / (1 - beta_1**number)
