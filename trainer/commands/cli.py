"""The command line: from arguments to a command, and how it ends.

What a command does is in `trainer.commands`, imported when it runs: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

import trainer
from trainer.commands.arguments import COMMANDS, TRAIN
from trainer.errors import RunFailed, UserError

FAILED, WRONG, INTERRUPTED = 1, 2, 130
"""Exit statuses; 0 is done."""

_ALL = """examples:
  python -m trainer train configs/shakespeare.yaml
  python -m trainer generate runs/shakespeare --prompt "ROMEO" --length 300
  python -m trainer COMMAND --help
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like all the rest."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"error: {message} ({self.prog} --help shows how)\n")


def train_main(arguments: Sequence[str] | None = None) -> int:
    """Run `train.py`; return the exit status."""
    parser = _Parser(
        prog="python train.py",
        description="Train a character-level LSTM on a text: start a run, or resume one.",
        epilog=TRAIN.examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    TRAIN.add(parser)
    return _run(_parse(parser, arguments))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m trainer`; return the exit status."""
    parser = _Parser(
        prog="python -m trainer",
        description=trainer.__doc__,
        epilog=_ALL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=trainer.__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(
            commands.add_parser(
                command.name,
                help=command.summary,
                description=f"{command.summary[0].upper()}{command.summary[1:]}.",
                epilog=command.examples,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return _run(_parse(parser, arguments))


def _parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse, with overrides taken from anywhere, also from behind an option."""
    parsed, rest = parser.parse_known_args(arguments)
    if "overrides" in parsed and not any(word.startswith("-") for word in rest):
        parsed.overrides += rest
    elif rest:
        dashes = "overrides" in parsed and any(re.match(r"--\w+\.\w+", word) for word in rest)
        hint = "; a key of the configuration has no dashes: section.key=value" if dashes else ""
        parser.error(f"unrecognized arguments: {' '.join(rest)}{hint}")
    return parsed


def _run(arguments: argparse.Namespace) -> int:
    """Run the chosen command, and turn the way it ends into a line and an exit status."""
    _open_outputs()
    try:
        command = importlib.import_module(f"trainer.commands.{arguments.module}")
        status: int = command.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has enough (`| head`). The exit would try to flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _tell(arguments, "interrupted", INTERRUPTED)
    except UserError as error:
        return _tell(arguments, f"error: {error}", WRONG)
    except MemoryError as error:
        advice = "lower model.hidden_size, training.batch_size or training.sequence_length"
        return _tell(arguments, f"failed: not enough memory ({error}): {advice}", FAILED)
    except (RunFailed, OSError) as error:
        return _tell(arguments, f"failed: {error}", FAILED)
    except ModuleNotFoundError as error:
        line = (
            f"error: {error.name} is not installed in this Python ({sys.executable}): activate "
            "the environment (. .venv/bin/activate), or install with pip install -e ."
        )
        return _tell(arguments, line, WRONG)
    return status


def _open_outputs() -> None:
    """Give standard output and error, where they are closed, a place that swallows all.

    Else the next file that is opened would have their number, and be written to by mistake.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_WRONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))


def _tell(arguments: argparse.Namespace, line: str, status: int) -> int:
    if arguments.debug:
        import traceback

        traceback.print_exc()
    print(line, file=sys.stderr)
    return status
