"""What a check is, and how all are run: each guarded and timed, none begun that no longer fits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from traceback import format_exc
from typing import Any, Literal, NamedTuple

from trainer.backend.device import in_a_line
from trainer.errors import RunFailed, UserError
from trainer.gpu_check.gpu import Gpu

TOLD = 5
"""How many wrong things are named."""

Result = Literal["passed", "failed", "skipped"]


class Finding(NamedTuple):
    """What a check that passed has measured.

    Attributes:
        told: in words, a line.
        facts: as JSON takes it.
    """

    told: str
    facts: dict[str, Any]


class Check(NamedTuple):
    """Something that is to hold on a GPU.

    Attributes:
        run: does the check; raises `RunFailed`, or anything else, if it does not hold.
        seconds: what it takes at most on a GPU that is not very slow.
    """

    name: str
    seconds: float
    run: Callable[[Gpu], Finding]


class Outcome(NamedTuple):
    """How a check went.

    Attributes:
        told: what was measured, what went wrong, or why it was skipped: a line.
        facts: empty if it did not pass.
        traceback: of what it raised; not the error itself, which would keep arrays.
    """

    name: str
    result: Result
    told: str
    seconds: float
    facts: dict[str, Any]
    traceback: str = ""


def run_checks(
    gpu: Gpu, checks: Sequence[Check], budget: float, begin: Callable[[str], object]
) -> Iterator[Outcome]:
    """Run checks in order, and yield each outcome when it is there.

    Args:
        budget: in seconds; a check that may take longer than what is left of them is skipped.
        begin: called with the name of each check before it is run, or skipped.
    """
    start = time.monotonic()
    for check in checks:
        begin(check.name)
        left = budget - (time.monotonic() - start)
        if check.seconds > left:
            told = f"may take {check.seconds:g} s, of {budget:g} s {max(left, 0):.0f} s are left"
            yield Outcome(check.name, "skipped", told, 0.0, {})
            continue
        yield _run(gpu, check)
        gpu.free()


def _run(gpu: Gpu, check: Check) -> Outcome:
    start = time.monotonic()
    try:
        found = check.run(gpu)
    except Exception as error:  # whatever it is, the other checks go on
        known = isinstance(error, RunFailed | UserError)
        told = in_a_line(error) if known else f"{type(error).__name__}: {in_a_line(error)}"
        return Outcome(check.name, "failed", told, time.monotonic() - start, {}, format_exc())
    return Outcome(check.name, "passed", found.told, time.monotonic() - start, found.facts)


def judge(errors: dict[str, float], tolerance: float, what: str) -> Finding:
    """Make a finding of errors that are small enough.

    Raises:
        RunFailed: Some are not, or are no numbers; the message names them.
    """
    wrong = [f"{name} ({error:.1e})" for name, error in errors.items() if not error <= tolerance]
    if wrong:
        more = f" and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        raise RunFailed(
            f"wrong: {'; '.join(wrong[:TOLD])}{more}; errors may be at most {tolerance:g}"
        )
    told = f"{len(errors)} {what}, errors up to {max(errors.values()):.1e}, at most {tolerance:g}"
    return Finding(told, {"tolerance": tolerance, "errors": errors})
