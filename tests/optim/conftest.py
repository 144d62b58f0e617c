from __future__ import annotations

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn import Parameters
from trainer.optim import NonFiniteLatch


@pytest.fixture
def make():
    """Make an optimizer of one matrix and one vector of one element each, both 1.

    Returns it, its latch, and a function that takes a step at rate 0.1 and gives both elements.
    """

    def make(method, **options):
        backend = create_backend()
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
            optimizer.step(np.array(optimizer.rates(number, 0.1)), latch)
            return parameters["W"].value.item(), parameters["b"].value.item()

        return optimizer, latch, step

    return make
