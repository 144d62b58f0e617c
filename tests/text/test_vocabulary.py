from __future__ import annotations

import numpy as np
import pytest

from trainer.errors import UserError
from trainer.text.vocabulary import Unit, Vocabulary


def characters(count: int) -> str:
    return "".join(map(chr, range(0xE000, 0xE000 + count)))  # from above the surrogates


def test_ids_are_places_in_the_order_of_code_points() -> None:
    vocabulary = Vocabulary("béa\n😀")
    assert vocabulary.characters == "\nabé😀"
    assert len(vocabulary) == 5
    assert vocabulary.encode("é\na😀").tolist() == [3, 0, 1, 4]


@pytest.mark.parametrize(
    ("count", "dtype"),
    [(1, "uint8"), (256, "uint8"), (257, "uint16"), (65536, "uint16"), (65537, "uint32")],
)
def test_the_type_is_the_smallest_that_holds_every_id(count: int, dtype: str) -> None:
    vocabulary = Vocabulary(characters(count))
    ids = vocabulary.encode(vocabulary.characters)
    assert vocabulary.dtype == ids.dtype == dtype
    assert np.array_equal(ids, np.arange(count))


def test_decode_undoes_encode() -> None:
    text = "春眠不覺曉,\r\nÀ bientôt \ufeff😀!"
    vocabulary = Vocabulary("".join(set(text)))
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.decode([]) == ""
    assert vocabulary.encode("").shape == (0,)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("bab_", "'_' (U+005F) at position 3"),  # between two known ones
        ("a!b?", "'!' (U+0021) at position 1"),  # below all; the first of two is named
        ("\u200bab", r"'\u200b' (U+200B) at position 0"),  # invisible, above all
        ("ab\ud800", r"'\ud800' (U+D800) at position 2"),  # half of a surrogate pair
    ],
)
def test_an_unknown_character_is_named(text: str, name: str) -> None:
    with pytest.raises(UserError) as caught:
        Vocabulary("AabB").encode(text)
    assert name in str(caught.value)
    assert "the 4 characters of the vocabulary" in str(caught.value)
    str(caught.value).encode("utf-8")  # can be printed


@pytest.mark.parametrize("ids", [[-1], [3], [0, 1, 300]])
def test_decode_refuses_ids_that_do_not_exist(ids: list[int]) -> None:
    with pytest.raises(IndexError):
        Vocabulary("abc").decode(ids)


@pytest.mark.parametrize("wrong", ["", "aba"])
def test_no_character_or_one_twice_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="character"):
        Vocabulary(wrong)


def test_comparison_and_membership() -> None:
    assert Vocabulary("ab") == Vocabulary("ba")
    assert Vocabulary("ab") != Vocabulary("abc")
    assert Vocabulary("ab") != "ab"
    assert "a" in Vocabulary("ab")
    assert "c" not in Vocabulary("ab")
    assert "ab" not in Vocabulary("ab")
    assert "" not in Vocabulary("ab")


class TestBytes:
    def test_ids_are_those_of_the_bytes(self) -> None:
        text = "é春a\n"
        vocabulary = Vocabulary("".join(map(chr, set(text.encode()))), unit="byte")
        assert len(vocabulary) == len(set(text.encode()))
        ids = vocabulary.encode(text)
        assert ids.size == len(text.encode())
        assert vocabulary.decode(ids) == text
        assert [vocabulary.name(i) for i in ids[:2]] == ["<C3>", "<A9>"]
        assert "春" in vocabulary
        assert "è" not in vocabulary

    def test_ascii_has_the_same_ids_in_both_units(self) -> None:
        text = "to be or not to be\n"
        characters, octets = (Vocabulary("".join(set(text)), unit=u) for u in ("character", "byte"))
        assert np.array_equal(characters.encode(text), octets.encode(text))
        assert characters.dtype == octets.dtype
        assert characters != octets

    def test_an_unknown_byte_is_told_by_its_character(self) -> None:
        with pytest.raises(UserError) as caught:
            Vocabulary("ab\u00c3", unit="byte").encode("baéb")
        message = "unknown character 'é' (U+00E9) (its byte 0xA9) at position 2 (counted from 0)"
        assert message in str(caught.value)
        assert "the 3 bytes of the vocabulary" in str(caught.value)

    def test_broken_utf8_is_shown_as_such(self) -> None:
        vocabulary = Vocabulary("a\u00c3\u00a9", unit="byte")
        assert vocabulary.decode([2, 0]) == "\ufffda"


class TestTheReservedSymbol:
    @pytest.mark.parametrize("unit", ["character", "byte"])
    def test_it_stands_for_all_others(self, unit: Unit) -> None:
        vocabulary = Vocabulary("abc", unit=unit, unknown="symbol")
        assert (len(vocabulary), vocabulary.unknown) == (4, 3)
        assert vocabulary.encode("cxa!").tolist() == [2, 3, 0, 3]
        assert vocabulary.decode([2, 3, 0]) == "c\ufffda"
        assert vocabulary.name(3) == "\ufffd"
        assert vocabulary != Vocabulary("abc", unit=unit)

    def test_the_type_has_room_for_it(self) -> None:
        assert Vocabulary(characters(256), unknown="symbol").dtype == "uint16"


@pytest.mark.parametrize(
    ("known", "text", "remedy"),
    [
        ("ab", "\ufeffab", "save the text without its byte order mark, or leave such"),
        ("aé", "ae\u0301", "convert the text to Unicode's normal form NFC, or leave such"),
        ("ae\u0301", "aé", "convert the text to Unicode's normal form NFD, or leave such"),
        (
            "ab",
            "abc",
            "replace it, or leave such characters out with corpus.unknown=skip",
        ),
    ],
)
def test_an_unknown_character_comes_with_a_remedy(known: str, text: str, remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        Vocabulary(known).encode(text)
    assert remedy in str(caught.value)
