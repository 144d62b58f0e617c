"""What was found, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from trainer import terminal
from trainer.gpu_check.check import Outcome

HEAD = ("check", "result", "seconds", "measured")


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Return a line for each check."""
    rows = [HEAD, *((o.name, o.result, f"{o.seconds:.1f}", o.told) for o in outcomes)]
    return terminal.table(rows, "<<><")


def verdict(outcomes: Sequence[Outcome]) -> str:
    """Count the results."""
    counts = Counter(outcome.result for outcome in outcomes)
    words = (f"{counts[r]} {r}" for r in ("passed", "failed", "skipped") if counts[r])
    return f"{', '.join(words)}, in {sum(outcome.seconds for outcome in outcomes):.0f} s"


def as_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return all that was found; the first check is of the environment."""
    fields = ("name", "result", "told", "seconds", "facts")
    return {
        "verdict": verdict(outcomes),
        "environment": outcomes[0].facts,
        "checks": [{field: getattr(outcome, field) for field in fields} for outcome in outcomes],
    }
