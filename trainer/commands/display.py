"""Generated text on standard output: as it is, in colours by probability, or as a table."""

from __future__ import annotations

import os

from trainer import terminal
from trainer.commands.score_rows import tsv_row

# Of middle brightness, to be read on black and on white; blue to red also tells those apart who
# see no difference of red and green. Numbers of the 256 colours that nearly every terminal has.
_COLOURS = ((0.5, 27, "50 % and more"), (0.2, 30, "20"), (0.05, 100, "5"), (0.01, 130, "1"))
_LEAST = 160
_RESET = "\x1b[0m"


class Display:
    """Text as it is, line ends as the model made them."""

    def given(self, text: str) -> None:
        """Show a text that the model was given."""
        terminal.write(text)

    def written(self, character: str, probability: float) -> None:
        """Show a character that the model wrote."""
        terminal.write(character)

    def end(self, line_end: str = "\n") -> None:
        """End a text."""
        terminal.write(line_end)

    def separate(self) -> None:
        """Show where the next sample begins."""
        terminal.write("-----\n")


class Colours(Display):
    """Characters in colours that tell their probability; the legend is on standard error."""

    def __init__(self) -> None:
        self._colour: int | None = None
        shares = [f"\x1b[38;5;{colour}m{share}" for _, colour, share in _COLOURS]
        legend = " ".join([*shares, f"\x1b[38;5;{_LEAST}mless{_RESET}"])
        terminal.tell_raw(f"probability of a character: {legend}\n")

    def written(self, character: str, probability: float) -> None:
        """Show a character, and change the colour if need be."""
        colour = next((number for least, number, _ in _COLOURS if probability >= least), _LEAST)
        change = f"\x1b[38;5;{colour}m" if colour != self._colour else ""
        self._colour = colour
        terminal.write_raw(change + terminal.visible(character))

    def end(self, line_end: str = "\n") -> None:
        """End a text, and its colours."""
        self._colour = None
        terminal.write_raw(_RESET + line_end)


class Table(Display):
    """A row for each character that the model wrote: it as a JSON string, and its probability."""

    def __init__(self) -> None:
        terminal.write("character\tprobability\n")

    def given(self, text: str) -> None:
        """Show nothing: the prompt has no probability."""

    def written(self, character: str, probability: float) -> None:
        """Show a character."""
        terminal.write(tsv_row({"character": character, "probability": probability}) + "\n")

    def end(self, line_end: str = "\n") -> None:
        """End nothing: every line has its end."""


def open_display(probabilities: bool) -> Display:
    """Choose by what is asked for and where it goes; https://no-color.org is respected."""
    if not probabilities:
        return Display()
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Colours() if terminal.is_terminal() and not plain else Table()
