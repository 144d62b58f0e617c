"""What the configuration says of the optimizer reaches it."""

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.builder import build_model, build_optimizer
from trainer.config import config_from_mapping
from trainer.optim import SGD, Adam, RMSProp
from trainer.training.learner import Learner

V, T, B = 7, 4, 5


def make_config(**optimizer):
    return config_from_mapping(
        {
            "name": "test",
            "corpus": {"path": "none"},
            "model": {"hidden_size": 6},
            "training": {"batch_size": B, "sequence_length": T, "steps": 1},
            "optimizer": optimizer,
            "backend": {"dtype": "float64"},
        },
        "test",
    )


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (SGD, {"name": "sgd", "momentum": 0.3, "nesterov": True}),
        (RMSProp, {"name": "rmsprop", "alpha": 0.8, "eps": 1e-3, "momentum": 0.3}),
        (Adam, {"name": "adam", "betas": (0.8, 0.9), "eps": 1e-3}),
    ],
    ids=["sgd", "rmsprop", "adam"],
)
def test_every_option(method, options):
    config = make_config(weight_decay=0.01, **options)
    optimizer = build_optimizer(config, build_model(config, create_backend(), V))
    assert type(optimizer) is method
    for name, value in {**options, "weight_decay": 0.01}.items():
        if name != "name":
            assert getattr(optimizer, name) == value


def test_the_first_update_of_a_run_has_the_number_1():
    """Adam's first update is the learning rate for every element, if eps is left aside."""
    learner = Learner(make_config(name="adam", eps=1e-30), create_backend(), V)
    before = learner.model.parameters.values.copy()
    ids = np.random.default_rng(0).integers(0, V, (2, T, B)).astype(np.int32)
    learner.step(*ids, step=0, learning_rate=0.01)
    updates = abs(learner.model.parameters.values - before)
    assert updates[updates > 0] == pytest.approx(0.01, rel=1e-9)
