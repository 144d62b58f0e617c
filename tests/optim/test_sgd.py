"""SGD against values worked by hand from PyTorch's definition."""

import pytest

from trainer.optim import SGD


def test_plain(make):
    _, _, step = make(SGD)
    assert step() == pytest.approx((0.95, 0.95), abs=1e-15)
    assert step() == pytest.approx((0.90, 0.90), abs=1e-15)


def test_momentum(make, host):
    sgd, _, step = make(SGD, momentum=0.9)
    assert step()[0] == pytest.approx(1 - 0.1 * 0.5, abs=1e-15)  # v = 0.5
    assert step()[0] == pytest.approx(0.95 - 0.1 * 0.95, abs=1e-15)  # v = 0.45 + 0.5
    assert host(sgd.slots["momentum"])[0] == pytest.approx(0.95, abs=1e-15)


def test_nesterov(make):
    _, _, step = make(SGD, momentum=0.9, nesterov=True)
    assert step()[0] == pytest.approx(1 - 0.1 * (0.5 + 0.9 * 0.5), abs=1e-15)
    assert step()[0] == pytest.approx(0.905 - 0.1 * (0.5 + 0.9 * 0.95), abs=1e-15)


def test_weight_decay_goes_through_the_momentum(make):
    _, _, step = make(SGD, weight_decay=0.2, momentum=0.9)
    assert step(0.0)[0] == pytest.approx(0.98, abs=1e-15)
    assert step(0.0)[0] == pytest.approx(0.98 - 0.1 * (0.9 * 0.2 + 0.2 * 0.98), abs=1e-15)


def test_without_momentum_nothing_is_kept(make):
    assert make(SGD)[0].slots == {}


def test_nesterov_needs_momentum(make):
    with pytest.raises(ValueError, match="momentum"):
        make(SGD, nesterov=True)
