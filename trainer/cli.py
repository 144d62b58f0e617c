"""The command line: from arguments to a command, and how it ends.

What a command does is in `trainer.commands`, imported when it runs: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import trainer
from trainer.arguments import COMMANDS, TRAIN
from trainer.errors import RunFailed, UserError

FAILED, WRONG, INTERRUPTED = 1, 2, 130
"""Exit statuses; 0 is done."""

_ALL = """examples:
  python -m trainer train configs/shakespeare.yaml
  python -m trainer generate runs/shakespeare --prompt "ROMEO" --length 300
  python -m trainer COMMAND --help
"""


def train_main(arguments: Sequence[str] | None = None) -> int:
    """Run `train.py`; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python train.py",
        description="Train a character-level LSTM on a text: start a run, or resume one.",
        epilog=TRAIN.examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    TRAIN.add(parser)
    return _run(_parse(parser, arguments))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m trainer`; return the exit status."""
    parser = argparse.ArgumentParser(
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
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return parsed


def _run(arguments: argparse.Namespace) -> int:
    """Run the chosen command, and turn the way it ends into a line and an exit status."""
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
    return status


def _tell(arguments: argparse.Namespace, line: str, status: int) -> int:
    if arguments.debug:
        import traceback

        traceback.print_exc()
    print(line, file=sys.stderr)
    return status
