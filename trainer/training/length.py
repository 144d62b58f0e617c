"""How long a run is, and how much of it is done."""

from __future__ import annotations

from trainer.config import TrainingConfig
from trainer.runs.counters import Counters


class Length:
    """The length of a run, in epochs, steps or minutes of training."""

    def __init__(self, training: TrainingConfig, windows_per_epoch: int) -> None:
        self.minutes = training.minutes
        self.steps = training.steps or (training.epochs or 0) * windows_per_epoch

    def share_done(self, counters: Counters) -> float:
        """Return how much of the run is done, from 0 to 1."""
        if self.minutes is not None:
            return min(1.0, counters.seconds / 60 / self.minutes)
        return min(1.0, counters.step / self.steps)
