"""Which files make up a text, and how they are joined."""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from trainer.errors import UserError
from trainer.files import disk_errors, make_folder, whole_file
from trainer.text.reading import PIECE, STANDARD_INPUT, bytes_of, check_text_file
from trainer.text.vocabulary import CodePoints

Piece = TypeVar("Piece", bytes, CodePoints)


class Sources(NamedTuple):
    """The files of a text, in order: those to train with, and those set aside, if any."""

    train: Sequence[Path]
    validation: Sequence[Path] = ()
    test: Sequence[Path] = ()

    @property
    def files(self) -> list[Path]:
        """All of them, in this order."""
        return [*self.train, *self.validation, *self.test]

    @property
    def title(self) -> str:
        """What to call the text in messages."""
        more = len(self.files) - 1
        return str(self.train[0]) + (f" and {more} more file{'s'[: more - 1]}" if more else "")


def find_files(
    places: str | Sequence[str],
    glob: str | Sequence[str],
    cache: Path,
    exclude: str | Sequence[str] | None = None,
) -> list[Path]:
    """Return the files that a file name, a folder, "-" or a list of such stands for.

    A folder's files are those that match `glob`, one pattern or one of several, and not `exclude`;
    empty and hidden ones are left out, and they are sorted by name.
    Standard input is kept as a file in the folder `cache`.

    Raises:
        UserError: nothing in a folder matches, or standard input holds nothing.
        RunFailed: the disk is full or fails.
    """
    found: list[Path] = []
    for place in [places] if isinstance(places, str) else places:
        path = Path(place)
        if place == STANDARD_INPUT:
            if sys.stdin is None:
                raise UserError("standard input is closed: pipe a text into it, or name a file")
            found.append(keep(sys.stdin.buffer, cache))
        elif path.is_dir():
            found += _in_folder(path, _listed(glob), _listed(exclude or ()))
        else:
            found.append(path)
    return found


def keep(stream: BinaryIO, cache: Path) -> Path:
    """Write all of a stream to a file in `cache`, named by the SHA-256 of its bytes.

    Raises:
        UserError: it is a terminal, or holds nothing.
        RunFailed: the disk is full or fails.
    """
    if stream.isatty():
        raise UserError(
            "standard input is the keyboard: pipe a text into it, or name a file in corpus.path"
        )
    make_folder(cache)
    digest, received = hashlib.sha256(), cache / f"stdin-{os.getpid()}.txt"
    try:
        with whole_file(received) as file:
            while piece := stream.read(PIECE):
                digest.update(piece)
                file.write(piece)
        if received.stat().st_size == 0:
            raise UserError("standard input is empty: pipe a text into it")
        with disk_errors(cache):
            return received.replace(cache / f"stdin-{digest.hexdigest()[:16]}.txt")
    finally:
        received.unlink(missing_ok=True)


def joined(
    sources: Sources, read: Callable[[Path], Iterator[Piece]], line_end: Piece
) -> Iterator[tuple[int, Piece]]:
    """Read files one after the other, as (number of the file, piece).

    A file that does not end in a line end is given one, unless it is the last for its purpose, so
    that no word runs into the next file's first.

    Args:
        read: gives the pieces of a file, bytes or arrays.
        line_end: a piece of a line end alone.
    """
    numbers = itertools.count()
    for files in sources:
        open_end = False
        for path in files:
            k = next(numbers)
            if open_end:
                yield k - 1, line_end
            for piece in read(path):
                if len(piece):
                    yield k, piece
                    open_end = piece[-1] != line_end[0]


def check_and_hash(sources: Sources) -> tuple[str, list[int]]:
    """Return the SHA-256 of the joined files, in hexadecimal, and the bytes of each of them.

    Raises:
        UserError: a file is missing, unreadable or empty.
        RunFailed: the disk fails.
    """
    for path in sources.files:
        check_text_file(path)
    digest, sizes = hashlib.sha256(), [0] * len(sources.files)
    for k, piece in joined(sources, lambda path: bytes_of(path, "Checking"), b"\n"):
        digest.update(piece)
        sizes[k] += len(piece)
    return digest.hexdigest(), sizes


def _listed(patterns: str | Sequence[str]) -> Sequence[str]:
    return [patterns] if isinstance(patterns, str) else patterns


def _in_folder(folder: Path, patterns: Sequence[str], exclude: Sequence[str]) -> list[Path]:
    left_out = {path for pattern in exclude for path in _matching(folder, pattern)}
    matching = {path for pattern in patterns for path in _matching(folder, pattern)}
    files = [
        path
        for path in sorted(matching - left_out)
        if path.is_file()
        and path.stat().st_size
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not files:
        shown = " or ".join(map(repr, patterns))
        braces = any(set("{}") & set(pattern) for pattern in patterns)
        other = '{a,b} is no pattern here, give a list: \'corpus.glob=["**/*.a", "**/*.b"]\''
        mend = other if braces else "set corpus.glob, such as '**/*'"
        raise UserError(f"{folder}: no file with text in it matches {shown}; {mend}")
    return files


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    try:
        yield from folder.glob(pattern)
    except (ValueError, NotImplementedError) as error:
        raise UserError(f"corpus.glob: {pattern!r} is no pattern for files: {error}") from error
    except OSError as error:
        raise UserError(f"cannot read the folder {folder}: {error.strerror}") from error
