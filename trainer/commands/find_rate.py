"""Find a good learning rate for a configuration."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path

from trainer import terminal
from trainer.config import load_config
from trainer.errors import UserError
from trainer.hints import train_command
from trainer.monitor.pictures import write_rate_picture
from trainer.training.range_test import BELOW_LOWEST, RangeTest, growing_rates, run_range_test
from trainer.training.resources import Workload
from trainer.training.starting import folder_of, prepare

FEWEST_STEPS = 20
ROWS = 24
KEY = "optimizer.learning_rate"


def run(arguments: Namespace) -> int:
    """Test, print a table and a suggestion, write a picture; return the exit status."""
    low, high, steps = arguments.low, arguments.high, arguments.steps
    if not 0 < low < high < math.inf:
        raise UserError(f"--from {low:g} --to {high:g}: expected 0 < from < to < infinity")
    if steps < FEWEST_STEPS:
        raise UserError(f"--steps {steps}: expected at least {FEWEST_STEPS}")
    config = load_config(arguments.config, arguments.overrides)
    picture = arguments.png or Path(f"find-rate-{config.name}.png")
    if not picture.parent.is_dir() or (picture.exists() and not picture.is_file()):
        raise UserError(f"--png {picture}: expected a file in a folder that exists")
    training = prepare(config, folder_of(config))

    rates = growing_rates(low, high, steps)
    with (
        training.plan.limit_threads(),
        Workload(config, training.model.vocabulary_size, training.plan).explain_failures(),
        terminal.progress_bar(total=steps, unit=" steps") as bar,
    ):

        def tick(loss: float) -> None:
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            bar.update()

        test = run_range_test(training.learner, training.batches, rates, tick)

    _print_table(test)
    _print_verdict(test, steps)
    if test.suggestion is not None:
        others = [text for text in arguments.overrides if not text.startswith(f"{KEY}=")]
        words = train_command(arguments.config, *others, f"{KEY}={test.suggestion:g}")
        _print(f"  {words}")
    title = f"{config.name} ({config.optimizer.name})"
    write_rate_picture(picture, title, test.rates, test.losses, test.suggestion)
    terminal.tell(f"picture: {picture}")
    return 0


def _print_table(test: RangeTest) -> None:
    rows = [("learning rate", "loss (nats per character, smoothed)")]
    last = len(test.rates) - 1
    for k in sorted({round(k * last / (ROWS - 1)) for k in range(ROWS)}):
        rows.append((f"{test.rates[k]:.2e}", f"{test.losses[k]:.4f}"))
    terminal.write_lines(terminal.table(rows, "><"))


def _print_verdict(test: RangeTest, steps: int) -> None:
    """Say how the test ended and what follows from it."""
    rate, loss = test.rates[test.lowest], test.losses[test.lowest]
    if test.ended_by is not None:
        _print(f"ended after {len(test.rates)} of {steps} steps: the loss was {test.ended_by}")
    if test.suggestion is None:
        mend = "lower --from" if test.rose else "raise --to"
        _print(f"no suggestion: the loss never fell; {mend}")
        return
    _print(f"the loss is lowest, {loss:.4f}, at {rate:.2g}")
    if not test.rose:
        _print("it had not risen again at the end: with a higher --to, more may be suggested")
    _print(
        f"suggestion: {test.suggestion:g}, {BELOW_LOWEST} times lower, "
        "as the highest rate of a schedule that falls:"
    )


def _print(line: str) -> None:
    terminal.write(f"{line}\n")
