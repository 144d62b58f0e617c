from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest

from trainer.backend import Plan
from trainer.builder import build_model
from trainer.config import config_from_mapping
from trainer.scoring.evaluation import score
from trainer.text import Span
from trainer.training.learner import Learner
from trainer.training.memory import training_bytes

T, B, H = 24, 32, 48
ALONE, BY_TWO = Plan("reference", 1, 1), Plan("fused", 2, 2)


def make(layers, embedding_size, dropout, optimizer, document="whole", dtype="float32"):
    return config_from_mapping(
        {
            "name": "test",
            "corpus": {"path": "none", "document": document},
            "model": {
                "hidden_size": H,
                "num_layers": layers,
                "embedding_size": embedding_size,
                "dropout": dropout,
            },
            "training": {"batch_size": B, "sequence_length": T, "steps": 1},
            "optimizer": {"name": optimizer},
            "backend": {"dtype": dtype},
        },
        "test",
    )


def draw(config, V, evaluations):
    """Return a window, its resets, and a text for each evaluation."""
    integers = np.random.default_rng(0).integers
    x, y = integers(0, V, (2, T, B)).astype(np.int32)
    resets = x == 1 if config.corpus.document != "whole" else None
    texts = [Span(integers(0, V, 520 * streams).astype(np.int32)) for streams in evaluations]
    return (x, y, resets), zip(texts, evaluations, strict=True)


def work(config, backend, V, shards, window, texts):
    """Make a learner and a reader, evaluate and take two steps; return both."""
    learner = Learner(config, backend, V, shards)
    reader = build_model(config, backend, V, parameters=learner.model.parameters)
    for text, streams in texts:
        score(reader, text, streams)
    for step in range(2):
        learner.step(*window, step=step, learning_rate=0.1)
    return learner, reader


@pytest.mark.parametrize(
    ("config", "plan", "V", "evaluations"),
    [
        (make(1, None, 0.0, "sgd"), ALONE, 65, []),
        (make(2, None, 0.3, "adam"), BY_TWO, 65, []),
        (make(3, 20, 0.3, "rmsprop"), ALONE, 65, []),
        (make(2, 20, 0.0, "sgd", dtype="float64"), ALONE, 65, []),
        (make(2, None, 0.0, "sgd", document="line"), Plan("fused", 1, 1), 65, []),
        (make(1, None, 0.0, "adam"), ALONE, 4447, []),
        (make(1, 20, 0.5, "sgd"), BY_TWO, 4447, []),
        (make(2, None, 0.0, "sgd"), ALONE, 65, [B]),
        (make(2, 20, 0.3, "sgd"), BY_TWO, 65, [B // 2, 5]),
    ],
)
def test_the_formula_is_what_a_training_takes(config, plan, V, evaluations):
    backend, drawn = plan.start(), draw(config, V, evaluations)
    tracemalloc.start()
    work(config, backend, V, plan.shards, *drawn)
    _, measured = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    formula = training_bytes(config, V, plan, evaluations)
    assert all(size >= 0 for size in formula.values())
    assert sum(formula.values()) > 1e6
    assert measured == pytest.approx(sum(formula.values()), rel=0.03)


@pytest.mark.parametrize(
    ("config", "V", "evaluations"),
    [
        (make(1, None, 0.0, "sgd"), 65, []),
        (make(2, None, 0.3, "adam"), 65, []),
        (make(2, 20, 0.0, "rmsprop", dtype="float64"), 65, []),
        (make(2, None, 0.0, "sgd", document="line"), 65, [5]),
    ],
)
def test_the_formula_is_what_a_training_takes_of_a_gpu(cuda, plan, config, V, evaluations):
    pool = cuda.xp.get_default_memory_pool()
    gc.collect()  # a backend that an earlier test has left
    if not pool.used_bytes():
        pytest.skip("needs CuPy's pool, which is off while addresses are checked")
    before = pool.used_bytes()
    learner = work(config, cuda, V, 1, *draw(config, V, evaluations))
    measured = pool.used_bytes() - before
    del learner  # kept until now
    formula = training_bytes(config, V, plan, evaluations)
    assert formula.pop("cuBLAS") == 32 << 20  # which the backend has taken before
    assert measured == pytest.approx(sum(formula.values()), rel=0.03)
