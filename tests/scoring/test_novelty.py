from __future__ import annotations

import time

import numpy as np
import pytest

from trainer.scoring import novelty
from trainer.scoring.novelty import Match, compare

LENGTHS = (1, 2, 3, 4, 7, 8, 12, 31)


def ids(text, scale=1):
    """As numbers; a large scale makes them so large that no table holds pairs."""
    return np.array([*text], np.uint32) * np.uint32(scale)


def plain(text, training, lengths=LENGTHS):
    """The definition, on bytes: shares, covered, longest."""

    def seen(n):
        grams = {training[j : j + n] for j in range(len(training) - n + 1)}
        return [text[i : i + n] in grams for i in range(len(text) - n + 1)]

    shares, covered = [], []
    for n in lengths:
        found = seen(n)
        shares.append(sum(found) / len(found) if found else None)
        inside = {place for i, f in enumerate(found) if f for place in range(i, i + n)}
        covered.append(len(inside) / max(1, len(text)))
    longest = 0
    while any(seen(longest + 1)):
        longest += 1
    start = seen(longest).index(True) if longest else 0
    return shares, covered, (longest, start, training.find(text[start : start + longest]))


def thue_morse(n):
    return bytes(number.bit_count() % 2 for number in range(n))


MORSE = thue_morse(256)
OTHER = bytes(1 - symbol for symbol in MORSE)

HARD = {
    "one symbol": (b"\0" * 70, b"\0" * 200),
    "one symbol, longer than the training text": (b"\0" * 200, b"\0" * 70),
    "of period 2": (b"\0\1" * 40, b"\1\0" * 100),
    "of period 3, and one wrong": (b"\0\1\2" * 40, b"\0\1\2" * 13 + b"\0\2\2" + b"\0\1\2" * 20),
    "Thue-Morse and its complement": (MORSE, OTHER + b"\2" + MORSE[:100]),
    "Thue-Morse without overlaps": (OTHER[128:], MORSE),
    "the training text itself": (MORSE, MORSE),
    "a part of it": (MORSE[50:150], MORSE),
    "it and more": (b"\3" + MORSE[:60] + b"\3", MORSE[:60]),
    "nothing in common": (b"\0\1\2", b"\3\4\5"),
    "one symbol in common": (b"\0\1\2", b"\3\2\5"),
    "a text of one symbol": (b"\1", b"\0\1"),
    "no text": (b"", b"\0\1"),
    "no training text": (b"\0\1", b""),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("block", [1, 64, 1000])
def test_hard_texts(name, block):
    text, training = HARD[name]
    assert compare(ids(text), ids(training), LENGTHS, block=block) == plain(text, training)


@pytest.mark.parametrize("symbols", [1, 2, 3, 10, 30])
def test_any_texts(symbols):
    draw = np.random.default_rng(symbols)
    for _ in range(60):
        text, training = (
            draw.integers(0, symbols, draw.integers(0, most)).astype(np.uint8).tobytes()
            for most in (40, 100)
        )
        lengths = draw.choice(LENGTHS, draw.integers(1, 4), replace=False).tolist()
        found = compare(
            ids(text, 6000), ids(training, 6000), lengths, block=int(draw.integers(1, 50))
        )
        assert found == plain(text, training, lengths)


def test_many_different_n_grams(monkeypatch):
    """Too many for a table of their pairs, and looked up in several pieces."""
    monkeypatch.setattr(novelty, "PIECE", 1000)
    draw = np.random.default_rng(1)
    text, training = (draw.integers(0, 100, n).astype(np.uint8).tobytes() for n in (6000, 9000))
    text = text[:2000] + training[7000:7050] + text[2050:]
    expected = plain(text, training)
    assert expected[2] == (50, 2000, 7000)
    assert compare(ids(text), ids(training), LENGTHS) == expected


def test_of_equal_passages_the_first():
    text, training = ids(b"\1\2\3\0\4\5\6\0\7"), ids(b"\4\5\6\1\2\3\7\1\2\3")
    for block in (9, 100):
        assert compare(text, training, [1], block=block).longest == Match(3, 0, 3)


def test_a_long_copy_amid_repetitions():
    """Neither text has each n-gram once before the passage is nearly found."""
    draw = np.random.default_rng(2)
    phrase = draw.integers(0, 9, 300).astype(np.uint8).tobytes()
    copied = phrase + b"\1" + phrase + draw.integers(0, 9, 400).astype(np.uint8).tobytes()
    text, training = b"\2" * 50 + copied + phrase[:200], phrase + b"\3" + copied + b"\4" * 30
    assert compare(ids(text), ids(training), [8]).longest == Match(1001, 50, 301)


def test_progress_counts_the_training_text():
    done = []
    compare(ids(b"\0" * 3), ids(b"\0" * 25), [2], block=10, progress=done.append)
    assert done == [10, 10, 5]


def test_texts_are_left_as_they_are(tmp_path):
    """A memory map that may only be read is enough."""
    np.save(tmp_path / "ids.npy", ids(MORSE))
    training = np.load(tmp_path / "ids.npy", mmap_mode="r")
    assert compare(training[20:30], training, [4]).longest == Match(10, 0, MORSE.find(MORSE[20:30]))


def words(draw, count):
    """A text with the repetitions of one: words of a vocabulary, a few of them often."""
    spelled = [draw.integers(0, 60, draw.integers(2, 9)) for _ in range(5000)]
    chosen = np.minimum(draw.zipf(1.3, count // 2), len(spelled)) - 1
    return np.concatenate([spelled[word] for word in chosen])[:count].astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("copied", [100, 1_000_000])
def test_a_million_against_five(copied):
    text, training = np.split(words(np.random.default_rng(1), 6_000_000), [1_000_000])
    text[:copied] = training[2_000_000 : 2_000_000 + copied]
    started = time.process_time()  # a busy neighbour does not count
    found = compare(text, training, (4, 8, 16, 32, 64, 128))
    assert time.process_time() - started < 10
    assert found.longest.length >= copied
    assert found.longest.start == 0
