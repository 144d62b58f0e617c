"""The command line: from arguments to a command, and how it ends.

What a command does is in `trainer.commands`, imported when it runs: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

import trainer
from trainer import terminal
from trainer.commands.arguments import COMMANDS, TRAIN, fill_in
from trainer.errors import RunFailed, UserError
from trainer.hints import command as command_line
from trainer.hints import did_you_mean, install_command, train_command

FAILED, WRONG, INTERRUPTED = 1, 2, 130
"""Exit statuses; 0 is done."""

_ALL = """examples:
  {trainer} train {config}
  {trainer} generate runs/shakespeare --prompt "ROMEO" --length 300
  {trainer} COMMAND --help
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like all the rest."""

    def error(self, message: str) -> NoReturn:
        found = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        if found and (meant := did_you_mean(found[1], re.findall(r"[\w-]+", found[2]))):
            message += f"; {meant}"
        self.exit(WRONG, f"error: {message} ({self.prog} --help shows how)\n")


def train_main(arguments: Sequence[str] | None = None) -> int:
    """Run `train.py`; return the exit status."""
    parser = _Parser(
        prog=train_command(),
        description="Train a character-level LSTM on a text: start a run, or resume one.",
        epilog=TRAIN.examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    TRAIN.add(parser)
    return _run(_parse(parser, arguments))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m trainer`; return the exit status."""
    parser = _Parser(
        prog=command_line(),
        description=trainer.__doc__,
        epilog=fill_in(_ALL),
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
        parser.error(f"unrecognized arguments: {' '.join(rest)}{_meant(rest, parsed)}")
    return parsed


def _meant(words: Sequence[str], parsed: argparse.Namespace) -> str:
    """Say how a key that was written as an option is written, or which option is like it."""
    option, equals, value = next(word for word in words if word.startswith("-")).partition("=")
    name = option.lstrip("-").replace("-", "_")
    known = [f"--{name.replace('_', '-')}" for name in vars(parsed)]
    if meant := did_you_mean(option, known, cutoff=0.8):
        return f"; {meant}"
    if "overrides" in parsed:
        from trainer.config.messages import nearest_keys  # only where something is wrong

        keys = nearest_keys(tuple(name.split(".")))
        if keys:
            value = value if equals else "VALUE"
            return f"; a key of the configuration has no dashes: {'.'.join(keys[0])}={value}"
    return ""


def _run(arguments: argparse.Namespace) -> int:
    """Run the chosen command, and turn the way it ends into a line and an exit status."""
    terminal.open_outputs()
    try:
        command = importlib.import_module(f"trainer.commands.{arguments.module}")
        status: int = command.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        terminal.close_pipe()
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
            f"the environment that has it, or install it: {install_command(str(error.name))}"
        )
        return _tell(arguments, line, WRONG)
    return status


def _tell(arguments: argparse.Namespace, line: str, status: int) -> int:
    if arguments.debug:
        import traceback

        traceback.print_exc()
    terminal.tell(line.replace("\n", "\\n"))
    return status
