from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from trainer.backend import Plan
from trainer.config import config_from_mapping
from trainer.evaluation import score
from trainer.learner import Learner
from trainer.memory import training_bytes
from trainer.text import Part

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


def measure(config, plan, V, evaluations):
    """Return the most bytes that making a learner, evaluations and two steps take."""
    backend, draw = plan.start(), np.random.default_rng(0)
    windows = draw.integers(0, V, (2, T, B)).astype(np.int32)
    resets = windows[0] == 1 if config.corpus.document != "whole" else None
    texts = [Part(draw.integers(0, V, 520 * streams).astype(np.int32)) for streams in evaluations]

    tracemalloc.start()
    learner = Learner(config, backend, V, plan.parts)
    for text, streams in zip(texts, evaluations, strict=True):
        score(learner.model, text, streams)
    for step in range(2):
        learner.step(*windows, resets, step=step, learning_rate=0.1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


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
    measured = measure(config, plan, V, evaluations)
    formula = training_bytes(config, V, plan, evaluations)
    assert all(size >= 0 for size in formula.values())
    assert sum(formula.values()) > 1e6
    assert measured == pytest.approx(sum(formula.values()), rel=0.03)
