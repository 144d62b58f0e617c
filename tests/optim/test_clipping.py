import numpy as np
import pytest

from trainer.backend import create_backend
from trainer.optim import clip_norm, clip_value
from trainer.optim.clipping import gradient_norm


def test_a_long_gradient_is_scaled_to_the_maximum():
    backend, gradients = create_backend(), np.array([3.0, 4.0])
    norm = gradient_norm(backend, gradients)
    assert norm == 5
    clip_norm(backend, gradients, norm, 1.0)
    np.testing.assert_allclose(gradients, [0.6, 0.8], rtol=1e-6)
    assert gradients[0] == 3.0 / (5 + 1e-6)


def test_a_short_gradient_is_left_alone():
    backend, gradients = create_backend(), np.array([0.3, 0.4])
    clip_norm(backend, gradients, gradient_norm(backend, gradients), 1.0)
    np.testing.assert_array_equal(gradients, [0.3, 0.4])


def test_elements_are_clamped():
    gradients = np.array([-7.0, 2.0, 7.0])
    clip_value(create_backend(), gradients, 5.0)
    np.testing.assert_array_equal(gradients, [-5, 2, 5])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping_keeps_the_type(dtype):
    gradients = np.array([3, 4], dtype)
    norm = gradient_norm(create_backend(), gradients)
    clip_norm(create_backend(), gradients, norm, 1.0)
    assert gradients.dtype == norm.dtype == dtype
