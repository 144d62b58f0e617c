from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from trainer.text import Vocabulary, spelling

SURROGATES = range(0xD800, 0xE000)
ALL_BYTES = Vocabulary("".join(map(chr, range(256))), unit="byte")


def shown(mask):
    return set(np.flatnonzero(mask).tolist())


def test_the_bytes_of_every_character_and_of_nothing_else():
    expected = Counter()  # by the first two bytes, how many characters begin with them
    for number in range(0x110000):
        if number not in SURROGATES:
            expected[chr(number).encode()[:2]] += 1
    first, following = spelling(ALL_BYTES)
    found = Counter()
    for lead in shown(first):
        if lead not in following:
            found[bytes([lead])] = 1
            continue
        second, *others = following[lead]
        assert all(shown(mask) == set(range(0x80, 0xC0)) for mask in others)
        found.update({bytes([lead, byte]): 64 ** len(others) for byte in shown(second)})
    assert found == expected


def test_characters_are_symbols():
    assert spelling(Vocabulary("aé日🙂")) == (None, {})
    first, following = spelling(Vocabulary("aé日🙂", unknown="symbol"))
    assert first.tolist() == [True] * 4 + [False]
    assert following == {}


def test_ascii_bytes_are_all_free():
    assert spelling(Vocabulary("abc\n", unit="byte")) == (None, {})


@pytest.mark.parametrize("unknown", [False, True])
def test_a_byte_begins_a_character_only_if_the_vocabulary_can_finish_it(unknown):
    # C3 A9 is a letter; E2 may go on with A9 and end so; F0 would need 90 to BF, and has A9;
    # ED may not go on with A9, E0 may.
    vocabulary = Vocabulary(
        "a\xa9\xc3\xe0\xe2\xed\xf0", unit="byte", unknown="symbol" if unknown else "refuse"
    )
    first, following = spelling(vocabulary)
    begins = {vocabulary.name(k) for k in shown(first)}
    assert begins == {"a", "<C3>", "<E0>", "<E2>", "<F0>"}
    assert {vocabulary.name(k): len(masks) for k, masks in following.items()} == {
        "<C3>": 1,
        "<E0>": 2,
        "<E2>": 2,
        "<F0>": 3,
    }
    assert all(
        [vocabulary.name(k) for k in shown(mask)] == ["<A9>"]
        for masks in following.values()
        for mask in masks
    )
