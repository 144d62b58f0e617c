"""How far a run has come."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import NonNegativeInt

LATER = frozenset({"rate_scale", "plateau_best", "plateau_evaluations"})
"""Counters that the first checkpoints of this format did not have."""


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
        rate_scale: what the schedule "plateau" has made of the learning rate, a share of it.
        plateau_best, plateau_evaluations: its best loss, and the evaluations that were no better.
        loss_sum, norm_sum, summed_steps: running sums since the last row.
        summed_seconds: training time since the last row.
    """

    step: NonNegativeInt = 0
    seconds: float = 0.0
    first_loss: float | None = None
    last_loss: float | None = None
    best_loss: float | None = None
    best_step: int | None = None
    validated_step: int | None = None
    evaluations_without_improvement: NonNegativeInt = 0
    rate_scale: float = 1.0
    plateau_best: float | None = None
    plateau_evaluations: NonNegativeInt = 0
    loss_sum: float = 0.0
    norm_sum: float = 0.0
    summed_steps: NonNegativeInt = 0
    summed_seconds: float = 0.0

    def to_facts(self) -> dict[str, Any]:
        """Return the counters for a checkpoint; JSON keeps every bit of a float."""
        return asdict(self)

    @classmethod
    def needed(cls) -> set[str]:
        """Name those that every checkpoint has; later ones begin as they do in a new run."""
        return {field.name for field in fields(cls)} - LATER
