"""Read a text file of any size in pieces, and say clearly what is wrong with it."""

from __future__ import annotations

import codecs
import difflib
import hashlib
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from trainer.errors import RunFailed, UserError
from trainer.text.vocabulary import CodePoints, Unit

PIECE = 4 << 20  # bytes read at a time
LONG = 32 << 20  # bytes from which a progress bar is worth its place


def check_text_file(path: Path) -> None:
    """Raise a UserError unless `path` is a regular file with something in it."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"no such file: {path}{_nearest(path)}") from error
    except OSError as error:  # a folder on the way that may not be entered, a name too long
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if stat.S_ISDIR(status.st_mode):
        raise UserError(f"{path} is a folder: name one text file")
    if not stat.S_ISREG(status.st_mode):  # a pipe can be read only once
        raise UserError(f"{path} is not a regular file: save the text in a file first")
    if status.st_size == 0:
        raise UserError(f"{path} is empty: choose a file with text in it")


def read_text(path: Path) -> str:
    """Return the whole text of a UTF-8 file that is small enough to be held in memory.

    Raises:
        UserError: the file is missing, unreadable, empty, not UTF-8 or binary.
    """
    check_text_file(path)
    return _joined(code_points(path, "Reading"))


def read_standard_input() -> str:
    """Return the whole text that is piped into the program, or typed.

    Raises:
        UserError: it is empty, not UTF-8 or binary.
    """
    name = "standard input"
    if sys.stdin is None:
        raise UserError(f"{name} is closed: pipe a text into it")
    try:
        data = sys.stdin.buffer.read()
    except OSError as error:  # it is a folder
        raise UserError(f"cannot read {name}: {error.strerror or error}") from error
    text = _joined(_points_of([data], name))
    if not text:
        raise UserError(f"{name} is empty: pipe a text into it")
    return text


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for piece in bytes_of(path, "Checking"):
        digest.update(piece)
    return digest.hexdigest()


def code_points(path: Path, label: str, unit: Unit = "character") -> Iterator[CodePoints]:
    """Return the code points of a UTF-8 file, or its bytes, a piece at a time.

    Every character counts: line ends stay as they are, a byte order mark is a character, and so is
    an accent that combines with the letter before it.

    Args:
        label: what the file is read for, shown with the progress.
        unit: "byte" gives the bytes, once they have proven to be UTF-8.

    Raises:
        UserError: a byte that is not UTF-8, or a NUL, which no text holds.
    """
    return _points_of(bytes_of(path, label), str(path), unit)


def _points_of(
    pieces: Iterable[bytes], name: str, unit: Unit = "character"
) -> Iterator[CodePoints]:
    """Yield what `code_points` does; `name` is for messages."""
    position = 0  # of the first byte of `data` in the file
    rest = b""  # a character that the end of a piece cut in two
    for piece in pieces:
        data = rest + piece
        if (nul := data.find(0)) >= 0:
            raise UserError(
                f"{name} is not a text: NUL at byte {position + nul} (a binary file, or UTF-16: "
                "try iconv -f UTF-16 -t UTF-8)"
            )
        if data.isascii():  # one byte a character: nothing to decode
            used = len(data)
            yield np.frombuffer(data, dtype=np.uint8)
        else:
            text, used = _decode(name, data, position, final=False)
            if unit == "byte":
                yield np.frombuffer(data[:used], dtype=np.uint8)
            else:
                yield np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
        position += used
        rest = data[used:]
    _decode(name, rest, position, final=True)  # raises if the file ends amid a character


def _joined(pieces: Iterable[CodePoints]) -> str:
    return b"".join(points.astype("<u4").tobytes() for points in pieces).decode("utf-32-le")


def _decode(name: str, data: bytes, position: int, final: bool) -> tuple[str, int]:
    """Decode UTF-8 as far as it goes; return the text and the number of bytes used."""
    try:
        return codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{name} is not UTF-8: byte {position + error.start} is 0x{data[error.start]:02X} "
            "(if it is a text, convert it: iconv -f ENCODING -t UTF-8)"
        ) from error


def bytes_of(path: Path, label: str) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces, with a progress bar if it is long."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < LONG:
                while piece := file.read(PIECE):
                    yield piece
                return
            from tqdm import tqdm  # only here: most texts are short

            bar = tqdm(
                desc=f"{label} {path.name}",
                total=size,
                unit="B",
                unit_scale=True,
                leave=False,
                disable=None,  # not on a terminal: silent
                file=sys.stderr,
            )
            with bar:
                while piece := file.read(PIECE):
                    yield piece
                    bar.update(len(piece))
    except PermissionError as error:
        raise UserError(f"cannot read {path}: permission denied") from error
    except OSError as error:
        raise RunFailed(f"cannot read {path}: {error.strerror or error}") from error


def _nearest(path: Path) -> str:
    """Return a hint for a file that is missing: what is like it, or which folder is missing."""
    if not path.parent.is_dir():
        return f" (there is no folder {path.parent})"
    try:
        names = [file.name for file in path.parent.iterdir() if file.is_file()]
    except OSError:  # a folder that may be entered but not listed
        return ""
    close = difflib.get_close_matches(path.name, names, n=1)
    return f" (did you mean {path.with_name(close[0])}?)" if close else ""
