"""Adam against values worked by hand from PyTorch's definition."""

import pytest

from trainer.optim import Adam


def test_two_steps(make, host):
    adam, _, step = make(Adam, betas=(0.5, 0.75), eps=0.5)
    # The corrected means of one step are those of its gradient: 0.5 and 0.25.
    assert step(0.5)[0] == pytest.approx(1 - 0.1 * 0.5 / (0.5 + 0.5), abs=1e-15)
    m, s = 0.5 * 0.25 - 0.5, 0.75 * 0.0625 + 0.25
    update = m / (1 - 0.5**2) / ((s / (1 - 0.75**2)) ** 0.5 + 0.5)
    assert step(-1.0)[0] == pytest.approx(0.95 - 0.1 * update, abs=1e-15)
    assert host(adam.slots["mean"])[0] == pytest.approx(m, abs=1e-15)
    assert host(adam.slots["mean_square"])[0] == pytest.approx(s, abs=1e-15)


@pytest.mark.parametrize("gradient", [1e-3, -1e3])
def test_the_first_update_is_the_rate_whatever_the_gradient(make, gradient):
    _, _, step = make(Adam)
    assert abs(1 - step(gradient)[0]) == pytest.approx(0.1, rel=1e-4)


def test_late_in_a_run_nothing_is_corrected(make, backend, host):
    adam, latch, _ = make(Adam, betas=(0.5, 0.75), eps=0.5)
    adam.parameters.gradients[...] = 1
    adam.step(backend.asarray(adam.rates(1000, 0.1), "float64"), latch)
    value = host(adam.parameters.values)[0]
    assert 1 - value == pytest.approx(0.1 * 0.5 / (0.5 + 0.5), abs=1e-15)
