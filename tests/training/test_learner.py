"""One training step, whole and in shards."""

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.config import config_from_mapping
from trainer.training.learner import Learner

V, B, T = 7, 5, 4


def make(backend, shards=1, dropout=0.0):
    config = config_from_mapping(
        {
            "name": "test",
            "corpus": {"path": "none"},
            "model": {"hidden_size": 6, "dropout": dropout},
            "training": {"batch_size": B, "sequence_length": T, "steps": 1},
            "backend": {"dtype": "float64"},
        },
        "test",
    )
    return Learner(config, backend, V, shards)


def learn(learner, steps=3, with_resets=False):
    to_host, rng, results = learner.backend.to_host, np.random.default_rng(0), []
    for step in range(steps):
        x, y = rng.integers(0, V, (2, T, B)).astype(np.int32)
        gates = []

        def watch(gates=gates):
            gates += [to_host(gate).copy() for gate in learner.gates()]

        resets = rng.random((T, B)) < 0.3 if with_resets else None
        loss, norm = learner.step(x, y, resets, step=step, learning_rate=0.5, watch=watch)
        results.append((float(loss), float(norm), *gates))
    return results


@pytest.mark.parametrize("with_resets", [False, True])
@pytest.mark.parametrize("shards", [2, 3, 5])
def test_shards_make_the_same_step_as_the_whole(shards, with_resets):
    """With shards of different sizes, too: 5 sequences do not divide by 2 or 3."""
    whole, cut = make(create_backend()), make(create_backend(), shards)
    results = (learn(learner, with_resets=with_resets) for learner in (whole, cut))
    for expected, found in zip(*results, strict=True):
        for left, right in zip(expected, found, strict=True):
            np.testing.assert_allclose(right, left, rtol=1e-12, atol=1e-14)
    for name, array in whole.arrays().items():
        np.testing.assert_allclose(cut.arrays()[name], array, rtol=1e-10, atol=1e-13)


def assert_same_bits(first, second):
    for left, right in zip(learn(first), learn(second), strict=True):
        for a, b in zip(left, right, strict=True):
            np.testing.assert_array_equal(a, b)
    for name, array in first.arrays().items():
        np.testing.assert_array_equal(second.arrays()[name], array)


def test_the_same_steps_make_the_same_bits(backend):
    assert_same_bits(make(backend, dropout=0.3), make(backend, dropout=0.3))


def test_the_same_parts_make_the_same_bits():
    assert_same_bits(*(make(create_backend(), 2, dropout=0.3) for _ in range(2)))


def test_each_part_drops_units_of_its_own():
    learner = make(create_backend(), 5, dropout=0.5)
    learn(learner, steps=1)
    masks = [model.dropout._mask[:, 0].tobytes() for model in learner.models]
    assert len(set(masks)) == 5


def check_forgetting(learner):
    learn(learner)
    assert all(array.any() for array in learner.carried)
    learner.reset_state()
    for array in learner.carried:
        assert array.shape == (2, B, 6)
        assert not array.any()


def test_forgetting_begins_from_zero(backend):
    check_forgetting(make(backend))


def test_every_part_forgets():
    check_forgetting(make(create_backend(), 2))
