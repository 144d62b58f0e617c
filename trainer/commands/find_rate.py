"""Find a good learning rate for a configuration."""

from __future__ import annotations

import math
import shlex
import sys
from argparse import Namespace
from pathlib import Path

from trainer.commands.train import new_training, read_beginning
from trainer.config import load_config
from trainer.errors import UserError
from trainer.monitor.pictures import write_rate_picture
from trainer.runs.folder import RUNS, RunFolder
from trainer.training.range_test import BELOW_LOWEST, RangeTest, growing_rates, run_range_test
from trainer.training.resources import told_failures

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
    training = new_training(config, RunFolder(RUNS / config.name), read_beginning(config))

    from tqdm import tqdm  # a tenth of a second that an error need not wait for

    rates = growing_rates(low, high, steps)
    with (
        told_failures(config, training.model.vocabulary_size, training.plan),
        tqdm(total=steps, unit=" steps", leave=False, disable=None) as bar,
    ):

        def tick(loss: float) -> None:
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            bar.update()

        test = run_range_test(training.learner, training.batches, rates, tick)

    _print_table(test)
    _print_verdict(test, steps)
    if test.suggestion is not None:
        others = [text for text in arguments.overrides if not text.startswith(f"{KEY}=")]
        command = shlex.join([str(arguments.config), *others, f"{KEY}={test.suggestion:g}"])
        print(f"  python train.py {command}", flush=True)
    title = f"{config.name} ({config.optimizer.name})"
    write_rate_picture(picture, title, test.rates, test.losses, test.suggestion)
    print(f"picture: {picture}", file=sys.stderr)
    return 0


def _print_table(test: RangeTest) -> None:
    print("learning rate  loss (nats per character, smoothed)")
    last = len(test.rates) - 1
    for row in sorted({round(k * last / (ROWS - 1)) for k in range(ROWS)}):
        print(f"{test.rates[row]:13.2e}  {test.losses[row]:.4f}")


def _print_verdict(test: RangeTest, steps: int) -> None:
    """Say how the test ended and what follows from it."""
    rate, loss = test.rates[test.lowest], test.losses[test.lowest]
    if test.ended_by is not None:
        print(f"ended after {len(test.rates)} of {steps} steps: the loss was {test.ended_by}")
    if test.suggestion is None:
        mend = "lower --from" if test.rose else "raise --to"
        print(f"no suggestion: the loss never fell; {mend}")
        return
    print(f"the loss is lowest, {loss:.4f}, at {rate:.2g}")
    if not test.rose:
        print("it had not risen again at the end: with a higher --to, more may be suggested")
    print(
        f"suggestion: {test.suggestion:g}, {BELOW_LOWEST} times lower, "
        "as the highest rate of a schedule that falls:"
    )
