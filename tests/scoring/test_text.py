from __future__ import annotations

from itertools import pairwise

import pytest

from trainer.scoring import Text
from trainer.text import Span, Vocabulary

WRITTEN = "\ufeffaé\n日🙂z"


def text(unit, written=WRITTEN):
    symbols = WRITTEN if unit == "character" else "".join(map(chr, set(WRITTEN.encode())))
    vocabulary = Vocabulary(symbols, unit=unit)
    return Text(Span(vocabulary.encode(written)), vocabulary)


@pytest.mark.parametrize("unit", ["character", "byte"])
def test_where_characters_begin(unit):
    whole = text(unit)
    n = len(whole.span.ids)
    starts = whole.starts(0, n + 1).tolist()
    assert [whole.decode(*cut) for cut in pairwise(starts)] == list(WRITTEN)


def test_a_character_may_go_on_behind_the_last_symbol_that_was_looked_at():
    assert text("byte", "aé").starts(0, 3).tolist() == [0, 1]
    assert text("byte", "aé").starts(0, 4).tolist() == [0, 1, 3]
    assert text("character", "aé").starts(1, 2).tolist() == [0]


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [(1, 3, "��"), (2, 6, "�é\n"), (3, 9, "é\n�"), (0, 1, "�"), (1, 2, "�"), (7, 10, "���")],
)
def test_a_part_of_bytes_may_be_cut_amid_a_character(start, end, shown):
    whole = text("byte", "日é\n🙂")
    part = Text(Span(whole.span.ids[start:end]), whole.vocabulary)
    starts = part.starts(0, end - start + 1).tolist()
    assert part.decode(0, end - start) == shown
    assert [part.decode(*cut) for cut in pairwise(starts)] == list(shown)


@pytest.mark.parametrize("unit", ["character", "byte"])
def test_what_the_model_does_not_know_is_taken_from_what_was_written(unit):
    vocabulary = Vocabulary("ab", unit=unit, unknown="symbol")
    part = Span(vocabulary.encode("aéb"))
    n = len(part.ids)
    written = Text(part, vocabulary, "aéb")
    assert [written.decode(*cut) for cut in pairwise(written.starts(0, n + 1))] == list("aéb")
    assert set(Text(part, vocabulary).decode(0, n)) == set("a�b")
