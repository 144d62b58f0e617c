"""Pictures as PNG files, drawn with Pillow, which comes with TensorBoard."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from trainer.files import whole_file

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_WIDTH, _HEIGHT = 800, 500  # pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 770, 60, 430  # the frame of the curve
_FINENESS = 2  # drawn so many times larger and scaled down: Pillow's lines have jagged edges
_INK, _PALE, _LINE, _MARK = "#202020", "#d8d8d8", "#1f6fb4", "#c8401e"


def write_rate_picture(
    path: Path, title: str, rates: Sequence[float], losses: Sequence[float], mark: float | None
) -> None:
    """Write a PNG of loss (nats per character) against learning rate, which is logarithmic.

    Args:
        mark: a rate to be marked with a dashed line; None for none.

    Raises:
        UserError, RunFailed: The file cannot be written.
    """
    from PIL import Image, ImageDraw

    size = (_WIDTH * _FINENESS, _HEIGHT * _FINENESS)
    image = Image.new("RGB", size, "white")
    pen = _Pen(ImageDraw.Draw(image))
    logarithms = [math.log10(rate) for rate in (*rates, *([] if mark is None else [mark]))]
    left = min(logarithms)
    x_axis = _Axis(left, max(*logarithms, left + 0.1), _LEFT, _RIGHT)
    room = 0.05 * (max(losses) - min(losses)) or 0.1
    y_axis = _Axis(min(losses) - room, max(losses) + room, _BOTTOM, _TOP)

    for exponent, label in _decades(x_axis.low, x_axis.high):
        x = x_axis.place(exponent)
        pen.line([(x, _TOP), (x, _BOTTOM)], _PALE)
        pen.text(x, _BOTTOM + 8, label, "mt")
    for value, label in _round_numbers(y_axis.low, y_axis.high):
        y = y_axis.place(value)
        pen.line([(_LEFT, y), (_RIGHT, y)], _PALE)
        pen.text(_LEFT - 8, y, label, "rm")
    corners = [(_LEFT, _TOP), (_RIGHT, _TOP), (_RIGHT, _BOTTOM), (_LEFT, _BOTTOM), (_LEFT, _TOP)]
    pen.line(corners, _INK)
    pen.text(_WIDTH / 2, 14, title, "mt", size=18)
    pen.text(_LEFT, _TOP - 8, "nats per character, smoothed", "lb")
    pen.text((_LEFT + _RIGHT) / 2, _HEIGHT - 14, "learning rate", "mb")

    points = zip(logarithms, losses, strict=False)
    pen.line([(x_axis.place(x), y_axis.place(y)) for x, y in points], _LINE, width=2.5)
    if mark is not None:
        x = x_axis.place(math.log10(mark))
        for y in range(_TOP, _BOTTOM, 10):
            pen.line([(x, y), (x, y + 5)], _MARK, width=1.5)
        side: Literal["rt", "lt"] = "rt" if x > _WIDTH / 2 else "lt"
        pen.text(x + (-6 if side == "rt" else 6), _TOP + 8, f"suggested: {mark:g}", side, _MARK)

    with whole_file(path) as file:
        image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(file, "PNG")


class _Axis(NamedTuple):
    """Maps the values from low to high to the pixels from start to end."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


class _Pen:
    """Draws in pixels of the finished picture."""

    def __init__(self, draw: ImageDraw) -> None:
        self._draw = draw

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1) -> None:
        scaled = [(x * _FINENESS, y * _FINENESS) for x, y in points]
        self._draw.line(scaled, colour, round(width * _FINENESS), joint="curve")

    def text(
        self, x: float, y: float, text: str, anchor: str, colour: str = _INK, size: int = 14
    ) -> None:
        """Write text; `anchor` says where (x, y) is in it, as in Pillow: "lt" is left, top."""
        from PIL import ImageFont

        font = ImageFont.load_default(size * _FINENESS)
        self._draw.text((x * _FINENESS, y * _FINENESS), text, colour, font, anchor)


def _decades(low: float, high: float) -> Iterator[tuple[float, str]]:
    """Yield the logarithms of round rates and their labels: powers of ten, more or less of them."""
    digits = (1,) if high - low > 2 else (1, 2, 5)
    for exponent in range(math.floor(low), math.ceil(high) + 1, 1 + int((high - low) / 12)):
        for digit in digits:
            value = exponent + math.log10(digit)
            if low - 1e-9 <= value <= high + 1e-9:
                plain = f"{digit * 10.0**exponent:g}"
                yield value, plain if abs(exponent) < 4 else f"{digit}e{exponent}"


def _round_numbers(low: float, high: float) -> Iterator[tuple[float, str]]:
    """Yield four to ten round numbers between low and high, and their labels."""
    power = 10 ** math.floor(math.log10((high - low) / 4))
    step = max(power * factor for factor in (1, 2, 5) if power * factor <= (high - low) / 4)
    decimals = max(0, -math.floor(math.log10(step)))
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield number * step, f"{number * step:.{decimals}f}"
