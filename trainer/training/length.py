"""How long a run is, and how much of it is done."""

from __future__ import annotations

from trainer.config import Config, TrainingConfig
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


def is_finished(config: Config, counters: Counters, length: Length) -> bool:
    """Whether a run has its full length, or has lost its patience."""
    return length.share_done(counters) >= 1 or is_out_of_patience(config, counters)


def is_out_of_patience(config: Config, counters: Counters) -> bool:
    """Whether too many evaluations brought no improvement."""
    patience = config.evaluation.patience
    return patience is not None and counters.evaluations_without_improvement >= patience


def describe_longer(config: Config, counters: Counters) -> str:
    """Return the override that gives twice of what ended a run: its length, or its patience."""
    if is_out_of_patience(config, counters):
        return f"evaluation.patience={2 * (config.evaluation.patience or 1)}"
    lengths = config.training.model_dump()
    unit = next(unit for unit in ("epochs", "steps", "minutes") if lengths[unit] is not None)
    return f"training.{unit}={2 * lengths[unit]}"
