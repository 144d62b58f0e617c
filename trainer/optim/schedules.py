"""Learning-rate schedules: pure functions of how far training has come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


class Plateau(NamedTuple):
    """How the validation goes, by the rule of ReduceLROnPlateau (mode min, relative threshold).

    Attributes:
        best: lowest loss so far; one is lower if it is so by a share of `threshold`.
        evaluations: those since then, or since the last fall of the rate; the one that comes after
            `patience` of them lets it fall.
        scale: what has become of the learning rate, as a share of it.
    """

    best: float | None
    evaluations: int
    scale: float


@dataclass(frozen=True)
class Schedule:
    """The factor on the learning rate at a point of the run.

    During warm-up the factor rises linearly from 0. After it, with p the share of the rest that is
    done:

    - ``constant``: 1
    - ``linear``: from 1 to `end_factor`, ``1 - (1 - end_factor) p``
    - ``cosine``: from 1 to `end_factor` along half a cosine (Loshchilov and Hutter 2017)
    - ``exponential``: times `gamma` for each epoch after epoch number `after`, as in char-rnn
    - ``step``: times `gamma` after every `step_size` epochs, as `torch.optim.lr_scheduler.StepLR`
    - ``plateau``: times `factor` when the validation has stalled, as
      `torch.optim.lr_scheduler.ReduceLROnPlateau`; see `Plateau`

    Args:
        warmup: share of the whole run, 0 <= warmup < 1.
    """

    name: str = "constant"
    warmup: float = 0.0
    end_factor: float = 0.0
    gamma: float = 0.97
    after: int = 10
    step_size: int = 5
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4

    def share(self, progress: float, epoch: int, scale: float = 1.0) -> float:
        """Compute the factor.

        Args:
            progress: share of the run that is done before this step, 0 to 1.
            epoch: epochs completed before this step.
            scale: of a plateau, so far.
        """
        if progress < self.warmup:
            return progress / self.warmup
        p = min(1.0, (progress - self.warmup) / (1 - self.warmup))
        if self.name == "linear":
            return 1 - (1 - self.end_factor) * p
        if self.name == "cosine":
            return self.end_factor + (1 - self.end_factor) * (1 + math.cos(math.pi * p)) / 2
        if self.name == "exponential":
            return self.gamma ** max(0, epoch + 1 - self.after)
        if self.name == "step":
            return self.gamma ** (epoch // self.step_size)
        return scale if self.name == "plateau" else 1.0

    def after_validation(self, plateau: Plateau, loss: float) -> Plateau:
        """Return what a validation makes of a plateau; the scale never falls below `end_factor`."""
        best, evaluations, scale = plateau
        if best is None or loss < best * (1 - self.threshold):
            return Plateau(loss, 0, scale)
        if evaluations < self.patience:
            return Plateau(best, evaluations + 1, scale)
        return Plateau(best, 0, max(scale * self.factor, self.end_factor))
