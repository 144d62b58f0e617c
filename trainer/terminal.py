"""The one door to the terminal: results on standard output, all else on standard error.

Results are UTF-8, as texts are, whatever the locale. Files and pipes get them as they are; a
terminal is shown control characters and never obeys them, as a model can write anything that its
text holds. In a notebook, or where Python's own streams were replaced, there are no bytes to write:
then the text itself is written.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Any
from unicodedata import category, combining, east_asian_width

if TYPE_CHECKING:
    from tqdm import tqdm

# What a terminal obeys: C0 and C1 but for line end and tab, DEL, and what turns the direction of
# writing around. A carriage return before a line end shows nothing anyway.
_CODES = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = {code: chr(code).encode("unicode_escape").decode("ascii") for code in _CODES}
_VISIBLE |= {ord("\n"): "\n", ord("\t"): "\t", ord("\r"): ""}


def visible(text: str) -> str:
    r"""Return a text whose control characters are shown, such as `\x1b`, line ends and tabs apart.

    What is no character, as in a file's name that is not UTF-8, is shown as well.
    """
    return text.translate(_VISIBLE).encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str) -> str:
    r"""Return a text without what cannot be seen: line ends and tabs too are shown, as `\n`."""
    return "".join(
        c if c.isprintable() or category(c) == "Zs" else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def table(rows: Iterable[Sequence[str]], align: str) -> Iterator[str]:
    """Yield the lines of a table whose columns are as wide as a terminal shows them.

    Args:
        align: < or > for each column, to the left or to the right.
    """
    shown = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = (
            blank + cell if side == ">" else cell + blank
            for cell, side, width in zip(row, align, widths, strict=True)
            for blank in (" " * (width - _width(cell)),)
        )
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum((not combining(c)) + (east_asian_width(c) in "WF") for c in text)


def write(text: str) -> None:
    """Write a result at once, so that it arrives as it is made, in a pipe too."""
    write_raw(visible(text) if is_terminal() else text)


def write_lines(lines: Iterable[str]) -> None:
    """Write lines of a result; each gets its end."""
    for line in lines:
        write(f"{line}\n")


def write_json(value: Any, indent: int | None = None) -> None:
    """Write JSON in ASCII, on one line or indented; a number that JSON lacks becomes null."""
    write(f"{json.dumps(_finite(value), indent=indent)}\n")


def write_raw(text: str) -> None:
    """Write text that steers a terminal on purpose: all of it must be the program's own."""
    stream: Any = sys.stdout
    buffer = getattr(stream, "buffer", None)
    stream.flush()
    if buffer is None:
        stream.write(text)
    else:
        buffer.write(text.encode("utf-8", "backslashreplace"))
    stream.flush()


def tell(text: str, end: str = "\n") -> None:
    """Tell a person something: notes, errors, what happens. A message never ends the program."""
    tell_raw(visible(text) + end)


def tell_raw(text: str) -> None:
    """Tell what steers a terminal on purpose: all of it must be the program's own."""
    with suppress(OSError, ValueError):  # closed
        sys.stderr.write(text)
        sys.stderr.flush()


def note(text: str) -> None:
    """Tell what a person may not expect."""
    tell(f"note: {text}")


def progress_bar(
    *, total: float | None, unit: str, label: str | None = None, hidden: bool = False
) -> tqdm[Any]:
    """Open a bar on standard error that is gone at its end; nothing where that is no terminal."""
    from tqdm import tqdm  # a tenth of a second that an error need not wait for

    bytes_or_more = unit in ("B", "")
    return tqdm(
        desc=label,
        total=total,
        unit=unit,
        unit_scale=bytes_or_more,
        leave=False,
        disable=hidden or None,
        file=sys.stderr,
    )


def open_outputs() -> None:
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


def close_pipe() -> None:
    """Let what is left go nowhere, as the reader has enough (`| head`)."""
    with suppress(OSError, ValueError, AttributeError):  # a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_terminal() -> bool:
    """Whether results are shown on a terminal, and not kept in a file or read by a program."""
    return bool(getattr(sys.stdout, "isatty", bool)())


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value
