"""Read a text file of any size in pieces, and say clearly what is wrong with it."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
import shlex
import stat
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from trainer.errors import RunFailed, UserError
from trainer.hints import did_you_mean
from trainer.terminal import progress_bar, tell
from trainer.text.vocabulary import CodePoints, Unit

PIECE = 4 << 20  # bytes read at a time
LONG = 32 << 20  # bytes from which a progress bar is worth its place
UTF_8 = "utf-8"
STANDARD_INPUT = "-"
BINARY = (
    (b"%PDF-", "a PDF file", "extract its text first, with pdftotext for example"),
    (b"\x1f\x8b", "a gzip file", "unpack it first, with gunzip"),
    (b"BZh", "a bzip2 file", "unpack it first, with bunzip2"),
    (b"\xfd7zXZ\0", "an xz file", "unpack it first, with unxz"),
    (b"(\xb5/\xfd", "a zstd file", "unpack it first, with unzstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"PK\x03\x04", "a zip archive (.docx, .odt and .epub are some)", "save it as plain text"),
    (b"\xd0\xcf\x11\xe0", "an old Office file", "save it as plain text"),
    (b"{\\rtf", "an RTF file", "save it as plain text"),
    (b"MThd", "a MIDI file", "convert it to a notation in letters, such as ABC"),
    (b"\x89PNG", "a PNG picture", "leave it out"),
    (b"\xff\xd8\xff", "a JPEG picture", "leave it out"),
    (b"GIF8", "a GIF picture", "leave it out"),
    (b"RIFF", "a sound or a video (RIFF)", "leave it out"),
    (b"ID3", "a sound (MP3)", "leave it out"),
    (b"OggS", "a sound (Ogg)", "leave it out"),
    (b"fLaC", "a sound (FLAC)", "leave it out"),
    (b"\x7fELF", "a program (ELF)", "leave it out"),
    (b"SQLite format 3\0", "an SQLite database", "save its text"),
    (b"\x93NUMPY", "an array of NumPy", "leave it out"),
)
"""How files that are no texts begin, what they are, and what helps."""


def check_text_file(path: Path) -> None:
    """Raise a UserError unless `path` is a regular file with something in it."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        pattern = _pattern(path)
        raise UserError(f"no such file: {path}{pattern or _nearest(path)}") from error
    except OSError as error:  # a folder on the way that may not be entered, a name too long
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if stat.S_ISDIR(status.st_mode):
        raise UserError(f"{path} is a folder: name one text file")
    if not stat.S_ISREG(status.st_mode):  # a pipe can be read only once
        raise UserError(f"{path} is not a regular file: save the text in a file first")
    if status.st_size == 0:
        raise UserError(f"{path} is empty: choose a file with text in it")


def title_of(place: Path) -> str:
    """Return what to call a text in messages."""
    return "standard input" if str(place) == STANDARD_INPUT else str(place)


def read_text(place: Path, encoding: str = UTF_8) -> str:
    """Return the whole text of a file, or of standard input ("-"), that memory can hold.

    Raises:
        UserError: it is missing, unreadable, empty, in another encoding or binary.
    """
    if str(place) == STANDARD_INPUT:
        return _read_standard_input(title_of(place), encoding)
    check_text_file(place)
    return _joined(code_points(place, "Reading", encoding=encoding))


def _read_standard_input(name: str, encoding: str) -> str:
    if sys.stdin is None:
        raise UserError(f"{name} is closed: pipe a text into it")
    if sys.stdin.isatty():
        tell("type a text, then Ctrl-D on a line of its own")
    try:
        data = sys.stdin.buffer.read()
    except OSError as error:  # it is a folder
        raise UserError(f"cannot read {name}: {error.strerror or error}") from error
    text = _joined(_points_of([data], name, encoding=encoding))
    if not text:
        raise UserError(f"{name} is empty: pipe a text into it")
    return text


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for piece in bytes_of(path, "Checking"):
        digest.update(piece)
    return digest.hexdigest()


def code_points(
    path: Path, label: str, unit: Unit = "character", encoding: str = UTF_8
) -> Iterator[CodePoints]:
    """Return the code points of a text file, or the bytes of its UTF-8, a piece at a time.

    Every character counts: line ends stay as they are, a byte order mark is a character, and so is
    an accent that combines with the letter before it.

    Args:
        label: what the file is read for, shown with the progress.
        unit: "byte" gives the bytes, once they have proven to be UTF-8.
        encoding: of the file.

    Raises:
        UserError: a byte that is none of the encoding's, or a NUL, which no text holds.
    """
    return _points_of(bytes_of(path, label), str(path), unit, encoding)


def _points_of(
    pieces: Iterable[bytes], name: str, unit: Unit = "character", encoding: str = UTF_8
) -> Iterator[CodePoints]:
    """Yield what `code_points` does; `name` is for messages."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read = 0  # bytes before this piece
    for piece in chain(pieces, [b""]):
        if not read:
            _refuse_binary(name, piece, encoding)
        if encoding == UTF_8 and piece.isascii() and not decoder.getstate()[0]:
            nul = piece.find(0)  # one byte a character: nothing to decode
            place_of_nul = read + nul if nul >= 0 else None
            points: CodePoints = np.frombuffer(piece, dtype=np.uint8)
        else:
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                place = read - held + error.start
                raise UserError(_other_encoding(name, error, place, encoding)) from error
            nul = text.find("\0")
            before = len(text[:nul].encode(encoding, "replace"))
            place_of_nul = read - held + before if nul >= 0 else None
            utf_8 = unit == "byte"
            points = np.frombuffer(
                text.encode("utf-8" if utf_8 else "utf-32-le"), np.uint8 if utf_8 else "<u4"
            )
        if place_of_nul is not None:
            raise UserError(
                f"{name} is not a text: NUL at byte {place_of_nul}: it is a binary file, or has "
                "another encoding, named with corpus.encoding=NAME (such as utf-16)"
            )
        yield points
        read += len(piece)


def _other_encoding(name: str, error: UnicodeDecodeError, place: int, encoding: str) -> str:
    known = "UTF-8" if encoding == UTF_8 else encoding
    return (
        f"{name} is not {known}: byte {place} is 0x{error.object[error.start]:02X}; if it is a "
        "text, name its encoding with corpus.encoding=NAME (cp1252 for Western Windows, or utf-16, "
        "gb18030, shift_jis, koi8-r)"
    )


def _refuse_binary(name: str, beginning: bytes, encoding: str) -> None:
    """Refuse what is known to be no text by how it begins.

    Raises:
        UserError: with what it is, and what would help.
    """
    for mark, what, mend in BINARY:
        if beginning.startswith(mark):
            raise UserError(f"{name} is {what}, not a text: {mend}")
    marked = beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if encoding == UTF_8 and (marked or _has_every_other_nul(beginning)):
        raise UserError(f"{name} looks like UTF-16: name its encoding with corpus.encoding=utf-16")


def _has_every_other_nul(data: bytes) -> bool:
    """Whether about every second byte is NUL, as in UTF-16 of Latin letters."""
    some = data[:1000]
    return len(some) >= 4 and max(some[::2].count(0), some[1::2].count(0)) > 0.8 * len(some) / 2


def _joined(pieces: Iterable[CodePoints]) -> str:
    return b"".join(points.astype("<u4").tobytes() for points in pieces).decode("utf-32-le")


def bytes_of(path: Path, label: str) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces, with a progress bar if it is long."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < LONG:
                while piece := file.read(PIECE):
                    yield piece
                return
            bar = progress_bar(total=size, unit="B", label=f"{label} {path.name}")
            with bar:
                while piece := file.read(PIECE):
                    yield piece
                    bar.update(len(piece))
    except PermissionError as error:
        raise UserError(f"cannot read {path}: permission denied") from error
    except OSError as error:
        raise RunFailed(f"cannot read {path}: {error.strerror or error}") from error


def _pattern(path: Path) -> str:
    """Return a hint for a name that is a pattern: files of a folder are chosen by another key."""
    parts = path.parts
    first = next((k for k, part in enumerate(parts) if re.search(r"[*?\[{]", part)), None)
    if first is None:
        return ""
    folder, pattern = str(Path(*parts[:first])), "/".join(parts[first:])
    if braces := re.search(r"\{([^{}]*)\}", pattern):
        choices = [pattern.replace(braces[0], choice) for choice in braces[1].split(",")]
        pattern = json.dumps(choices)
    words = shlex.join([f"corpus.path={folder}", f"corpus.glob={pattern}"])
    return f"; the files of a folder are chosen with {words}"


def _nearest(path: Path) -> str:
    """Return a hint for a file that is missing: what is like it, or which folder is missing."""
    if not path.parent.is_dir():
        return f" (there is no folder {path.parent})"
    try:
        names = [file.name for file in path.parent.iterdir() if file.is_file()]
    except OSError:  # a folder that may be entered but not listed
        return ""
    meant = did_you_mean(path.name, names).removeprefix("did you mean ")
    return f" (did you mean {path.with_name(meant)})" if meant else ""
