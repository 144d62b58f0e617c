"""A text as an array of numbers on the disk, so that memory does not grow with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from trainer.errors import RunFailed, UserError
from trainer.files import make_folder, whole_file
from trainer.text.reading import check_text_file, code_points, sha256_of
from trainer.text.vocabulary import Ids, Vocabulary, describe

CODE_POINTS = 0x110000  # of Unicode


class Split(NamedTuple):
    """The three parts of a text, each the ids of one contiguous stretch."""

    train: Ids
    validation: Ids
    test: Ids


@dataclass(frozen=True, eq=False)
class Corpus:
    """An encoded text.

    Attributes:
        ids: one id per character `(n,)`, read-only and memory-mapped, smallest unsigned type.
        vocabulary: all characters of the text.
        sha256: of the file's bytes, in hexadecimal.
        source: what to call the text in messages.
    """

    ids: Ids
    vocabulary: Vocabulary
    sha256: str
    source: str

    def split(self, fractions: Sequence[float]) -> Split:
        """Cut the text in three: first train, then validation, then test; nothing is lost.

        A boundary is the rounded number of characters before it, so parts may be empty.

        Raises:
            ValueError: not three fractions from 0 to 1 that sum to 1.
        """
        train, validation, test = fractions
        if min(fractions) < 0 or not abs(train + validation + test - 1) < 1e-6:
            raise ValueError(f"fractions must be positive or 0 and sum to 1: {list(fractions)}")
        first = round(train * self.ids.size)
        second = round((train + validation) * self.ids.size) if test else self.ids.size
        return Split(self.ids[:first], self.ids[first:second], self.ids[second:])


def load_corpus(path: Path, cache: Path) -> Corpus:
    """Encode a UTF-8 text file, or open what an earlier call has encoded.

    Every character counts: line ends stay as they are, and a byte order mark is a character. The
    folder `cache` keeps two files for each text, named by the SHA-256 of its bytes, so a text that
    was changed never meets what was made of the old one: `SHA256.npy` (ids) and `SHA256.json`
    (vocabulary and length). They may be removed at any time.

    Raises:
        UserError: the file is missing, unreadable, empty, not UTF-8, binary, or holds one distinct
            character only; the cache cannot be made or written to.
        RunFailed: the disk is full or fails, or the file changed while it was read.
    """
    check_text_file(path)
    sha256 = sha256_of(path)
    make_folder(cache)
    encoded = _open(cache, sha256)
    if encoded is None:
        _encode(path, cache, sha256)
        encoded = _open(cache, sha256)
        if encoded is None:
            raise RunFailed(f"{cache / sha256}.npy was written but cannot be read back")
    ids, vocabulary = encoded
    return Corpus(ids, vocabulary, sha256, str(path))


def _open(cache: Path, sha256: str) -> tuple[Ids, Vocabulary] | None:
    """Open what is in the cache; None if there is nothing whole."""
    try:
        about = json.loads((cache / f"{sha256}.json").read_bytes())
        vocabulary, length = Vocabulary(about["characters"]), about["length"]
        ids: Ids = np.load(cache / f"{sha256}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    whole = ids.shape == (length,) and ids.dtype == vocabulary.dtype
    return (ids, vocabulary) if whole else None


def _encode(path: Path, cache: Path, sha256: str) -> None:
    """Read the text twice: which characters there are, then the id of each."""
    vocabulary, length = _scan(path)
    with whole_file(cache / f"{sha256}.npy") as file:
        header = np.lib.format.header_data_from_array_1_0(np.empty(0, dtype=vocabulary.dtype))
        np.lib.format.write_array_header_1_0(file, {**header, "shape": (length,)})
        for points in code_points(path, "Encoding"):
            file.write(vocabulary.lookup(points).data)
        if sha256_of(path) != sha256:
            raise RunFailed(f"{path} changed while it was read: start again")
    about = {"characters": vocabulary.characters, "length": length}
    with whole_file(cache / f"{sha256}.json") as file:
        file.write(json.dumps(about).encode("ascii"))


def _scan(path: Path) -> tuple[Vocabulary, int]:
    """Return the vocabulary of the text and its number of characters."""
    # A table of flags, not a count: np.bincount would widen every piece to 64 bits.
    seen = np.zeros(CODE_POINTS, dtype=bool)
    length = 0
    for points in code_points(path, "Reading"):
        seen[points] = True
        length += points.size
    characters = "".join(map(chr, np.flatnonzero(seen)))
    if len(characters) == 1:
        raise UserError(
            f"{path} holds one distinct character only, {describe(characters)}: "
            "there is nothing to learn; choose another text"
        )
    return Vocabulary(characters), length
