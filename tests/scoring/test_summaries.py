from __future__ import annotations

import numpy as np
import pytest

import trainer.scoring.evaluation
from trainer.scoring import Text, Totals, characters, least_expected, lines
from trainer.scoring.evaluation import score
from trainer.text import Span


@pytest.fixture(autouse=True)
def window(monkeypatch):
    monkeypatch.setattr(trainer.scoring.evaluation, "WINDOW", 5)


def test_lines_are_the_text_and_its_score(model, text):
    written = text.decode(0, len(text.span.ids))
    found = list(lines(characters(model, text)))
    assert [line.text for line in found] == written.replace("\n", "\n\0").split("\0")
    assert [line.number for line in found] == list(range(1, len(found) + 1))
    whole = score(model, text.span)
    assert sum(line.nats for line in found) == pytest.approx(whole.nats * whole.characters)
    assert [line.characters for line in found] == [
        len(line.text) - (line.number == 1) for line in found
    ]


def test_a_line_end_at_the_end_begins_no_line(model, text):
    end = np.flatnonzero(text.span.ids == text.vocabulary.encode("\n")[0])[-1]
    ended = Text(Span(text.span.ids[: end + 1]), text.vocabulary)
    assert [line.text for line in lines(characters(model, ended))][-1] == "--\u2028é🙂🙂\n"


def test_totals(model, text):
    written = text.decode(0, len(text.span.ids))
    totals = Totals(text.is_bytes)
    assert "".join(piece.text for piece in totals.watch(characters(model, text))) == written
    whole = score(model, text.span)
    assert totals.nats == pytest.approx(whole.nats * whole.characters, rel=1e-12)
    assert totals.per_character().characters == len(written) - 1
    assert totals.per_byte().characters == len(written.encode()) - 1
    assert totals.per_byte().nats == pytest.approx(totals.nats / (len(written.encode()) - 1))


def test_a_first_character_of_several_bytes_is_scored_but_for_its_first_byte(model, text):
    start = int(text.starts(0, 3)[1])
    part = Text(Span(text.span.ids[start:]), text.vocabulary)
    totals = Totals(text.is_bytes)
    pieces = list(totals.watch(characters(model, part)))
    assert pieces[0].text[0] == "é"
    assert pieces[0].predicted[0] == (1 if text.is_bytes else 0)
    written = part.decode(0, len(part.span.ids))
    assert totals.characters == len(written) - (not text.is_bytes)
    assert totals.bytes == len(written.encode()) - (1 if text.is_bytes else 2)


@pytest.mark.parametrize("count", [0, 1, 3, 8, 1000])
def test_the_least_expected_are_those_with_the_highest_nats(model, text, count):
    pieces = list(characters(model, text))
    nats = np.concatenate([piece.nats for piece in pieces])
    order = [int(i) for i in np.argsort(-nats, kind="stable") if i > 0][:count]
    found = least_expected(pieces, count)
    assert [surprise.position for surprise in found] == order
    assert [surprise.nats for surprise in found] == [nats[i] for i in order]
    written = text.decode(0, len(text.span.ids))
    for surprise in found:
        assert surprise.character == written[surprise.position]
        place = surprise.place, surprise.place + surprise.symbols
        assert text.decode(*place) == surprise.character


def test_of_equals_the_first_ones(model, text):
    model.parameters.values[...] = 0
    sizes = [len(c.encode()) for c in text.decode(0, len(text.span.ids))]
    found = [surprise.position for surprise in least_expected(characters(model, text), 2)]
    longest = [i for i, size in enumerate(sizes) if size == 4] if text.is_bytes else [1, 2]
    assert found == longest[:2]


def test_a_model_that_has_diverged_expects_nothing(model, text):
    model.parameters.values[...] = np.nan
    with np.errstate(invalid="ignore"):
        assert least_expected(characters(model, text), 3) == []
