from __future__ import annotations

import math

import numpy as np
import pytest

import trainer.scoring.evaluation
from trainer.scoring import characters
from trainer.scoring.evaluation import losses, score


@pytest.fixture(params=[1, 2, 3, 7, 128])
def window(request, monkeypatch):
    """Windows that cut characters in two."""
    monkeypatch.setattr(trainer.scoring.evaluation, "WINDOW", request.param)


def test_each_character_once_and_in_order(model, text, window):
    written = text.decode(0, len(text.span.ids))
    place = line = column = 0
    for piece in characters(model, text):
        assert piece.position == place
        for i, character in enumerate(piece.text):
            before = written[: place + i]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            assert (character, *piece.where(i)) == (written[place + i], line, column)
        assert piece.where(0) == (piece.line, piece.column)
        place += len(piece.text)
    assert place == len(written)


def test_the_nats_of_a_character_are_those_of_its_symbols(model, text, window):
    nats = np.concatenate([piece.nats for piece in characters(model, text)])
    predicted = np.concatenate([piece.predicted for piece in characters(model, text)])
    found = np.concatenate([[0.0], *losses(model, text.span)])
    sizes = [len(c.encode()) if text.is_bytes else 1 for c in text.decode(0, found.size)]
    ends = np.cumsum(sizes)
    for i, (size, end) in enumerate(zip(sizes, ends, strict=True)):
        assert nats[i] == pytest.approx(found[end - size : end].sum(), rel=1e-12)
        assert predicted[i] == size - (i == 0)
    whole = score(model, text.span)
    assert nats.sum() == pytest.approx(whole.nats * whole.characters, rel=1e-12)
    assert predicted.sum() == whole.characters


def test_what_was_expected(model, text, window):
    """Read one symbol after the other and look at the probabilities."""
    pieces = list(characters(model, text))
    likeliest = np.concatenate([piece.likeliest for piece in pieces])
    highest = np.concatenate([piece.highest for piece in pieces])
    state = model.zero_state(1)
    for place, now in enumerate(text.span.ids[:-1]):
        logits, state = model.forward(np.array([[now]], np.int32), state)
        p = np.exp(logits[0, 0]) / np.exp(logits[0, 0]).sum()
        assert likeliest[place + 1] == p.argmax()
        assert highest[place + 1] == pytest.approx(p.max())


def test_progress_comes_to_the_number_of_symbols(model, text):
    steps = []
    assert list(characters(model, text, steps.append))
    assert sum(steps) == len(text.span.ids) - 1


def test_the_losses_of_a_text_are_its_score(model, text):
    arrays = list(losses(model, text.span))
    assert all(array.dtype == np.float64 and array.ndim == 1 for array in arrays)
    assert math.fsum(map(np.sum, arrays)) == pytest.approx(
        score(model, text.span).nats * (len(text.span.ids) - 1), rel=1e-12
    )
