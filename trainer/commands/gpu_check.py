"""Check that a GPU computes what the CPU does, without waiting, and tell how fast."""

from __future__ import annotations

import json
import math
import re
from argparse import Namespace
from pathlib import Path

from trainer import terminal
from trainer.backend.device import Device, find_gpu, memory
from trainer.errors import RunFailed, UserError
from trainer.files import whole_file
from trainer.gpu_check import (
    CORRECTNESS,
    Check,
    Finding,
    Gpu,
    Outcome,
    as_json,
    run_checks,
    speeds,
    table,
    verdict,
)
from trainer.gpu_check.gpu import trained
from trainer.training.learner import Learner
from trainer.training.resources import Workload
from trainer.training.timing import SYMBOLS, make_config

STANDARD_OUTPUT = Path("-")
STEPS = 5


def run(arguments: Namespace) -> int:
    """Check, and show a table or JSON; return the exit status."""
    budget, file = arguments.budget, arguments.json
    if not 0 < budget < math.inf:
        raise UserError(f"--budget {budget:g}: expected seconds, more than 0")
    writable = file is None or (file.parent.is_dir() and (file.is_file() or not file.exists()))
    if not (writable and (file is None or file.name)):
        raise UserError(f"--json {file}: expected a file in a folder that exists, or -")
    gpu = Gpu(_find(arguments.device), arguments.quick)
    checks = [
        *CORRECTNESS,
        Check("memory runs out", 20, memory_runs_out),
        *speeds(quick=arguments.quick),
    ]
    outcomes = []
    try:
        for outcome in run_checks(
            gpu, checks, budget, lambda name: terminal.tell(f"{name} ... ", end="")
        ):
            outcomes.append(outcome)
            terminal.tell(f"{outcome.result} ({outcome.seconds:.1f} s)")
            if outcome.traceback and arguments.debug:
                terminal.tell(outcome.traceback)
    finally:  # what was found is shown, even if a person has seen enough
        if outcomes:
            _show(outcomes, file)
    return 0 if all(outcome.result == "passed" for outcome in outcomes) else 1


def memory_runs_out(gpu: Gpu) -> Finding:
    """Ask for more than there is, and go on as if nothing had been.

    What is too large by formula is refused. If it is tried all the same, as where another process
    takes the memory, the line that tells of it says what is needed.
    """
    plan = gpu.plan
    small = make_config(model={"hidden_size": 9}, training={"batch_size": 3, "sequence_length": 4})
    before = trained(plan.start(), small, STEPS)[0]
    there = memory(gpu.device) or 0
    # Twice of it for the parameters alone, about 12 H^2 numbers of 4 bytes.
    large = small.model_copy(
        update={"model": small.model.model_copy(update={"hidden_size": math.isqrt(there // 24)})}
    )
    lines, workload = [], Workload(large, SYMBOLS, plan)
    for attempt in (
        workload.refuse_too_large,
        lambda: Learner(large, plan.start(), SYMBOLS),
    ):
        try:
            with workload.explain_failures():
                attempt()
        except (UserError, RunFailed) as error:
            lines.append(str(error))
    if len(lines) != 2 or any("\n" in line or "by formula" not in line for line in lines):
        raise RunFailed(f"expected two lines that tell what is needed, found {lines}")
    if trained(plan.start(), small, STEPS)[0] != before:
        raise RunFailed("afterwards, the same training had other losses")
    return Finding(
        "refused by formula; tried all the same, told in a line; goes on", {"lines": lines}
    )


def _find(name: str) -> Device:
    """Find the GPU to check.

    Raises:
        UserError: It cannot be used.
    """
    if not re.fullmatch(r"gpu(:[0-9]+)?", name):
        raise UserError(f"--device {name}: expected gpu, or by its number from 0, gpu:1")
    try:
        return find_gpu(int(name.partition(":")[2] or 0))
    except UserError as reason:
        raise UserError(f"there is no GPU to check: {reason}") from reason


def _show(outcomes: list[Outcome], file: Path | None) -> None:
    content = json.dumps(as_json(outcomes), indent=2)
    if file == STANDARD_OUTPUT:
        terminal.write(f"{content}\n")
        return
    terminal.write_lines([*table(outcomes), "", verdict(outcomes)])
    if file is not None:
        with whole_file(file) as opened:
            opened.write(f"{content}\n".encode())
