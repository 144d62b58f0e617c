"""The command line: from arguments to a command, and how it ends.

What a command does is in `trainer.commands`, imported when it runs: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import re
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import trainer
from trainer import hints, terminal
from trainer.commands.arguments import COMMANDS, TRAIN
from trainer.errors import RunFailed, UserError

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
        chosen = re.search(r"invalid choice: '([^']*)'", message)
        if chosen and "COMMAND" in message:
            meant = hints.did_you_mean(chosen[1], (command.name for command in COMMANDS))
            message = f"{message}; {meant}" if meant else message
        terminal.tell(terminal.one_line(f"error: {message} ({self.prog} --help shows how)"))
        self.exit(WRONG)

    def _print_message(self, message: str, file: object = None) -> None:
        terminal.write(message)


def train_main(arguments: Sequence[str] | None = None) -> int:
    """Run `train.py`; return the exit status."""
    parser = _Parser(
        prog=hints.train_command(),
        description="Train a character-level LSTM on a text: start a run, or resume one.",
        epilog=_called(TRAIN.examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    TRAIN.add(parser)
    return _run(_parse(parser, arguments))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that is named first; return the exit status."""
    parser = _Parser(
        prog=hints.command(),
        description=trainer.__doc__,
        epilog=_called(_ALL),
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
                epilog=_called(command.examples),
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return _run(_parse(parser, arguments))


def _parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse, with overrides taken from anywhere, also from behind an option."""
    try:
        parsed, rest = parser.parse_known_args(arguments)
    except BrokenPipeError:  # of --help
        terminal.close_pipe()
        raise SystemExit(0) from None
    if "overrides" in parsed and not any(word.startswith("-") for word in rest):
        parsed.overrides += rest
    elif rest:
        wrong = next((word for word in rest if word.startswith("-")), rest[0])
        if "=" not in wrong and wrong != rest[-1]:
            wrong += f"={rest[rest.index(wrong) + 1]}"
        hint = _nearest(parsed, wrong)
        parsed.parser.error(f"unrecognized arguments: {' '.join(rest)}{hint and '; ' + hint}")
    return parsed


def _nearest(parsed: argparse.Namespace, wrong: str) -> str:
    """Ask for the option or key of a configuration that was meant; "" if none is like it."""
    name, _, value = wrong.partition("=")
    hint = hints.did_you_mean(name, re.findall("--[a-z-]+", parsed.parser.format_help()), 0.7)
    if hint or "overrides" not in parsed:
        return hint
    from trainer.config.messages import nearest_keys  # only now, as --help needs none of it

    keys = nearest_keys(tuple(name.lstrip("-").replace("-", "_").split(".")))
    meant = " or ".join(f"{'.'.join(key)}={value or 'VALUE'}" for key in keys)
    return f"a key of the configuration has no dashes: {meant}" if meant else ""


def _called(examples: str) -> str:
    """Return examples as this installation is called."""
    return examples.format(
        trainer=hints.command(), train=hints.train_command(), config=hints.example_config()
    )


def _run(arguments: argparse.Namespace) -> int:
    """Run the chosen command, and turn the way it ends into a line and an exit status."""
    terminal.open_outputs()
    try:
        command = importlib.import_module(f"trainer.commands.{arguments.module}")
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # now all is imported
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status: int = command.run(arguments)
        terminal.write("")
    except BrokenPipeError:
        terminal.close_pipe()  # the exit would try to flush once more
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
            f"its environment, or install it with {hints.install_command(str(error.name))}"
        )
        return _tell(arguments, line, WRONG)
    return status


def _tell(arguments: argparse.Namespace, line: str, status: int) -> int:
    if arguments.debug:
        import traceback

        traceback.print_exc()
    terminal.tell(terminal.one_line(line))
    return status
