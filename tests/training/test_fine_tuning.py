from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainer.builder import build_model
from trainer.config import config_from_mapping
from trainer.optim import SGD
from trainer.runs.checkpoint import Checkpoint, SavedPlan, pack
from trainer.runs.counters import Counters
from trainer.text import Vocabulary
from trainer.training.fine_tuning import transfer


@pytest.fixture
def make(backend):
    """Make a vocabulary, a model with parameters of its own, and a checkpoint of both."""

    def make(characters, seed, *, dtype="float32", embedding_size=None, **corpus):
        config = config_from_mapping(
            {
                "name": "test",
                "corpus": {"path": "none", **corpus},
                "model": {"hidden_size": 3, "embedding_size": embedding_size},
                "training": {"batch_size": 2, "steps": 1},
                "backend": {"dtype": dtype},
            },
            "test",
        )
        unit, unknown = config.corpus.unit, config.corpus.unknown == "symbol"
        vocabulary = Vocabulary(characters, unit=unit, unknown="symbol" if unknown else "refuse")
        model = build_model(config, backend, len(vocabulary))
        rng = np.random.default_rng(seed)
        model.initialise(rng)
        b = model.parameters["output.b"].value
        b[...] = backend.asarray(rng.random(b.shape), dtype)
        arrays = pack(model, SGD(model.parameters, momentum=0.9), model.zero_state(2))
        plan = SavedPlan("reference", 1, 1)
        place = Path("old.safetensors")
        checkpoint = Checkpoint(place, arrays, config, vocabulary, Counters(), plan, "", "")
        return vocabulary, model, checkpoint

    return make


def values(model):
    """Return all parameters, copied to the host."""
    to_host, parameters = model.backend.to_host, model.parameters
    return {name: to_host(parameters[name].value).copy() for name in parameters}


def of_symbol(model, place):
    """Return all numbers that belong to one symbol."""
    parameters = values(model)
    row = parameters[model.input_matrix][place]
    return np.concatenate(
        [row, parameters["output.W"][:, place], parameters["output.b"][place : place + 1]]
    )


@pytest.mark.parametrize("embedding_size", [None, 4])
def test_each_character_keeps_what_belongs_to_it(make, embedding_size):
    old_vocabulary, old, origin = make("acdxz", 1, embedding_size=embedding_size)
    vocabulary, model, _ = make("bcdéz", 2, embedding_size=embedding_size)
    _, fresh, _ = make("bcdéz", 2, embedding_size=embedding_size)
    symbols = transfer(origin, model, vocabulary)
    for place, character in enumerate(vocabulary.characters):
        found = of_symbol(model, place)
        if character in "cdz":
            there = old_vocabulary.characters.index(character)
            np.testing.assert_array_equal(found, of_symbol(old, there))
        else:
            np.testing.assert_array_equal(found, of_symbol(fresh, place))
    whole = values(old).keys() - {old.input_matrix, "output.W", "output.b"}
    assert whole >= {"lstm.0.U", "lstm.0.b", "lstm.1.W", "lstm.1.U", "lstm.1.b"}
    for name in whole:
        np.testing.assert_array_equal(values(model)[name], values(old)[name])

    assert symbols.new == ["'b' (U+0062)", "'é' (U+00E9)"]
    assert symbols.describe() == (
        "characters: 3 kept, 2 new ('b' (U+0062), 'é' (U+00E9)), 2 left behind"
    )


def test_the_same_vocabulary_keeps_everything(make):
    vocabulary, old, origin = make("abc", 1)
    _, model, _ = make("abc", 2)
    assert transfer(origin, model, vocabulary).describe() == (
        "characters: 3 kept, none new, 0 left behind"
    )
    for name, value in values(old).items():
        np.testing.assert_array_equal(values(model)[name], value)


@pytest.mark.parametrize("before", ["refuse", "symbol"])
@pytest.mark.parametrize("after", ["refuse", "symbol"])
def test_the_reserved_symbol_keeps_its_own(make, before, after):
    """It is the last of either vocabulary, and no character's place may be taken for it."""
    _, old, origin = make("ab", 1, unknown=before)
    vocabulary, model, _ = make("abc", 2, unknown=after)
    _, fresh, _ = make("abc", 2, unknown=after)
    symbols = transfer(origin, model, vocabulary)
    np.testing.assert_array_equal(of_symbol(model, 0), of_symbol(old, 0))
    np.testing.assert_array_equal(of_symbol(model, 2), of_symbol(fresh, 2))
    if after == "symbol":
        expected = of_symbol(old, 2) if before == "symbol" else of_symbol(fresh, 3)
        np.testing.assert_array_equal(of_symbol(model, 3), expected)
    assert (len(symbols.kept), len(symbols.new), len(symbols.left)) == (2, 1, 0)


def test_precision_may_differ(make):
    vocabulary, old, origin = make("abc", 1, dtype="float64")
    _, model, _ = make("abc", 2)
    transfer(origin, model, vocabulary)
    for name, value in values(old).items():
        found = values(model)[name]
        assert found.dtype == "float32"
        np.testing.assert_array_equal(found, value.astype("float32"))


def test_nothing_in_common_but_what_lies_between(make):
    vocabulary, model, _ = make("αβ", 2)
    _, old, origin = make("ab", 1)
    symbols = transfer(origin, model, vocabulary)
    assert symbols.describe().startswith("characters: none in common, 2 new (")
    np.testing.assert_array_equal(values(model)["lstm.1.W"], values(old)["lstm.1.W"])


def test_bytes_are_named_as_bytes_and_only_the_first_ones(make):
    vocabulary, model, _ = make("".join(map(chr, range(10, 40))), 2, unit="byte")
    _, _, origin = make("abc", 1, unit="byte")
    told = transfer(origin, model, vocabulary).describe()
    assert "30 new (0x0A, 0x0B, " in told
    assert ", 0x1D and 10 more), 3 left behind" in told
