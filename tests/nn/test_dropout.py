import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.nn.dropout import Dropout


def make(probability=0.25):
    return Dropout(create_backend(), probability, seed=1, layer=0, dtype="float64")


def test_what_is_kept_is_scaled_so_that_the_mean_stays():
    x = np.ones((50, 20, 30))
    y = make().forward(x, step=3)
    assert set(np.unique(y)) == {0, 1 / 0.75}
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert (x == 1).all()


def test_backward_uses_the_mask_of_the_forward():
    dropout = make()
    y = dropout.forward(np.ones((5, 4, 3)), step=3)
    np.testing.assert_array_equal(dropout.backward(np.ones((5, 4, 3))), y)


@pytest.mark.parametrize(("probability", "step"), [(0.25, None), (0.0, 3)])
def test_nothing_is_dropped_or_copied(probability, step):
    dropout, x = make(probability), np.ones((5, 4, 3))
    dropout.forward(x, step=9)  # a mask of before must not linger
    assert dropout.forward(x, step) is x
    np.testing.assert_array_equal(dropout.backward(np.ones((5, 4, 3))), x)
