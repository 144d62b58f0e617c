"""RMSProp against values worked by hand from PyTorch's definition."""

import pytest

from trainer.optim import RMSProp


def test_two_steps(make, host):
    rmsprop, _, step = make(RMSProp, alpha=0.75, eps=0.5)
    assert step(0.5)[0] == pytest.approx(1 - 0.1 * 0.5 / (0.25 + 0.5), abs=1e-15)  # s = 0.0625
    before, s = step(0.0)[0], 0.75 * 0.0625  # no gradient, no update
    assert before == pytest.approx(1 - 0.1 * 0.5 / 0.75, abs=1e-15)
    s = 0.75 * s + 0.25
    assert step(-1.0)[0] == pytest.approx(before + 0.1 / (s**0.5 + 0.5), abs=1e-15)
    assert host(rmsprop.slots["mean_square"])[0] == pytest.approx(s, abs=1e-15)


def test_momentum_keeps_the_updates_not_the_gradients(make, host):
    rmsprop, _, step = make(RMSProp, alpha=0.75, eps=0.5, momentum=0.9)
    assert step(0.5)[0] == pytest.approx(1 - 0.1 * 2 / 3, abs=1e-15)
    assert step(0.0)[0] == pytest.approx(1 - 0.1 * (2 / 3 + 0.9 * 2 / 3), abs=1e-15)
    assert host(rmsprop.slots["momentum"])[0] == pytest.approx(0.6, abs=1e-15)


def test_without_momentum_the_mean_square_alone_is_kept(make):
    assert list(make(RMSProp)[0].slots) == ["mean_square"]
