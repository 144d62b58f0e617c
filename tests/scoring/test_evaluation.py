from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import trainer.scoring.evaluation
from trainer.backend import create_backend
from trainer.model import load
from trainer.nn import CharacterLSTM
from trainer.scoring.evaluation import Score, score
from trainer.text import Span


@pytest.fixture
def model(backend):
    """A model with random parameters, in float64, with dropout that scoring must not apply."""
    model = CharacterLSTM(backend, 7, 5, 2, dropout=0.5, dtype="float64")
    model.initialise(np.random.default_rng(1))
    model.parameters.values[...] *= 3
    return model


def text(length, symbols=7):
    return np.random.default_rng(2).integers(0, symbols, length).astype(np.uint8)


def score_one_by_one(model, ids):
    """Score as the definition says: read a character, look at the probability of the next."""
    backend, state, total = model.backend, model.zero_state(1), 0.0
    for now, then in pairwise(ids):
        logits, state = model.forward(backend.asarray([[now]], "int32"), state)
        p = np.exp(backend.to_host(logits)[0, 0])
        total -= math.log(p[then] / p.sum())
    return total / (len(ids) - 1)


@pytest.mark.parametrize("length", [2, 3, 128, 129, 130, 300])
def test_one_stream_is_the_definition(model, length):
    ids = text(length)
    result = score(model, Span(ids))
    assert result.nats == pytest.approx(score_one_by_one(model, ids), rel=1e-12)
    assert result.characters == length - 1


@pytest.mark.parametrize("streams", [1, 2])
@pytest.mark.parametrize("window", [1, 7, 100, 5000])
def test_the_window_does_not_matter(model, monkeypatch, streams, window):
    ids = text(1100)
    expected = score(model, Span(ids), streams)
    monkeypatch.setattr(trainer.scoring.evaluation, "WINDOW", window)
    assert score(model, Span(ids), streams).nats == pytest.approx(expected.nats, abs=1e-12)


def test_the_window_does_not_matter_in_single_precision(trained, monkeypatch):
    loaded = load(trained.checkpoint("tiny"))
    model, vocabulary = loaded.network, loaded.vocabulary
    ids = vocabulary.encode(trained.text.read_text())
    expected = score(model, Span(ids)).nats
    for window in (1, 50, 1000):
        monkeypatch.setattr(trainer.scoring.evaluation, "WINDOW", window)
        assert score(model, Span(ids)).nats == pytest.approx(expected, abs=1e-6)


def test_streams_agree_with_one_stream(trained):
    loaded = load(trained.checkpoint("tiny"))
    model, vocabulary = loaded.network, loaded.vocabulary
    ids = vocabulary.encode(trained.text.read_text() * 8)
    one = score(model, Span(ids)).nats
    for streams in (2, 5, 10):
        assert score(model, Span(ids), streams).nats == pytest.approx(one, abs=0.005)


def test_streams_warm_up_on_what_stands_before_them(model):
    model.parameters.values[...] /= 3  # so that it forgets within the warm-up
    ids = text(2100)
    assert score(model, Span(ids), 4).nats == pytest.approx(score(model, Span(ids)).nats, abs=1e-12)


@pytest.mark.parametrize("streams", [1, 2, 3, 50])
@pytest.mark.parametrize(
    "length", [*range(2, 9), 256, 257, 513, 1023, 1024, 1025, 1026, 1537, 2048, 2303]
)
def test_every_character_but_the_first_counts_once(length, streams):
    """A text without repetition, and a model that gives each character a probability of its own:

    a sum of other characters would be another number.
    """
    model = CharacterLSTM(create_backend(), length, 1, dtype="float64")
    b = model.parameters["output.b"].value
    b[...] = np.random.default_rng(length).standard_normal(length)
    losses = np.log(np.exp(b).sum()) - b
    ids = np.random.default_rng(streams).permutation(length).astype(np.uint16)

    result = score(model, Span(ids), streams)
    assert result.characters == length - 1
    assert result.nats * result.characters == pytest.approx(losses[ids[1:]].sum(), rel=1e-12)


@pytest.mark.parametrize("streams", [1, 3])
def test_progress_grows_to_all_of_it(model, streams):
    shares = []
    score(model, Span(text(2000)), streams, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert len(shares) > 1


def test_nothing_of_the_model_changes(model, host):
    before = host(model.parameters.values)
    score(model, Span(text(300)))
    assert np.array_equal(host(model.parameters.values), before)


def test_units():
    assert Score(math.log(2), 1).bits == pytest.approx(1)
    assert Score(math.log(8), 1).bits == pytest.approx(3)
    assert Score(math.log(8), 1).perplexity == pytest.approx(8)
    assert Score(0.0, 1).perplexity == 1
    assert Score(1e6, 1).perplexity == math.inf
