from __future__ import annotations

import errno
import hashlib
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from trainer.errors import RunFailed, UserError
from trainer.text import corpus as module
from trainer.text import reading
from trainer.text.corpus import Corpus, Document, load_corpus
from trainer.text.documents import find_resets
from trainer.text.sources import Sources, check_and_hash
from trainer.text.vocabulary import Vocabulary

TEXT = "春眠不覺曉,\r\nto be or not to be 😀\n"


def write(path: Path, text: str = TEXT) -> Path:
    path.write_bytes(text.encode())
    return path


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_text_comes_back_as_it_was(tmp_path: Path) -> None:
    path, cache = write(tmp_path / "text"), tmp_path / "new" / "cache"
    corpus = load_corpus(Sources([path]), cache)
    assert corpus.vocabulary.decode(corpus.ids) == TEXT
    assert corpus.vocabulary == Vocabulary("".join(set(TEXT)))
    assert corpus.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert corpus.source == str(path)
    assert corpus.ids.dtype == np.uint8
    assert names(cache) == [f"{corpus.sha256}.json", f"{corpus.sha256}.npy"]


def test_ids_are_a_memory_map_that_cannot_be_written(tmp_path: Path) -> None:
    ids = load_corpus(Sources([write(tmp_path / "text")]), tmp_path / "cache").ids
    assert isinstance(ids, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        ids[0] = 1


def test_many_characters_take_two_bytes_each(tmp_path: Path) -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    corpus = load_corpus(Sources([write(tmp_path / "text", text)]), tmp_path / "cache")
    assert corpus.ids.dtype == np.uint16
    assert corpus.vocabulary.decode(corpus.ids) == text


def test_the_second_time_nothing_is_encoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_corpus(Sources([write(tmp_path / "text")]), tmp_path / "cache")
    monkeypatch.setattr(module, "_encode", None)  # calling it would raise
    second = load_corpus(Sources([write(tmp_path / "copy of the text")]), tmp_path / "cache")
    assert np.array_equal(first.ids, second.ids)
    assert first.vocabulary == second.vocabulary


def test_a_changed_text_is_encoded_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "text", "abab")
    before = load_corpus(Sources([path]), tmp_path / "cache")
    stamp = path.stat()
    write(path, "abba")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # same size and time
    after = load_corpus(Sources([path]), tmp_path / "cache")
    assert after.vocabulary.decode(after.ids) == "abba"
    assert after.sha256 != before.sha256


@pytest.mark.parametrize("suffix", ["npy", "json"])
@pytest.mark.parametrize("length", [0, 1, 20, -1])
def test_a_damaged_cache_is_made_again(tmp_path: Path, suffix: str, length: int) -> None:
    path, cache = write(tmp_path / "text"), tmp_path / "cache"
    damaged = cache / f"{load_corpus(Sources([path]), cache).sha256}.{suffix}"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:length])
    corpus = load_corpus(Sources([path]), cache)
    assert corpus.vocabulary.decode(corpus.ids) == TEXT
    assert damaged.read_bytes() == whole


@pytest.mark.parametrize("wrong", [np.zeros(3, np.uint8), np.zeros(len(TEXT), np.uint16)])
def test_a_cache_of_something_else_is_made_again(
    tmp_path: Path, wrong: np.ndarray[tuple[int], np.dtype[np.uint16]]
) -> None:
    path, cache = write(tmp_path / "text"), tmp_path / "cache"
    np.save(cache / f"{load_corpus(Sources([path]), cache).sha256}.npy", wrong)
    corpus = load_corpus(Sources([path]), cache)
    assert corpus.vocabulary.decode(corpus.ids) == TEXT


def test_one_distinct_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"one distinct character only, 'a' \(U\+0061\)"):
        load_corpus(Sources([write(tmp_path / "text", "aaaa")]), tmp_path / "cache")


def test_a_bad_text_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"good, then \xff")
    with pytest.raises(UserError, match="not UTF-8"):
        load_corpus(Sources([path]), tmp_path / "cache")
    assert names(tmp_path / "cache") == []


def test_a_full_disk_leaves_nothing_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFailed, match="No space left"):
        load_corpus(Sources([write(tmp_path / "text")]), tmp_path / "cache")
    assert names(tmp_path / "cache") == []


def test_a_text_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def then_append(sources: Sources) -> tuple[str, list[int]]:
        found = check_and_hash(sources)
        with sources.train[0].open("a") as file:
            file.write("more")
        return found

    monkeypatch.setattr(module, "check_and_hash", then_append)
    with pytest.raises(RunFailed, match="changed while it was read"):
        load_corpus(Sources([write(tmp_path / "text")]), tmp_path / "cache")
    assert names(tmp_path / "cache") == []


def test_a_file_in_the_place_of_the_cache(tmp_path: Path) -> None:
    path = write(tmp_path / "text")
    with pytest.raises(UserError, match="a file is in its place"):
        load_corpus(Sources([path]), path)
    assert path.read_bytes() == TEXT.encode()


def test_memory_does_not_grow_with_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PIECE", 1 << 14)
    peaks = []
    for repetitions in (3_000, 30_000):  # 0.15 and 1.5 MB
        path = write(tmp_path / "text", TEXT * repetitions)
        tracemalloc.start()
        load_corpus(Sources([path]), tmp_path / "cache")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 50_000


def corpus_of(length: int) -> Corpus:
    ids, ends = np.arange(length, dtype=np.uint8), np.array([length])
    return Corpus(ids, Vocabulary("ab"), "0" * 64, "numbers", ends, (1, 0, 0))


@pytest.mark.parametrize(
    ("length", "fractions", "sizes"),
    [
        (100, (0.8, 0.1, 0.1), (80, 10, 10)),
        (101, (0.9, 0.1, 0.0), (91, 10, 0)),
        (7, (0.7, 0.15, 0.15), (5, 1, 1)),
        (10, (1.0, 0.0, 0.0), (10, 0, 0)),
        (10, (0.0, 0.0, 1.0), (0, 0, 10)),
        (3, (0.1, 0.1, 0.8), (0, 1, 2)),
    ],
)
def test_a_split_is_contiguous_and_loses_nothing(
    length: int, fractions: tuple[float, float, float], sizes: tuple[int, int, int]
) -> None:
    corpus = corpus_of(length)
    split = corpus.split(fractions)
    parts = [part.ids for part in split]
    assert tuple(ids.size for ids in parts) == sizes
    assert np.array_equal(np.concatenate(parts), corpus.ids)
    assert all(np.shares_memory(ids, corpus.ids) for ids in parts if ids.size)
    assert all(part.borders is None for part in split)


@pytest.mark.parametrize("fractions", [(0.5, 0.4, 0.2), (1.2, -0.1, -0.1), (0.5, 0.5)])
def test_fractions_that_are_none_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"fractions|unpack"):
        corpus_of(10).split(fractions)


class TestFiles:
    @pytest.fixture
    def sources(self, tmp_path: Path) -> Sources:
        names = {"a": "one\ntwo", "b": "three\n", "v": "to\n", "t": "tö"}
        a, b, v, t = (write(tmp_path / name, text) for name, text in names.items())
        return Sources([a, b], [v], [t])

    def test_files_of_their_own_are_the_parts(self, sources: Sources, tmp_path: Path) -> None:
        corpus = load_corpus(sources, tmp_path / "cache")
        split = corpus.split(None)
        decode = corpus.vocabulary.decode
        assert [decode(part.ids) for part in split] == ["one\ntwo\nthree\n", "to\n", "tö"]
        assert corpus.source == f"{sources.train[0]} and 3 more files"
        without_test = load_corpus(sources._replace(test=()), tmp_path / "cache").split(None)
        assert [part.ids.size for part in without_test] == [14, 3, 0]

    @pytest.mark.parametrize(("document", "count"), [("whole", 0), ("file", 1), ("line", 3)])
    def test_borders_lie_at_the_ends(
        self, sources: Sources, tmp_path: Path, document: Document, count: int
    ) -> None:
        part = load_corpus(sources, tmp_path / "cache", document=document).split(None).train
        places = np.arange(part.ids.size - 1)  # what is read: the last symbol is a target only
        resets = find_resets(part.borders, part.ids[:-1], places)
        found = [] if resets is None else np.flatnonzero(resets).tolist()
        assert found == [[], [7], [3, 7]][min(count, 2)]

    def test_borders_count_from_the_start_of_a_part(self, sources: Sources, tmp_path: Path) -> None:
        corpus = load_corpus(sources, tmp_path / "cache", document="file")
        assert corpus.ends.tolist() == [8, 14, 17, 19]
        middle = corpus.split([0.5, 0.5, 0.0]).validation  # from character 10 on
        assert middle.borders is not None
        places = np.arange(middle.ids.size)
        assert np.flatnonzero(middle.borders(middle.ids, places)).tolist() == [3, 6, 8]
        assert middle.first(2).ids.tolist() == middle.ids[:2].tolist()
        assert middle.first(2).borders is middle.borders

    def test_lines_need_line_ends(self, tmp_path: Path) -> None:
        corpus = load_corpus(
            Sources([write(tmp_path / "x", "abc")]), tmp_path / "c", document="line"
        )
        with pytest.raises(UserError, match="no line end"):
            corpus.split([0.9, 0.1, 0.0])

    def test_the_same_text_cut_otherwise_is_encoded_anew(self, tmp_path: Path) -> None:
        whole = write(tmp_path / "whole", "one\ntwo\n")
        pieces = [write(tmp_path / "1", "one\n"), write(tmp_path / "2", "two\n")]
        first = load_corpus(Sources([whole]), tmp_path / "cache")
        second = load_corpus(Sources(pieces), tmp_path / "cache")
        assert first.sha256 == second.sha256
        assert (first.ends.tolist(), second.ends.tolist()) == ([8], [4, 8])
        assert np.array_equal(first.ids, second.ids)


def test_bytes_and_characters_do_not_share_a_cache(tmp_path: Path) -> None:
    sources, cache = Sources([write(tmp_path / "text")]), tmp_path / "cache"
    by_character = load_corpus(sources, cache)
    by_byte = load_corpus(sources, cache, unit="byte")
    assert by_byte.ids.size == len(TEXT.encode())
    assert by_byte.vocabulary.decode(by_byte.ids) == TEXT
    assert by_byte.sha256 == by_character.sha256
    assert load_corpus(sources, cache, unknown="symbol").vocabulary.unknown == len(set(TEXT))
