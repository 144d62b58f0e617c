"""All that a model does on the device under test, against NumPy."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.builder import build_model
from trainer.config import config_from_mapping
from trainer.generation.writer import Writer
from trainer.monitor.statistics import gate_statistics
from trainer.runs.checkpoint import Checkpoint, SavedPlan
from trainer.runs.counters import Counters
from trainer.scoring.evaluation import score
from trainer.text import Span, Vocabulary
from trainer.text.documents import after_each_file
from trainer.training.learner import Learner

# Sizes that fill no block of threads, and no warp.
LETTERS = "abcdefghijkl\n"
V, H, L, T, B = len(LETTERS), 9, 2, 7, 5

MODELS = {
    "plain": {},
    "one layer without bias": {"num_layers": 1, "bias": False},
    "embedding": {"embedding_size": 6},
    "dropout": {"dropout": 0.3},
}
OPTIMIZERS = {
    "sgd": {"name": "sgd", "momentum": 0.9, "nesterov": True, "learning_rate": 0.3},
    "rmsprop": {"name": "rmsprop", "momentum": 0.5, "eps": 1e-4, "learning_rate": 0.003},
    "adam": {"name": "adam", "eps": 1e-4, "learning_rate": 0.01},
}


class Window(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    resets: np.ndarray | None


def windows(number, *, resets=False):
    rng = np.random.default_rng(4)
    return [
        Window(
            *rng.integers(0, V, (2, T, B)).astype(np.int32),
            rng.random((T, B)) < 0.2 if resets else None,
        )
        for _ in range(number)
    ]


def configure(dtype="float64", optimizer="sgd", **model):
    return config_from_mapping(
        {
            "name": "test",
            "corpus": {"path": "none"},
            "model": {"hidden_size": H, "num_layers": L, **model},
            "training": {"batch_size": B, "sequence_length": T, "steps": 1},
            "optimizer": {"clip_norm": 0.5, "weight_decay": 0.01, **OPTIMIZERS[optimizer]},
            "backend": {"dtype": dtype},
        },
        "test",
    )


@pytest.fixture
def backends(cuda):
    """The GPU's backend, and NumPy's."""
    return cuda, create_backend()


@pytest.fixture
def models(backends):
    """Make the same model on both."""

    def models(**options):
        pair = [build_model(configure(**options), backend, V) for backend in backends]
        for model in pair:
            model.initialise(np.random.default_rng(1))
            model.parameters.values[...] *= 2  # what it reads matters
        return pair

    return models


def learn(learner, window, step, rate):
    loss, norm = learner.step(*window, step=step, learning_rate=0.99**step * rate)
    return float(loss), float(norm)


def assert_close(found, expected, tolerance):
    """Check that arrays by name differ by no more than a share of the largest number in them."""
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        atol = tolerance * np.abs(array).max()
        np.testing.assert_allclose(found[name], array, rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-13)])
@pytest.mark.parametrize("resets", [False, True], ids=["carried", "resets"])
@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_forward_and_backward(models, options, resets, dtype, tolerance):
    (window,) = windows(1, resets=resets)
    results = []
    for model in models(dtype=dtype, **options):
        asarray, to_host = model.backend.asarray, model.backend.to_host
        x, y, places = (None if a is None else asarray(a) for a in window)
        logits, state = model.forward(x, model.zero_state(B), asarray(3, "int64"), places)
        arrays = {"logits": to_host(logits).copy(), "h": to_host(state.h), "c": to_host(state.c)}
        arrays["losses"] = to_host(model.loss.forward(logits, y))
        _, before = model.backward(model.loss.backward())
        arrays |= {"dh": to_host(before.h), "dc": to_host(before.c)}
        for name in model.parameters:
            arrays[name] = to_host(model.parameters[name].gradient)
        results.append(arrays)
    assert_close(*results, tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-12)])
@pytest.mark.parametrize(
    ("optimizer", "model", "resets"),
    [
        ("sgd", "plain", False),
        ("sgd", "one layer without bias", True),
        ("rmsprop", "embedding", True),
        ("adam", "dropout", False),
    ],
)
def test_fifty_steps(backends, optimizer, model, resets, dtype, tolerance):
    config = configure(dtype, optimizer, **MODELS[model])
    found, expected = (Learner(config, backend, V) for backend in backends)
    rate = config.optimizer.learning_rate
    for step, window in enumerate(windows(50, resets=resets)):
        numbers = learn(found, window, step, rate)
        assert numbers == pytest.approx(learn(expected, window, step, rate), rel=tolerance)
    assert_close(found.arrays(), expected.arrays(), tolerance)
    assert found.latch.read() is None


@pytest.mark.parametrize("to_device", [True, False])
def test_a_training_goes_on_where_it_was_on_the_other(backends, to_device):
    config = configure(optimizer="adam", dropout=0.3)
    here, there = backends[::-1] if to_device else backends
    learner = Learner(config, here, V)
    steps = enumerate(windows(8))
    for step, window in islice(steps, 4):
        learn(learner, window, step, 0.01)
    checkpoint = Checkpoint(
        Path("here.safetensors"),
        learner.arrays(),
        config,
        Vocabulary(LETTERS),
        Counters(),
        SavedPlan("reference", 1, 1),
        "",
        "",
    )
    resumed = Learner(config, there, V, checkpoint=checkpoint)
    for name, array in learner.arrays().items():
        np.testing.assert_array_equal(resumed.arrays()[name], array)
    for step, window in steps:
        found, expected = (learn(each, window, step, 0.01) for each in (resumed, learner))
        assert found == pytest.approx(expected, rel=1e-12)
    assert_close(resumed.arrays(), learner.arrays(), 1e-12)


@pytest.mark.parametrize("document", ["whole", "file", "line"])
def test_what_is_written(models, document):
    results = []
    for model in models():
        writer = Writer(model, Vocabulary(LETTERS), seeds=[1, 2], document=document)
        writer.read("bad")
        results.append(list(writer.write(60, temperature=0.8, top_p=0.9)))
    for found, expected in zip(*results, strict=True):
        assert found[:2] == expected[:2]
        assert found.probability == pytest.approx(expected.probability, rel=1e-11)


@pytest.mark.parametrize("streams", [1, 2])
def test_the_score_of_a_text(models, streams):
    ids = np.random.default_rng(5).integers(0, V, 1100).astype(np.uint8)
    text = Span(ids, after_each_file(np.array([300, 301, 777])))
    found, expected = (score(model, text, streams).nats for model in models())
    assert found == pytest.approx(expected, rel=1e-13)


def test_the_statistics_of_the_gates(backends):
    results = []
    for backend in backends:
        learner, statistics = Learner(configure(), backend, V), []

        def watch(learner=learner, statistics=statistics):
            statistics += [gate_statistics(learner.backend, gates) for gates in learner.gates()]

        learner.step(*windows(1)[0], step=0, learning_rate=0.1, watch=watch)
        results.append(statistics)
    for found, expected in zip(*results, strict=True):
        assert found == pytest.approx(expected, rel=1e-12)
