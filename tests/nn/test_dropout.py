import numpy as np
import pytest

from trainer.nn.dropout import Dropout


@pytest.fixture
def make(backend):
    return lambda probability=0.25: Dropout(backend, probability, seed=1, layer=0, dtype="float64")


@pytest.fixture
def step(backend):
    return backend.asarray(3, "int64")


@pytest.fixture
def ones(backend):
    return lambda *shape: backend.asarray(np.ones(shape))


def test_what_is_kept_is_scaled_so_that_the_mean_stays(make, step, ones, host):
    x = ones(50, 20, 30)
    y = host(make().forward(x, step))
    assert set(np.unique(y)) == {0, 1 / 0.75}
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert (host(x) == 1).all()


def test_backward_uses_the_mask_of_the_forward(make, step, ones, host):
    dropout = make()
    y = dropout.forward(ones(5, 4, 3), step)
    np.testing.assert_array_equal(host(dropout.backward(ones(5, 4, 3))), host(y))


@pytest.mark.parametrize(("probability", "training"), [(0.25, False), (0.0, True)])
def test_nothing_is_dropped_or_copied(make, step, ones, host, probability, training):
    dropout, x = make(probability), ones(5, 4, 3)
    dropout.forward(x, step)  # a mask of before must not linger
    assert dropout.forward(x, step if training else None) is x
    np.testing.assert_array_equal(host(dropout.backward(ones(5, 4, 3))), host(x))
