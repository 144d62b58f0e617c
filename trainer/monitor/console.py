"""The progress of a training run on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from trainer.terminal import visible

if TYPE_CHECKING:
    from tqdm import tqdm

_SECONDS_BETWEEN_BARS = 0.2
_SECONDS_BETWEEN_LINES = 5.0
_NARROWEST_BAR = 12  # columns, its two ends included
_USUAL_COLUMNS = 80  # of a terminal that does not tell its width


class Progress:
    """Shows how far a run of `total` steps or minutes is, and how it is doing.

    On a terminal one line is drawn again and again by tqdm. Anything else (a pipe, a file, a
    terminal that cannot go back in a line) gets whole lines: one every few seconds, and the last.

    `done` is what earlier sessions did. The time left follows from the pace of this session alone,
    measured from the end of its first step: what is compiled or read before is paid once.
    When standard error goes away, the training goes on unseen.
    """

    def __init__(self, total: float, unit: Literal["steps", "minutes"], done: float) -> None:
        self._total = total
        self._unit = unit
        self._done = done
        self._loss: float | None = None
        self._characters_per_second = 0.0
        self._pace_from: tuple[float, float] | None = None  # amount done, and when
        self._next_drawing = 0.0
        self._printed: float | None = None  # amount done in the last line
        self._stream = sys.stderr
        self._bar: tqdm[Any] | None = None
        if self._stream.isatty() and os.environ.get("TERM") != "dumb":
            # Here and not above: tqdm takes longer to import than the rest of this package.
            from tqdm import tqdm

            # The size is given because tqdm draws nothing on a terminal that says 0 rows, and a
            # blank because it draws at once, before it is told what fits.
            self._bar = tqdm(
                total=total,
                initial=done,
                file=self._stream,
                bar_format=" ",
                ncols=_USUAL_COLUMNS,
                nrows=20,
            )
            self._draw(time.monotonic())

    def tick(self, done: float) -> None:
        """Say how much is done; cheap enough for every step."""
        now = time.monotonic()
        self._done = done
        if self._pace_from is None:
            self._pace_from = (done, now)
        if self._bar is not None and now >= self._next_drawing:
            self._draw(now)

    def update(self, done: float, loss: float, characters_per_second: float) -> None:
        """Say how much is done, with the mean loss in nats per character and the speed."""
        self._loss = loss
        self._characters_per_second = characters_per_second
        self.tick(done)
        now = time.monotonic()
        if now >= self._next_drawing:
            self._draw(now)

    def message(self, text: str) -> None:
        """Print one or more lines, above the bar where there is one."""
        with suppress(OSError):
            if self._bar is not None:
                self._bar.clear()
            self._stream.write(visible(text) + "\n")
            self._stream.flush()
            if self._bar is not None:
                self._bar.refresh()

    def close(self) -> None:
        """Show the last state and end its line."""
        self._draw(time.monotonic())
        with suppress(OSError):
            if self._bar is not None:
                self._bar.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _draw(self, now: float) -> None:
        """Bring what is shown up to date, and set the time of the next drawing."""
        with suppress(OSError):
            if self._bar is not None:
                self._next_drawing = now + _SECONDS_BETWEEN_BARS
                self._draw_bar(self._bar, now)
            elif self._loss is not None and self._done != self._printed:
                self._next_drawing = now + _SECONDS_BETWEEN_LINES
                self._print_line(now)

    def _draw_bar(self, bar: tqdm[Any], now: float) -> None:
        """Draw the bar with as many facts as the terminal is wide, the most wanted first."""
        # The last column stays free: some terminals go to the next line when it is written.
        columns = (os.get_terminal_size(self._stream.fileno()).columns or _USUAL_COLUMNS) - 1
        facts = [self._loss_text(), self._time_left(now), self._position(), self._speed()]
        room = columns - len("100 % ") - _NARROWEST_BAR
        shown = ""
        for fact in filter(None, facts):
            if len(shown) + 2 + len(fact) > room:
                break
            shown += "  " + fact
        bar.n = min(self._done, self._total)
        bar.ncols = columns
        bar.bar_format = f"{self._percent():>5} |{{bar}}|{shown}"
        bar.refresh()

    def _print_line(self, now: float) -> None:
        """Print what is known as one whole line."""
        facts = [
            self._position(),
            self._percent(),
            self._loss_text(),
            self._speed(),
            self._time_left(now),
        ]
        self._printed = self._done
        self._stream.write("  ".join(filter(None, facts)) + "\n")
        self._stream.flush()

    def _percent(self) -> str:
        # Rounded down: 100 % means done.
        return f"{math.floor(100 * min(1.0, self._done / self._total))} %"

    def _position(self) -> str:
        if self._unit == "minutes":
            return f"{self._done:.1f}/{self._total:g} minutes"
        return f"step {self._done:,.0f}/{self._total:,.0f}"

    def _loss_text(self) -> str:
        if self._loss is None:
            return ""
        return f"loss {self._loss:.3f} nats  {self._loss / math.log(2):.3f} bits"

    def _speed(self) -> str:
        if self._loss is None:
            return ""
        return f"{self._characters_per_second:,.0f} characters/s"

    def _time_left(self, now: float) -> str:
        """Return the time left at this session's pace, or nothing while there is no pace."""
        if self._pace_from is None or self._done >= self._total:
            return ""
        done_before, start = self._pace_from
        if self._done <= done_before:
            return ""
        seconds = round((now - start) * (self._total - self._done) / (self._done - done_before))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return (
            f"{hours}:{minutes:02d}:{seconds:02d} left"
            if hours
            else f"{minutes}:{seconds:02d} left"
        )
