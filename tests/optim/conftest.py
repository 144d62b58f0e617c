from __future__ import annotations

import pytest

from trainer.nn import Parameters
from trainer.optim import NonFiniteLatch


@pytest.fixture
def make(backend):
    """Make an optimizer of one matrix and one vector of one element each, both 1.

    Returns it, its latch, and a function that takes a step at rate 0.1 and gives both elements.
    """

    def make(method, **options):
        parameters = Parameters(backend, {"W": (1, 1), "b": (1,)}, "float64")
        optimizer, latch = method(parameters, **options), NonFiniteLatch(backend)
        parameters["W"].value[...] = 1
        parameters["b"].value[...] = 1
        number = 0

        def step(gradient=0.5):
            nonlocal number
            number += 1
            parameters["W"].gradient[...] = gradient
            parameters["b"].gradient[...] = gradient
            optimizer.step(backend.asarray(optimizer.rates(number, 0.1), "float64"), latch)
            return parameters["W"].value.item(), parameters["b"].value.item()

        return optimizer, latch, step

    return make
