"""Write a text in turns: a person types, the model goes on, and so forth."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from trainer import terminal
from trainer.commands.display import Display
from trainer.errors import UserError
from trainer.generation.writer import Writer
from trainer.training.interruption import StopRequest

MARK = "> "
MORE = "\\"
"""At the end of a line: the text goes on in the next one."""
HINTS = (
    "Type how a text begins and press Enter: the model goes on. After that, type what comes next, "
    "or just press Enter. A line that ends in \\ goes on in the next one: between them is a line "
    "end.\nCtrl-C stops the model, Ctrl-D ends.\n"
)


def converse(writer: Writer, display: Display, writing: Mapping[str, Any]) -> int:
    """Take turns until the input ends; return the exit status.

    Args:
        writing: how to write, see `Writer.write`.

    Raises:
        UserError: There is no input.
    """
    if sys.stdin is None:
        raise UserError("--interactive: standard input is closed; leave it open, or use --prompt")
    typing = sys.stdin.isatty()
    if typing:
        with suppress(ImportError):
            import readline  # noqa: F401  # `input` then knows the arrow keys and earlier lines
        terminal.tell(HINTS, end="")
    try:
        while True:
            try:
                text = _next_text(_ask if typing else _next_line)
                writer.read(text)
            except UnicodeDecodeError as error:
                terminal.tell(f"error: what was typed is not UTF-8: {error.reason}")
                continue
            except UserError as error:
                terminal.tell(f"error: {error}")
                continue
            display.given(text)
            _answer(writer, display, writing)
    except (EOFError, KeyboardInterrupt):  # Ctrl-D or Ctrl-C at the mark
        if typing:
            terminal.tell("")
    return 0


def _answer(writer: Writer, display: Display, writing: Mapping[str, Any]) -> None:
    """Let the model write until it is through or Ctrl-C stops it, between two characters.

    Without `until` that is the end of a line, unless the line is blank: of a text in paragraphs
    the next thing may be a line end.
    """
    blank, character, stop = True, "", StopRequest()
    try:
        with stop.by_signals([signal.SIGINT]):
            for _, character, probability in writer.write(**writing):
                display.written(character, probability)
                blank = blank and character.isspace()
                if stop.made or (writing["until"] is None and character == "\n" and not blank):
                    break
    finally:
        display.end("" if character == "\n" else "\n")


def _next_text(next_line: Callable[[], str]) -> str:
    """Return the lines up to the first that does not end in a backslash."""
    lines = [next_line()]
    while lines[-1].endswith(MORE):
        lines[-1] = lines[-1].removesuffix(MORE)
        try:
            lines.append(next_line())
        except EOFError:  # what was typed is to be answered first
            lines.append("")
    return "\n".join(lines)


def _ask() -> str:
    """Return the line that is typed; the mark goes where it is seen and is no output."""
    if terminal.is_terminal():
        return input(MARK)
    terminal.tell(MARK, end="")
    return input()


def _next_line() -> str:
    line = sys.stdin.buffer.readline()
    if not line:
        raise EOFError
    return line.decode().removesuffix("\n").removesuffix("\r")
