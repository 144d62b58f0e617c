"""How far a run has come and how long it is: all that a checkpoint remembers besides arrays."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from trainer.config import TrainingConfig


@dataclass
class Counters:
    """The counters of a run. Losses are mean nats per character.

    Attributes:
        step: updates made.
        seconds: training time over all sessions, without evaluation, logging and saving.
        first_loss: of the first step.
        last_loss: of the last row in metrics.jsonl.
        best_loss, best_step: of the best validation.
        validated_step: of the last validation.
        evaluations_without_improvement: since then.
        loss_sum, norm_sum, summed_steps: running sums since the last row.
        summed_seconds: training time since the last row.
    """

    step: int = 0
    seconds: float = 0.0
    first_loss: float | None = None
    last_loss: float | None = None
    best_loss: float | None = None
    best_step: int | None = None
    validated_step: int | None = None
    evaluations_without_improvement: int = 0
    loss_sum: float = 0.0
    norm_sum: float = 0.0
    summed_steps: int = 0
    summed_seconds: float = 0.0

    def to_facts(self) -> dict[str, Any]:
        """Return the counters for a checkpoint; JSON keeps every bit of a float."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Counters:
        """Read the counters of a checkpoint."""
        return cls(**{field.name: facts[field.name] for field in fields(cls)})


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
