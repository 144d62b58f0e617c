"""List the named texts; show what is in one of them, or in any file."""

from __future__ import annotations

import unicodedata
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from trainer import terminal
from trainer.config import CorpusConfig
from trainer.errors import UserError
from trainer.hints import did_you_mean
from trainer.text import Entry, entry, faults, fetch, file_of, names
from trainer.text.survey import CARRIAGE_RETURN, LINE_FEED, Survey, survey

FREQUENT = 20  # characters shown
LINES, WIDTH = 10, 96  # of the excerpt
LAST_OF_BMP = 0xFFFF
BYTE_ORDER_MARK = 0xFEFF
CONTROLS = {"\t": "tab", "\n": "line feed", "\r": "carriage return"}  # Unicode has no names


def run(arguments: Namespace) -> int:
    """Print the table of all texts, or what is in one."""
    cache = Path(CorpusConfig.model_fields["cache"].default)
    if arguments.text is None:
        terminal.write_lines(_table([entry(name) for name in names()], cache))
        for fault in faults():
            terminal.note(f"left out: {fault}")
    else:
        terminal.write_lines(_show(arguments.text, cache))
    return 0


def _table(entries: Sequence[Entry], cache: Path) -> Iterator[str]:
    """Return a line for each text: the title is the last column, as it may be of any length."""
    rows = [("name", "cached", "size", "licence", "title")]
    for text in entries:
        cached = "yes" if file_of(text, cache).is_file() else "no"
        if text.path is not None:
            cached = "file" if cached == "yes" else "absent"
        rows.append((text.name, cached, text.size, text.licence, text.title))
    return terminal.table(rows, "<<<<<")


def _show(name: str, cache: Path) -> Iterator[str]:
    """Yield all that can be said of a text."""
    if name in names():
        text, path = entry(name), fetch(name, cache)
        about = [("title", text.title), ("licence", text.licence), ("source", text.source)]
    else:
        about, path = [], Path(name)
        if not path.exists():
            files = [str(file) for file in path.parent.glob("*") if file.is_file()]
            meant = did_you_mean(name, [*names(), *files])
            hint = f" ({meant})" if meant else ""
            raise UserError(
                f"no text is called {name!r}{hint}, and there is no such file: "
                f"choose one of {', '.join(names())}, or name a file"
            )
    facts = survey(path)
    about += [("file", str(path)), ("sha256", facts.sha256), *_facts(facts)]
    yield from terminal.table(about, "<<")
    yield "\nmost frequent:"
    yield from _frequent(facts)
    yield "\nbeginning:"
    for line in facts.start.removesuffix("\n").split("\n")[:LINES]:
        escaped = terminal.one_line(line)
        cut = escaped if len(escaped) <= WIDTH else f"{escaped[: WIDTH - 1]}…"
        yield f"  {cut}".rstrip()


def _facts(facts: Survey) -> Iterator[tuple[str, str]]:
    """Yield name and value of each number."""
    counts = facts.counts
    ends = int(counts[LINE_FEED]) - facts.crlf
    alone = int(counts[CARRIAGE_RETURN]) - facts.crlf
    known = [(f"{ends:,} LF", ends), (f"{facts.crlf:,} CRLF", facts.crlf)]
    found = [words for words, number in known if number] or ["none"]
    if alone:
        found.append(f"{alone:,} CR alone, which ends no line here")
    last = "ended" if facts.ended else "not ended"
    yield "bytes", f"{facts.size:,}"
    yield "characters", _number(counts)
    longest = f"the longest of {facts.longest:,} characters (line {facts.longest_line:,})"
    yield "lines", f"{facts.lines:,}, {longest}"
    yield "line ends", f"{', '.join(found)}; the last line is {last}"
    marked = ord(facts.start[0]) == BYTE_ORDER_MARK
    yield "byte order mark", "yes, it counts as a character: better removed" if marked else "none"
    marks = np.zeros_like(counts)
    for point in np.flatnonzero(counts):
        if unicodedata.category(chr(point)).startswith("M"):
            marks[point] = counts[point]
    if marks.any():
        yield "combining", f"{_number(marks)}: each is a character of its own"
    if counts[LAST_OF_BMP + 1 :].any():
        yield "above U+FFFF", _number(counts[LAST_OF_BMP + 1 :])


def _number(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
    return f"{counts.sum():,}, {np.count_nonzero(counts):,} distinct"


def _frequent(facts: Survey) -> Iterator[str]:
    """Return a line for each of the most frequent characters; of equals the first comes first."""
    order = np.argsort(-facts.counts, kind="stable")[:FREQUENT]
    rows = [
        (f"  {count:,}", f"{100 * count / facts.characters:6.2f} %", f"U+{point:04X}", name)
        for point in order
        if (count := facts.counts[point]) and (name := _named(chr(point)))
    ]
    return terminal.table(rows, ">><<")


def _named(character: str) -> str:
    """Return the character, or the name of one that cannot be seen on its own."""
    mark = unicodedata.category(character).startswith("M")
    if character.isprintable() and not character.isspace() and not mark:
        return character
    return CONTROLS.get(character) or unicodedata.name(character, "without a name").lower()
