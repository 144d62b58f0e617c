"""SGD against values worked by hand from PyTorch's definition."""

import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn import Parameters
from trainer.optim import SGD, NonFiniteLatch


def make(gradient=0.5, **options):
    backend = create_backend()
    parameters = Parameters(backend, {"W": (1, 1), "b": (1,)}, "float64")
    sgd, latch = SGD(parameters, **options), NonFiniteLatch(backend)
    parameters["W"].value[...] = 1
    parameters["b"].value[...] = 1

    def step(gradient=gradient):
        parameters["W"].gradient[...] = gradient
        parameters["b"].gradient[...] = gradient
        sgd.step(0.1, latch)
        return parameters["W"].value.item(), parameters["b"].value.item()

    return sgd, latch, step


def test_plain():
    _, _, step = make()
    assert step() == pytest.approx((0.95, 0.95), abs=1e-15)
    assert step() == pytest.approx((0.90, 0.90), abs=1e-15)


def test_momentum():
    sgd, _, step = make(momentum=0.9)
    assert step()[0] == pytest.approx(1 - 0.1 * 0.5, abs=1e-15)  # v = 0.5
    assert step()[0] == pytest.approx(0.95 - 0.1 * 0.95, abs=1e-15)  # v = 0.45 + 0.5
    assert sgd.slots["momentum"][0] == pytest.approx(0.95, abs=1e-15)


def test_nesterov():
    _, _, step = make(momentum=0.9, nesterov=True)
    assert step()[0] == pytest.approx(1 - 0.1 * (0.5 + 0.9 * 0.5), abs=1e-15)
    assert step()[0] == pytest.approx(0.905 - 0.1 * (0.5 + 0.9 * 0.95), abs=1e-15)


def test_weight_decay_acts_on_matrices_only():
    _, _, step = make(weight_decay=0.2)
    assert step() == pytest.approx((1 - 0.1 * (0.5 + 0.2), 0.95), abs=1e-15)


def test_weight_decay_goes_through_the_momentum():
    _, _, step = make(gradient=0.0, weight_decay=0.2, momentum=0.9)
    assert step()[0] == pytest.approx(0.98, abs=1e-15)
    assert step()[0] == pytest.approx(0.98 - 0.1 * (0.9 * 0.2 + 0.2 * 0.98), abs=1e-15)


def test_without_momentum_nothing_is_kept():
    assert make()[0].slots == {}


def test_nesterov_needs_momentum():
    with pytest.raises(ValueError, match="momentum"):
        make(nesterov=True)


@pytest.mark.parametrize(("loss", "norm"), [(np.nan, 1.0), (1.0, np.inf), (np.inf, np.nan)])
def test_a_shut_latch_suppresses_this_and_later_updates(loss, norm):
    _, latch, step = make(momentum=0.9, weight_decay=0.2)
    latch.observe(6, np.float32(1), np.float32(1))
    before = step()
    assert latch.bad_step() is None
    latch.observe(7, np.float32(loss), np.float32(norm))
    assert step(gradient=np.nan) == before
    latch.observe(8, np.float32(1), np.float32(1))
    assert step(gradient=0.5) == before
    assert latch.bad_step() == 7
