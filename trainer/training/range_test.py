"""The learning-rate range test (Smith 2017): train while the rate grows, and watch the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainer.text import Batches
from trainer.training.learner import Learner

SMOOTHING = 0.9
"""The loss is a mean over about the last ten steps: windows of a text differ."""
ENOUGH = 2.0
"""Times its lowest that the loss has to reach for the test to stop early."""
FELL, ROSE = 0.99, 1.1
"""Times the first loss to have fallen, times the lowest to have risen again."""
BELOW_LOWEST = 10
"""The suggestion is the rate at which the loss is lowest, divided by this.

Chosen by measuring (tinyshakespeare, 2 x 64, several seeds). The best of the powers of two, at the
end of 600 steps with a linear schedule, were 4 for SGD with momentum 0.9, 0.016 for Adam and 0.008
for RMSProp. This rule says 2.7 to 3.8, 0.017 to 0.025 and 0.004 to 0.010. The steepest descent, in
the first fall, where only the frequencies of characters are learnt, says 3.3 to 5.6, 0.001 and
0.0003, so Adam would end at 2.35 nats instead of 1.75. The "valley", two thirds down the longest
descent, says 0.03, 0.002 and 0.0007. The rule is too careful without momentum, and for tiny models.
"""


@dataclass(frozen=True)
class RangeTest:
    """What a range test found.

    Attributes:
        rates: learning rate of each step, growing.
        losses: nats per character before the update at that rate, smoothed.
        ended_by: what the loss became at the next step, which ended the test early; None if it
            went to its end.
    """

    rates: list[float]
    losses: list[float]
    ended_by: str | None = None

    @property
    def lowest(self) -> int:
        """The step at which the loss is lowest."""
        return self.losses.index(min(self.losses))

    @property
    def fell(self) -> bool:
        """Whether any rate was high enough to learn."""
        return self.losses[self.lowest] < FELL * self.losses[0]

    @property
    def rose(self) -> bool:
        """Whether any rate was too high."""
        early = self.ended_by is not None
        return early or self.losses[-1] > ROSE * self.losses[self.lowest]

    @property
    def suggestion(self) -> float | None:
        """A good highest rate of a schedule, to two digits; None if the loss never fell."""
        return float(f"{self.rates[self.lowest] / BELOW_LOWEST:.1e}") if self.fell else None


def growing_rates(low: float, high: float, steps: int) -> list[float]:
    """Return learning rates from `low` to `high`, each the same factor above the one before."""
    rates: list[float] = np.geomspace(low, high, steps).tolist()
    return rates


def run_range_test(
    learner: Learner, batches: Batches, rates: list[float], tick: Callable[[float], object]
) -> RangeTest:
    """Train with each of the rates for one step, or until the loss is far too high or not finite.

    Args:
        learner: as it is at the start of a run; it is overwritten.
        tick: called after each step with the smoothed loss.
    """
    mean, losses = 0.0, list[float]()
    # What overflows is told by the latch, and not by NumPy's warnings.
    with np.errstate(all="ignore"):
        for step, rate in enumerate(rates):
            window = step % batches.windows_per_epoch
            if window == 0:
                learner.reset_state()
            x, y, resets = batches.window(window)
            loss, _ = learner.step(x, y, resets, step=step, learning_rate=rate)
            if learner.latch.read() is not None:
                return RangeTest(rates[:step], losses, "no longer finite")
            mean = SMOOTHING * mean + (1 - SMOOTHING) * float(loss)
            smoothed = mean / (1 - SMOOTHING ** (step + 1))  # as if it had not begun at 0
            if smoothed > ENOUGH * min(losses, default=smoothed):
                return RangeTest(rates[:step], losses, "far above its lowest")
            losses.append(smoothed)
            tick(smoothed)
    return RangeTest(rates, losses)
