"""A text as an array of numbers on the disk, so that memory does not grow with it."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.errors import RunFailed, UserError
from trainer.files import make_folder, whole_file
from trainer.terminal import note
from trainer.text.documents import Borders, after_each_file, after_each_line
from trainer.text.reading import UTF_8, code_points
from trainer.text.sources import Sources, check_and_hash, joined
from trainer.text.vocabulary import CodePoints, Ids, Unit, Unknown, Vocabulary, describe

CODE_POINTS = 0x110000  # of Unicode
NAMED = 5  # files that a message names
MARK = "\ufeff"
MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LINE_END = np.array([ord("\n")], dtype=np.uint8)

Document = Literal["whole", "file", "line"]


class Span(NamedTuple):
    """A contiguous stretch of a text.

    Attributes:
        ids: (n,), a view.
        borders: where texts of their own begin in it; None if it is a single one.
        before: the symbol that is read, from a zero state, before the first; None for none.
    """

    ids: Ids
    borders: Borders | None = None
    before: int | None = None

    def first(self, n: int) -> Span:
        """Return the first n symbols at most."""
        return self._replace(ids=self.ids[:n])

    def predicting(self, n: int | None) -> Span:
        """Return as much of it as has n symbols to predict, at most; None for all of it."""
        return self if n is None else self.first(n + 1)


class Split(NamedTuple):
    """The three parts of a text."""

    train: Span
    validation: Span
    test: Span


@dataclass(frozen=True, eq=False)
class Corpus:
    """An encoded text.

    Attributes:
        ids: one id per symbol `(n,)`, read-only and memory-mapped, smallest unsigned type.
        vocabulary: all symbols of the text.
        sha256: of the files' bytes, joined, in hexadecimal.
        source: what to call the text in messages.
        ends: the place after each file's last symbol `(files,)`.
        counts: how many of the files are for training, validation and test.
        document: what is a text of its own.
    """

    ids: Ids
    vocabulary: Vocabulary
    sha256: str
    source: str
    ends: npt.NDArray[np.int64]
    counts: tuple[int, int, int]
    document: Document = "whole"

    @property
    def files_sha256(self) -> str:
        """SHA-256 of where each file ends and what it is for: the text does not say it."""
        return hashlib.sha256(json.dumps([self.ends.tolist(), self.counts]).encode()).hexdigest()

    def split(self, fractions: Sequence[float] | None) -> Split:
        """Cut the text in three: first train, then validation, then test; nothing is lost.

        A boundary is the rounded number of symbols before it, so parts may be empty; without
        fractions the boundaries are those between the files for each purpose.

        Raises:
            ValueError: not three fractions from 0 to 1 that sum to 1.
        """
        if fractions is None:
            files, more_files, _ = self.counts
            ends = [0, *self.ends.tolist()]
            first, second = ends[files], ends[files + more_files]
        else:
            train, validation, test = fractions
            if min(fractions) < 0 or not abs(train + validation + test - 1) < 1e-6:
                raise ValueError(f"fractions must be positive or 0 and sum to 1: {list(fractions)}")
            first = round(train * self.ids.size)
            second = round((train + validation) * self.ids.size) if test else self.ids.size
        return Split(*(self._part(*cut) for cut in pairwise((0, first, second, self.ids.size))))

    def _part(self, start: int, end: int) -> Span:
        borders = None
        if self.document == "line":
            borders = line_borders(self.vocabulary)
        elif self.document == "file":
            borders = after_each_file(self.ends[self.ends > start] - start)
        return Span(self.ids[start:end], borders)


def own_span(text: str, vocabulary: Vocabulary, document: Document) -> Span:
    """Encode a text that stands by itself, to be read as the model has learnt to read one.

    Raises:
        UserError: It has a character that the vocabulary does not have.
    """
    borders = line_borders(vocabulary) if document == "line" else None
    return Span(vocabulary.encode(text), borders, symbol_before(vocabulary, document))


def symbol_before(vocabulary: Vocabulary, document: Document) -> int | None:
    """Return what precedes the texts of a corpus: the line end that ended the text before.

    None where all is one text, or where no line ends.
    """
    if document == "whole" or "\n" not in vocabulary:
        return None
    return int(vocabulary.encode("\n")[0])


def line_borders(vocabulary: Vocabulary) -> Borders:
    """Make every line a text of its own.

    Raises:
        UserError: there are no lines.
    """
    if "\n" not in vocabulary:
        raise UserError("corpus.document: found line, but the text has no line end; choose another")
    return after_each_line(int(vocabulary.encode("\n")[0]))


def load_corpus(
    sources: Sources,
    cache: Path,
    *,
    unit: Unit = "character",
    document: Document = "whole",
    unknown: Unknown = "refuse",
    encoding: str = UTF_8,
) -> Corpus:
    """Encode text files, or open what an earlier call has encoded.

    The files are joined in order; one that does not end in a line end is given one. Otherwise every
    character counts: line ends stay as they are, and a byte order mark is a character. The folder
    `cache` keeps two files for each text, named by the SHA-256 of its bytes, so a text that was
    changed never meets what was made of the old one: `SHA256.npy` (ids) and `SHA256.json`
    (vocabulary and lengths). They may be removed at any time.

    Args:
        unit: what a symbol is.
        document: what is a text of its own.
        unknown: what becomes of symbols that the text does not have.
        encoding: of the files.

    Raises:
        UserError: a file is missing, unreadable, empty, not UTF-8 or binary, or all hold one
            distinct character only; the cache cannot be made or written to.
        RunFailed: the disk is full or fails, or a file changed while it was read.
    """
    sha256, sizes = check_and_hash(sources)
    make_folder(cache)
    name = "-".join([sha256, *[unit] * (unit == "byte"), *[encoding] * (encoding != UTF_8)])
    encoded = _open(cache, name, sizes)
    if encoded is None:
        _encode(sources, cache, name, unit, encoding, (sha256, sizes))
        encoded = _open(cache, name, sizes)
        if encoded is None:
            raise RunFailed(f"{cache / name}.npy was written but cannot be read back")
    ids, characters, ends = encoded
    vocabulary = Vocabulary(characters, unit=unit, unknown=unknown)
    _note_marks(sources, vocabulary)
    counts = len(sources.train), len(sources.validation), len(sources.test)
    return Corpus(ids, vocabulary, sha256, sources.title, ends, counts, document)


def _note_marks(sources: Sources, vocabulary: Vocabulary) -> None:
    """Say where byte order marks are, which are learnt as a character."""
    if MARK not in vocabulary:
        return
    marked = []
    for path in sources.files:
        with path.open("rb") as file:
            if file.read(4).startswith(MARKS):
                marked.append(str(path))
    more = f" and {len(marked) - 1} more files" if len(marked) > 1 else ""
    where = f"{marked[0]}{more}: begins with" if marked else f"{sources.title}: has, amid the text,"
    mend = ", or read it with corpus.encoding=utf-8-sig" if marked else ""
    note(f"{where} a byte order mark, which is learnt as a character: save it without{mend}")


def _open(
    cache: Path, name: str, sizes: Sequence[int]
) -> tuple[Ids, str, npt.NDArray[np.int64]] | None:
    """Open what is in the cache; None if there is nothing whole, or the files are cut otherwise."""
    try:
        about = json.loads((cache / f"{name}.json").read_bytes())
        characters, lengths = about["characters"], about["lengths"]
        ids: Ids = np.load(cache / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        ends = np.cumsum(lengths, dtype=np.int64)
        whole = ids.shape == (ends[-1],) and ids.dtype == Vocabulary(characters).dtype
        return (ids, characters, ends) if whole and about["bytes"] == sizes else None
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError):
        return None


def _encode(
    sources: Sources,
    cache: Path,
    name: str,
    unit: Unit,
    encoding: str,
    expected: tuple[str, list[int]],
) -> None:
    """Read the text twice: which symbols there are, then the id of each."""
    if len(sources.files) > 1:
        _refuse_unreadable(sources, unit, encoding)
    vocabulary, lengths = _scan(sources, unit, encoding)
    with whole_file(cache / f"{name}.npy") as file:
        header = np.lib.format.header_data_from_array_1_0(np.empty(0, dtype=vocabulary.dtype))
        np.lib.format.write_array_header_1_0(file, {**header, "shape": (sum(lengths),)})
        for _, points in _points(sources, "Encoding", unit, encoding):
            file.write(vocabulary.lookup(points).data)
        if check_and_hash(sources) != expected:
            raise RunFailed(f"{sources.title}: a file changed while it was read: start again")
    about = {"characters": vocabulary.characters, "lengths": lengths, "bytes": expected[1]}
    with whole_file(cache / f"{name}.json") as file:
        file.write(json.dumps(about).encode("ascii"))


def _scan(sources: Sources, unit: Unit, encoding: str) -> tuple[Vocabulary, list[int]]:
    """Return the vocabulary of the text and the number of symbols in each file."""
    # A table of flags, not a count: np.bincount would widen every piece to 64 bits.
    seen = np.zeros(CODE_POINTS, dtype=bool)
    lengths = [0] * len(sources.files)
    for k, points in _points(sources, "Reading", unit, encoding):
        seen[points] = True
        lengths[k] += points.size
    characters = "".join(map(chr, np.flatnonzero(seen)))
    if len(characters) == 1:
        raise UserError(
            f"{sources.title} holds one distinct character only, {describe(characters)}: "
            "there is nothing to learn; choose another text"
        )
    return Vocabulary(characters, unit=unit), lengths


def _points(
    sources: Sources, label: str, unit: Unit, encoding: str
) -> Iterator[tuple[int, CodePoints]]:
    read = partial(code_points, label=label, unit=unit, encoding=encoding)
    return joined(sources, read, LINE_END)


def _refuse_unreadable(sources: Sources, unit: Unit, encoding: str) -> None:
    """Name all files that are no texts at once: a folder can have many.

    Raises:
        UserError: There are some.
    """
    reasons = list[UserError]()
    unreadable = list[Path]()
    for path in sources.files:
        try:
            for _ in code_points(path, "Checking", unit, encoding):
                pass
        except UserError as error:
            reasons.append(error)
            unreadable.append(path)
    if len(unreadable) == 1:
        raise reasons[0]
    if unreadable:
        more = len(unreadable) - NAMED
        named = ", ".join(map(str, unreadable[:NAMED])) + (f" and {more} more" if more > 0 else "")
        raise UserError(
            f"{len(unreadable)} files cannot be read as text: {named}; the first: {reasons[0]}; "
            "leave files of a folder out with corpus.exclude=PATTERN (or a list)"
        )
